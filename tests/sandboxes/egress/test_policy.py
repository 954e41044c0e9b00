"""Which names, ports and addresses a box may reach."""

import ipaddress

import pytest

from sandboxes import SandboxSpec
from sandboxes.egress import Policy, Refusal

POLICY = Policy(["pypi.org:443", "*.pythonhosted.org:443", "registry.local:8080"])


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("pypi.org", 443),
        ("PyPI.org.", 443),
        ("files.pythonhosted.org", 443),
        ("a.b.pythonhosted.org", 443),
        ("registry.local", 8080),
    ],
)
def test_what_is_listed_may_be_reached(host: str, port: int) -> None:
    assert POLICY.check(host, port) == host.rstrip(".").lower()


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("pypi.org", 80),
        ("evil.org", 443),
        ("pythonhosted.org", 443),  # the star stands for at least one label
        ("xpythonhosted.org", 443),
        ("pypi.org.evil.org", 443),
        ("evil.pypi.org", 443),
        ("1.2.3.4", 443),
        ("[::1]", 443),
        ("pypi.org@evil.org", 443),
        ("pypi.org\0.evil.org", 443),
        ("pypi.org/evil", 443),
        ("", 443),
        ("pypi。org", 443),
        ("x" * 254, 443),
    ],
)
def test_nothing_else_may(host: str, port: int) -> None:
    with pytest.raises(Refusal):
        POLICY.check(host, port)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.17.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fc00::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::a9fe:a9fe", "ff02::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_not_dialled(address: str) -> None:
    with pytest.raises(Refusal):
        POLICY.dialable("pypi.org", [address])
    with pytest.raises(Refusal):
        POLICY.dialable("pypi.org", ["151.101.0.223", address])


def test_public_addresses_and_named_private_networks_are() -> None:
    assert POLICY.dialable("pypi.org", ["151.101.0.223", "2a04:4e42::223"]) == ["151.101.0.223", "2a04:4e42::223"]
    inside = Policy([], private=[ipaddress.ip_network("10.0.0.0/8")])
    assert inside.dialable("registry.local", ["10.1.2.3"]) == ["10.1.2.3"]
    with pytest.raises(Refusal):
        inside.dialable("registry.local", ["192.168.1.1"])


def test_a_name_without_an_address_is_no_destination() -> None:
    with pytest.raises(Refusal):
        POLICY.dialable("pypi.org", [])


@pytest.mark.parametrize(
    "text", ["pypi.org", "https://pypi.org:443", "*:443", "pypi.org:*", "a b:1", "-x.org:1", ":443"]
)
def test_a_destination_of_another_form_is_no_spec(text: str) -> None:
    with pytest.raises(ValueError, match="network"):
        SandboxSpec(network=(text,))


def test_destinations_have_their_form() -> None:
    assert SandboxSpec(network=("pypi.org:443", "*.example.com:8443", "10.0.0.7:80")).network[1] == "*.example.com:8443"
