"""The pod of a box: a table of what each wish becomes, and every manifest held against Kubernetes' own schemas."""

import itertools
import platform
import re
from dataclasses import replace

import kubernetes_validate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.contract import SandboxSpec, SandboxUnavailable
from sandboxes.layout import WRITABLE
from sandboxes.on_kubernetes.bringing import architecture, python_of
from sandboxes.on_kubernetes.place import Place, Toleration
from sandboxes.on_kubernetes.pod import (
    PREFIX,
    Identity,
    Runner,
    container_of,
    make_pod,
    memory_limit,
    pod_name,
)

IDENTITY = Identity("task-7.implement", "worker-1", b"\1" * 32, 2_000_123, 1_800_000_000.4, {"task": "7"})
VERSIONS = ["1.25", "1.29", "1.33", "1.37"]
GIB = 1 << 30


def make(spec=None, place=None, identity=IDENTITY, **more):
    spec = spec or SandboxSpec()
    options = {"image": "localhost/x:1", "command": ["door"], "runner": Runner("forgehand-runner-0")}
    return make_pod(spec, place or Place(), identity, **{**options, **more})


def at(value, path):
    """What is at a path; `~` stands for a slash within a name."""
    for part in path.replace("~", "\0").split("/"):
        value = value[int(part)] if part.isdigit() else value[part.replace("\0", "/")]
    return value


BOX = "spec/containers/0"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata/name", "forgehand-worker-1-task-7.implement"),
        ("metadata/namespace", "forgehand-sandboxes"),
        ("metadata/annotations/forgehand.dev~box", "task-7.implement"),
        ("metadata/annotations/forgehand.dev~owner", "worker-1"),
        ("metadata/annotations/forgehand.dev~deadline", "1800000000"),
        ("metadata/annotations/forgehand.dev~token", "01" * 32),
        ("metadata/labels/forgehand.dev~label-task", "7"),
        ("metadata/labels/forgehand.dev~owner", "worker-1"),
        ("metadata/labels/app.kubernetes.io~managed-by", "forgehand"),
        ("spec/restartPolicy", "Never"),
        ("spec/activeDeadlineSeconds", 3780),
        ("spec/automountServiceAccountToken", False),
        ("spec/enableServiceLinks", False),
        ("spec/hostNetwork", False),
        ("spec/hostPID", False),
        ("spec/hostIPC", False),
        ("spec/shareProcessNamespace", False),
        ("spec/dnsPolicy", "None"),
        ("spec/dnsConfig/nameservers", ["127.0.0.1"]),
        ("spec/priorityClassName", "forgehand-sandbox"),
        ("spec/securityContext/runAsNonRoot", True),
        ("spec/securityContext/runAsGroup", 65532),
        (f"{BOX}/command", ["python3", "-I", "-S", "door"]),
        (f"{BOX}/securityContext/runAsUser", 2_000_123),
        ("spec/securityContext/seccompProfile/type", "RuntimeDefault"),
        (f"{BOX}/securityContext/allowPrivilegeEscalation", False),
        (f"{BOX}/securityContext/privileged", False),
        (f"{BOX}/securityContext/readOnlyRootFilesystem", True),
        (f"{BOX}/securityContext/capabilities", {"drop": ["ALL"]}),
        (f"{BOX}/securityContext/seccompProfile/type", "RuntimeDefault"),
        (f"{BOX}/resources/limits/cpu", "1000m"),
        (f"{BOX}/resources/limits/memory", str(6 * GIB + (128 << 20))),
        (f"{BOX}/resources/requests/memory", str(6 * GIB + (128 << 20))),
        (f"{BOX}/resources/limits/ephemeral-storage", str(32 << 20)),
        (f"{BOX}/volumeMounts/4", {"name": "runner", "mountPath": "/run/forgehand", "readOnly": True}),
        ("spec/volumes/0", {"name": "work", "emptyDir": {"medium": "Memory", "sizeLimit": str(4 * GIB)}}),
        ("spec/volumes/4/configMap/name", "forgehand-runner-0"),
        ("spec/tolerations", [{"key": "forgehand.dev/sandbox", "operator": "Exists", "effect": "NoSchedule"}]),
    ],
)
def test_what_every_pod_has(path, expected):
    assert at(make(), path) == expected


@pytest.mark.parametrize(
    ("spec", "place", "path", "expected"),
    [
        (SandboxSpec(cpus=0.25), Place(), f"{BOX}/resources/limits/cpu", "250m"),
        (SandboxSpec(cpus=0.0001), Place(), f"{BOX}/resources/limits/cpu", "1m"),
        (SandboxSpec(cpus=2), Place(request_share=0.1), f"{BOX}/resources/requests/cpu", "200m"),
        (SandboxSpec(disk_bytes=1000), Place(), "spec/volumes/3/emptyDir/sizeLimit", "1000"),
        (SandboxSpec(lifetime_s=1.2), Place(start_timeout_s=10.5), "spec/activeDeadlineSeconds", 12),
        (SandboxSpec(), Place(runtime_class="gvisor"), "spec/runtimeClassName", "gvisor"),
        (SandboxSpec(gpus=1), Place(gpu_runtime_class="nvidia"), "spec/runtimeClassName", "nvidia"),
        (SandboxSpec(), Place(node_selector={"pool": "boxes"}), "spec/nodeSelector", {"pool": "boxes"}),
        (
            SandboxSpec(gpus=2),
            Place(node_selector={"a": "1", "b": "1"}, gpu_node_selector={"b": "gpu"}),
            "spec/nodeSelector",
            {"a": "1", "b": "gpu"},
        ),
        (
            SandboxSpec(gpus=2),
            Place(tolerations=()),
            "spec/tolerations",
            [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        ),
        (
            SandboxSpec(),
            Place(tolerations=(Toleration("k", "v", None),)),
            "spec/tolerations",
            [{"key": "k", "operator": "Equal", "value": "v"}],
        ),
        (SandboxSpec(), Place(pull_secrets=("registry",)), "spec/imagePullSecrets", [{"name": "registry"}]),
        (SandboxSpec(), Place(pull_policy="Never"), f"{BOX}/imagePullPolicy", "Never"),
        (SandboxSpec(together="a1"), Place(), "metadata/labels/forgehand.dev~together", "a1"),
        (
            SandboxSpec(together="a1"),
            Place(),
            "spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution",
            [
                {
                    "topologyKey": "kubernetes.io/hostname",
                    "labelSelector": {
                        "matchLabels": {
                            "app.kubernetes.io/managed-by": "forgehand",
                            "forgehand.dev/owner": "worker-1",
                            "forgehand.dev/together": "a1",
                        }
                    },
                }
            ],
        ),
    ],
)
def test_what_a_wish_becomes(spec, place, path, expected):
    assert at(make(spec, place), path) == expected


def test_the_porch_shares_nothing_with_the_box_but_the_network():
    box, porch = make()["spec"]["containers"]
    assert porch["name"] == "porch"
    assert porch["securityContext"]["runAsUser"] != box["securityContext"]["runAsUser"]
    assert porch["securityContext"] == {**box["securityContext"], "runAsUser": 2_000_124}
    assert [mount["mountPath"] for mount in porch["volumeMounts"]] == ["/run/forgehand"]
    assert set(porch["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}


BROUGHT = Runner("forgehand-runner-0", ("forgehand-python-0", "forgehand-python-1"), 12345)
HERE = architecture(platform.machine())


def test_a_python_that_is_brought_is_written_by_the_porch_and_only_read_by_the_box():
    pod = make(runner=BROUGHT)
    box, porch = container_of(pod, "box"), container_of(pod, "porch")
    assert [one["name"] for one in pod["spec"]["containers"]] == ["porch", "box"]
    assert [one for one in box["volumeMounts"] if one["name"] == "python"] == [
        {"name": "python", "mountPath": "/run/forgehand-python", "readOnly": True}
    ]
    assert not any(one["name"].startswith("part-") for one in box["volumeMounts"])
    assert porch["volumeMounts"] == [
        {"name": "runner", "mountPath": "/run/forgehand", "readOnly": True},
        {"name": "python", "mountPath": "/run/forgehand-python"},
        {"name": "part-0", "mountPath": "/run/forgehand-parts/0", "readOnly": True},
        {"name": "part-1", "mountPath": "/run/forgehand-parts/1", "readOnly": True},
    ]
    volumes = {one.pop("name"): one for one in pod["spec"]["volumes"]}
    assert volumes["python"] == {"emptyDir": {"medium": "Memory", "sizeLimit": "12345"}}
    assert volumes["part-1"] == {"configMap": {"name": "forgehand-python-1", "defaultMode": 0o444}}
    assert box["securityContext"] == container_of(make(), "box")["securityContext"]
    assert box["command"][-3:] == ["-I", "-S", "door"]


def test_what_is_brought_is_the_porchs_memory_and_the_nodes_disk():
    own, brought = (container_of(make(runner=one), "porch")["resources"] for one in (Runner("r"), BROUGHT))
    for which in ("limits", "requests"):
        for resource in ("memory", "ephemeral-storage"):
            assert int(brought[which][resource]) - int(own[which][resource]) == 12345
    assert container_of(make(runner=BROUGHT), "box")["resources"] == container_of(make(), "box")["resources"]


def test_what_is_brought_goes_to_nodes_of_its_kind():
    assert make(runner=BROUGHT)["spec"]["nodeSelector"] == {"kubernetes.io/arch": HERE}
    place = Place(node_selector={"kubernetes.io/arch": HERE, "a": "b"})
    assert make(place=place, runner=BROUGHT)["spec"]["nodeSelector"] == {"kubernetes.io/arch": HERE, "a": "b"}
    other = Place(node_selector={"kubernetes.io/arch": "pdp11"})
    assert make(place=other)["spec"]["nodeSelector"] == {"kubernetes.io/arch": "pdp11"}
    with pytest.raises(SandboxUnavailable, match=f"for {HERE}, not for nodes of pdp11"):
        make(place=other, runner=BROUGHT)


@pytest.mark.parametrize("runner", [Runner("r"), BROUGHT])
def test_a_pod_says_which_python_it_was_made_for(runner):
    assert python_of(make(runner=runner)) is runner.python


def test_the_kubelets_file_is_where_no_program_gets():
    for container in make()["spec"]["containers"]:
        assert container["terminationMessagePath"].startswith("/root/")


def test_a_gpu_is_a_limit_of_the_operators_resource():
    limits = at(make(SandboxSpec(gpus=2), Place(gpu_resource="amd.com/gpu")), f"{BOX}/resources/limits")
    assert limits["amd.com/gpu"] == "2"
    assert not any("gpu" in key for key in at(make(), f"{BOX}/resources/limits"))


@pytest.mark.parametrize("key", ["runtimeClassName", "nodeSelector", "imagePullSecrets", "affinity"])
def test_what_nobody_asked_for_is_left_out(key):
    assert key not in make()["spec"]
    assert "priorityClassName" not in make(place=Place(priority_class=None))["spec"]


def test_everything_writable_is_a_sized_tmpfs():
    pod = make(SandboxSpec(disk_bytes=12345))
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    for mount in at(pod, f"{BOX}/volumeMounts"):
        if not mount.get("readOnly"):
            assert volumes[mount["name"]]["emptyDir"] == {"medium": "Memory", "sizeLimit": "12345"}
    assert {mount["mountPath"] for mount in at(pod, f"{BOX}/volumeMounts")} == {*WRITABLE, "/run/forgehand"}


def test_nothing_of_the_host_is_mounted():
    assert {key for volume in make()["spec"]["volumes"] for key in volume} == {"name", "emptyDir", "configMap"}


def test_the_token_is_nowhere_a_program_of_the_box_could_see_it():
    pod = make()
    assert "01" * 32 not in str(pod["spec"])
    assert "01" * 32 not in str(pod["metadata"]["labels"])


def test_without_a_watch_programs_and_files_share_the_limit():
    spec = SandboxSpec(memory_bytes=GIB, disk_bytes=GIB)
    assert memory_limit(spec, watched=True) - memory_limit(spec, watched=False) == GIB
    assert at(make(spec, watched=False), f"{BOX}/resources/limits/memory") == str(GIB + (128 << 20))


def test_labels_that_are_none_stay_annotations():
    labels = {"task": "a b/c", "x y": "1", "long": "z" * 64, "fine": "yes"}
    metadata = make(identity=replace(IDENTITY, labels=labels))["metadata"]
    assert metadata["annotations"][f"{PREFIX}label-task"] == "a b/c"
    assert metadata["annotations"][f"{PREFIX}label-long"] == "z" * 64
    assert f"{PREFIX}label-task" not in metadata["labels"]
    assert f"{PREFIX}label-long" not in metadata["labels"]
    assert metadata["labels"][f"{PREFIX}label-fine"] == "yes"
    assert not any("x y" in key for key in (*metadata["labels"], *metadata["annotations"]))


def test_a_callers_label_cannot_stand_for_ours():
    metadata = make(identity=replace(IDENTITY, labels={"token": "mine", "box": "other"}))["metadata"]
    assert metadata["annotations"]["forgehand.dev/token"] == "01" * 32
    assert metadata["annotations"]["forgehand.dev/box"] == IDENTITY.name


PLACES = [
    Place(),
    Place(runtime_class="kata", node_selector={"a": "b"}, tolerations=(Toleration("a", "b", "NoExecute"),)),
    Place(priority_class=None, pull_secrets=("one",), pull_policy="Always", request_share=0.5),
]
SPECS = [
    SandboxSpec(),
    SandboxSpec(gpus=1, cpus=0.3, memory_bytes=1, disk_bytes=1, processes=1, lifetime_s=0.1, together="a1"),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("place", "spec"), list(itertools.product(PLACES, SPECS)))
@pytest.mark.parametrize("runner", [Runner("r"), BROUGHT], ids=["own", "brought"])
def test_every_manifest_is_valid(version, place, spec, runner):
    kubernetes_validate.validate(make(spec, place, runner=runner), version, strict=True)


names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,99}", fullmatch=True)


@given(names)
def test_every_boxs_name_makes_a_pods(name):
    found = pod_name("one", name)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", found)
    assert len(found) <= 253


def test_names_that_look_alike_stay_apart():
    assert len({pod_name("one", name) for name in ("a-b", "a_b", "a..b", "a.-b", "a-", "a_")}) == 6


@pytest.mark.parametrize(
    "wrong",
    [
        {"namespace": "A"},
        {"namespace": ""},
        {"request_share": 0},
        {"request_share": 1.1},
        {"start_timeout_s": 0},
        {"start_timeout_s": float("inf")},
    ],
)
def test_a_place_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Place(**wrong)
