"""What compilers say of a kernel, read. The logs are as nvcc 13.0.88 and its ptxas wrote them here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.findings import Tier
from kernels.messages import ProtocolError
from kernels.without_gpu import CompiledKernel, Kind, WithoutGpu
from kernels.without_gpu.facts import of_launches
from kernels.without_gpu.nvcc import Error, errors
from kernels.without_gpu.ptx import Census, census, findings, plain_name, sections, usage

LOG = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z1gIfEvPT_' for 'sm_90a'
ptxas info    : Function properties for _Z1gIfEvPT_
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 0 barriers
ptxas info    : Compile time = 9.567 ms
ptxas info    : Compiling entry function '_Z1fPKfPfi' for 'sm_90a'
ptxas info    : Function properties for _Z1fPKfPfi
    64 bytes stack frame, 12 bytes spill stores, 20 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers, 256 bytes smem
ptxas info    : Compile time = 8.142 ms
"""


def test_what_ptxas_tells_of_each_entry() -> None:
    first, second = usage(LOG)
    assert (first.entry, first.target, first.registers, first.spill_stores, first.shared) == (
        "_Z1gIfEvPT_", "sm_90a", 10, 0, 0,
    )  # fmt: skip
    assert (second.registers, second.spill_stores, second.spill_loads, second.shared) == (255, 12, 20, 256)
    assert usage("nothing of the kind") == []


@given(st.text(max_size=300))
def test_no_log_is_too_odd(text: str) -> None:
    assert len(usage(text)) <= text.count("Compiling")
    assert len(usage(LOG + text)) >= 2
    errors(text, "c.py")
    census(text)


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("_Z1fPKfPfi", "f"),
        ("_Z1gIfEvPT_", "g"),
        ("_Z12scale_kernelIN3c104HalfEEvPKT_PS2_fl", "scale_kernel"),
        ("_ZN5inner5otherEPf", "other"),
        ("softmax_rows", "softmax_rows"),
        ("_ZL7privatev", "private"),
        ("_Z", "_Z"),
    ],
)
def test_a_mangled_name_and_the_function_it_means(entry: str, name: str) -> None:
    assert plain_name(entry) == name


PTX = """
.visible .entry first( .param .u64 p ) {  // .entry commented
    wgmma.mma_async.sync.aligned.m64n64k8.f32.tf32.tf32 {%f1}, %rd1, %rd2, 1, 1, 1;
    mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1}, {%r1}, {%r2}, {%f2};
    // mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
}
.visible .entry second(
) {
    cvt.rn.bf16x2.f32 %r1, %f1, %f2;
    cvt.rn.f32.s32 %f1, %r1;
    add.ftz.f32 %f1, %f2, %f3;
    mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%fd0}, {%fd1}, {%fd2}, {%fd3};
}
"""


def test_at_which_precision_a_kernel_multiplies_and_to_which_it_rounds() -> None:
    (one, first), (other, second) = sections(PTX)
    assert (one, other) == ("first", "second")
    assert census(first) == Census({"tf32": 1, "f16": 1}, {}, 0)
    assert census(second) == Census({}, {"bf16": 1}, 1)


@pytest.mark.parametrize(
    ("found", "declared", "floor", "tiers"),
    [
        (Census({"tf32": 2}, {}, 0), ["float32"], 0.0, [Tier.support]),
        (Census({"tf32": 2}, {}, 0), ["float32"], 1e-3, [Tier.telemetry]),
        (Census({"bf16": 2}, {}, 0), ["float32"], 1e-3, [Tier.support]),
        (Census({"f16": 2}, {}, 0), ["float16"], 0.0, []),
        (Census({"tf32": 2}, {}, 0), ["float16"], 0.0, [Tier.telemetry]),
        (Census({"bf16": 2}, {}, 0), ["float16"], 0.0, [Tier.support]),
        (Census({}, {"f16": 1}, 0), ["float32"], 0.0, [Tier.telemetry]),
        (Census({}, {"f16": 1}, 0), ["float16"], 0.0, []),
        (Census({}, {}, 3), ["float32"], 0.0, [Tier.telemetry]),
        (Census({}, {}, 0), [], 0.0, []),
    ],
)
def test_what_is_narrower_than_the_task_is_looked_at_and_never_convicts(
    found: Census, declared: list[str], floor: float, tiers: list[Tier]
) -> None:
    told = list(findings(found, "k", declared, floor, 7))
    assert [one.tier for one in told] == tiers
    assert all(one.line == 7 and "k" in one.evidence for one in told)


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ('c.py(12): error: identifier "oops" is undefined', [Error(12, 'identifier "oops" is undefined')]),
        ("other.h(3): error: no", [Error(None, "no")]),
        ("c.py:12:5: error: expected ';'", [Error(12, "expected ';'")]),
        ("c.py(12): warning #177-D: never used", []),
        ("ptxas error   : Entry function 'f' uses too much shared data", [
            Error(None, "Entry function 'f' uses too much shared data")
        ]),
        ("ptxas /tmp/x.ptx, line 37; error   : Feature 'wgmma' requires .target sm_100", [
            Error(None, "Feature 'wgmma' requires .target sm_100")
        ]),
    ],
)  # fmt: skip
def test_what_the_compiler_complains_about(log: str, found: list[Error]) -> None:
    assert errors(log + "\n1 error detected\n", "c.py") == found


LAUNCHES = {
    "launched": [{"kernel": "k", "line": 3, "launches": 2, "grid": [4, 1]}],
    "reads": [{"kernel": "k", "text": "it reads on", "line": None}],
    "idle": [["decoy", 9]],
    "notes": ["said"],
}


def test_what_an_interpreting_worker_tells_is_read() -> None:
    found = of_launches(LAUNCHES)
    assert [(one.name, one.line, one.grid) for one in found.launched] == [("k", 3, (4, 1))]
    assert [(one.rule, one.tier, one.line) for one in found.findings] == [
        ("reads_out_of_bounds", Tier.support, None),
        ("kernel_never_launched", Tier.support, 9),
    ]
    assert found.notes == ("said",)


@pytest.mark.parametrize(
    "odd",
    [
        {"launched": None},
        {"launched": [{"kernel": "k"}]},
        {"launched": [{"kernel": "k", "line": 3, "launches": 2, "grid": ["4"]}]},
        {"launched": [{}] * 201},
        {"reads": [{"kernel": "k", "text": 3, "line": None}]},
        {"idle": [["decoy"]]},
        {"notes": "said"},
    ],
)
def test_what_our_loader_would_not_say_is_refused(odd: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        of_launches({**LAUNCHES, **odd})


def test_it_is_a_document() -> None:
    found = WithoutGpu(Kind.triton, [CompiledKernel("k", "sm_90a", 32, 4, 128, 7)], checked=["this"])
    assert found.document() == {
        "kind": "triton",
        "kernels": [
            {"name": "k", "line": 7, "target": "sm_90a", "registers": 32, "spilled_bytes": 4, "shared_bytes": 128}
        ],
        "launched": [],
        "checked": ["this"],
        "not_checked": [],
    }
