"""Which destinations a box may reach. Pure.

A destination is allowed by its name and port; the addresses the name stands for are checked apart, because whoever
owns a name can have it point anywhere (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refusal(Exception):
    """A connection that must not be made; the text is for whoever tried."""

    def __init__(self, why: str, status: int = 403) -> None:
        super().__init__(why)
        self.status = status


def normal(host: str) -> str:
    """A host name as it is compared: lower case, without a trailing dot or brackets. Refusal when it is none."""
    host = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
    try:
        host = host.encode("ascii").decode()
    except UnicodeEncodeError:
        raise Refusal("names beyond ASCII go in their xn-- form", 400) from None
    if not host or len(host) > 253 or any(c in host for c in "/\\@ \t\r\n\0%"):
        raise Refusal("that is no host name", 400)
    return host


class Policy:
    """`destinations`: `host:port` or `*.domain:port` (which is not the domain itself), as in `SandboxSpec.network`.
    `private`: networks that are not public and may be dialled all the same."""

    def __init__(self, destinations: Iterable[str], private: Sequence[Network] = ()) -> None:
        self._exact: set[tuple[str, int]] = set()
        self._below: set[tuple[str, int]] = set()
        for destination in destinations:
            host, _, port = destination.rpartition(":")
            place = self._below if host.startswith("*.") else self._exact
            place.add((host.removeprefix("*.").lower(), int(port)))
        self._private = tuple(private)

    def check(self, host: str, port: int) -> str:
        """The normal form of an allowed destination's host. Refusal."""
        name = normal(host)
        labels = name.split(".")
        above = (".".join(labels[n:]) for n in range(1, len(labels)))
        if (name, port) in self._exact or any((domain, port) in self._below for domain in above):
            return name
        raise Refusal(f"{name}:{port} is not among the destinations this box may reach")

    def dialable(self, name: str, addresses: Iterable[str]) -> list[str]:
        """Those of a name's addresses that may be dialled. Refusal when there is none.

        One address that may not be is enough to refuse them all: an honest name does not mix them.
        """
        found = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
        for address in found:
            plain = _plain(address)
            if not (_public(plain) or any(plain in network for network in self._private)):
                raise Refusal(f"{name} stands for {address}, which is not a public address")
        if not found:
            raise Refusal(f"{name} stands for no address", 502)
        return [str(address) for address in found]


def _plain(address: Address) -> Address:
    """The IPv4 address an IPv6 one carries (mapped, 6to4, NAT64), so that none of them hides a private one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _public(address: Address) -> bool:
    return address.is_global and not address.is_multicast
