"""C++ extensions of candidates, compiled in real boxes. Sources with few headers: torch's own takes half a minute."""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kernels import compiling
from kernels.artefacts import Artefacts
from kernels.bench import CandidateSide, Inputs, Judged, Patience, blob, start_candidate
from kernels.candidate import Candidate
from kernels.compiling import Compiled, CompileService
from kernels.findings import Finding
from kernels.hosting import Place, Worker
from kernels.verdicts import Stage, Verdict

pytestmark = pytest.mark.xdist_group("kernel extensions")
NOTHING = Inputs({"k": "list", "items": []}, ())
TWICE = """
#include <Python.h>
static PyObject *twice(PyObject *, PyObject *value) { return PyNumber_Add(value, value); }
static PyMethodDef methods[] = {{"twice", twice, METH_O, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "made", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_made() { return PyModule_Create(&module); }
"""


def candidate(source: str = TWICE, *, flags: str = "['-O2']", more: str = "", before: str = "") -> Candidate:
    text = (
        f"import torch\nfrom torch.utils.cpp_extension import load_inline\n{before}\n"
        f"SOURCE = r'''{source}'''\n"
        f"built = load_inline(name='made', cpp_sources=SOURCE, extra_cflags={flags}, no_implicit_headers=True{more})\n"
        "class ModelNew(torch.nn.Module):\n"
        "    def forward(self, x):\n        return built.twice(x)\n"
    )
    return Candidate("c.py", text.encode())


class Bench:
    """The stage, asked directly, with a folder to keep artefacts in. `workers`: how many candidates' were used up."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = replace(place, artefacts=folder)
        self.service = CompileService(self.place)
        self.workers = 0
        self.findings: list[Finding] = []

    def taken(self) -> Worker:
        self.workers += 1
        return start_candidate(self.place)

    def compile(self, one: Candidate) -> Compiled:
        into = Compiled()
        self.service.compile(one, NOTHING, self.taken, into, self.findings, Patience())
        return into

    def judged(self, one: Candidate) -> tuple[Judged, Compiled]:
        into = Compiled()
        with pytest.raises(Judged) as end:
            self.service.compile(one, NOTHING, self.taken, into, self.findings, Patience())
        assert end.value.stage is Stage.compile
        return end.value, into


@pytest.fixture
def bench(place: Place, tmp_path: Path) -> Bench:
    return Bench(place, tmp_path / "kept")


@pytest.fixture
def worker(place: Place) -> Iterator[Worker]:
    with start_candidate(place) as found:
        yield found


def test_what_was_compiled_is_called_in_the_candidates_own_worker_and_never_compiled_again(
    bench: Bench, worker: Worker
) -> None:
    found = bench.compile(candidate())
    (one,) = found.extensions
    assert (one.name, one.cflags, one.line, one.cached) == ("made", ("-O2",), 11, False)
    ((key, name, data),) = found.artefacts
    assert (name, data[:4], one.digest, one.size) == ("made", b"\x7fELF", hashlib.sha256(data).hexdigest(), len(data))
    assert "g++" in found.compiler
    assert bench.findings == []

    side = CandidateSide(worker, candidate(), artefacts=found.artefacts)
    side.load(NOTHING, train=True)
    x = blob(bytes([1, 2, 3]))
    form = {"k": "list", "items": [{"k": "tensor", "n": 0}]}
    output = side.call(Inputs(form, [x])).output
    assert bytes(output.leaves[0].tensor.data) == bytes([2, 4, 6])

    again = Bench(bench.place, bench.place.artefacts or Path())
    found = again.compile(candidate())
    assert found.cached
    assert [(one[0], one[2]) for one in found.artefacts] == [(key, data)]
    assert again.workers == 0, "not even what it builds is asked again"


def test_errors_of_the_compiler_come_with_file_and_line_and_the_candidates(bench: Bench) -> None:
    broken = candidate(TWICE.replace("PyNumber_Add(value, value)", "missing_name(value)"))
    end, into = bench.judged(broken)
    assert end.verdict is Verdict.compile_error
    assert "main.cpp:3:" in end.reason
    assert "missing_name" in end.reason
    assert end.line == 6
    assert into.errors
    assert len(into.errors) <= 40
    assert not any("/tmp/" in one for one in into.errors)
    assert list((bench.place.artefacts or Path()).iterdir()), "what it builds is kept, an artefact is not"


def test_a_flag_that_is_not_allowed_is_named(bench: Bench) -> None:
    end, into = bench.judged(candidate(flags="['-O2', '-fplugin=/tmp/x.so']"))
    assert (end.verdict, end.line, into.extensions) == (Verdict.policy_violation, 11, [])
    assert "-fplugin=/tmp/x.so" in end.reason
    end, _ = bench.judged(candidate(more=", extra_ldflags=['-Wl,-init,run']"))
    assert "-Wl,-init,run" in end.reason
    end, _ = bench.judged(candidate(more=", extra_include_paths=['/etc']"))
    assert "include path '/etc'" in end.reason


def test_what_a_reader_should_know_decides_nothing(bench: Bench) -> None:
    odd = (
        TWICE + "\n#define JOIN(a, b) a##b\nstatic int JOIN(no, thing) = 0; /* fork */\nextern int (*p)(const char *);"
    )
    bench.compile(candidate(odd + "\n#include <cstdlib>\nstatic auto z = &std::system;", flags="['-ffast-math']"))
    assert {one.rule for one in bench.findings} == {"fast_math", "not_optimised", "unusual_cpp", "pasted_tokens"}
    assert {one.tier.value for one in bench.findings} == {"telemetry"}
    assert [one.evidence for one in bench.findings if one.rule == "unusual_cpp"] == ["made names system"]


def test_templates_without_end_cost_the_time_that_is_given(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "COMPILE_S", 5.0)
    bomb = TWICE + (
        "\ntemplate <int N> struct T { static const long v = T<N - 1>::v + T<N - 2>::v * 3; };\n"
        "template <> struct T<0> { static const long v = 1; };\ntemplate <> struct T<1> { static const long v = 1; };\n"
        "constexpr unsigned long spin(unsigned long n) { unsigned long s = 0; for (unsigned long i = 0; i < n; ++i) "
        "s += i * i; return s; }\n"
        "static const unsigned long w = T<500>::v + spin(1ul << 40);\n"
    )
    end, _ = bench.judged(candidate(bomb, flags="['-O2', '-Wno-all']"))
    assert end.verdict in (Verdict.timeout, Verdict.compile_error), end.reason
    assert bench.compile(candidate()).extensions, "and the next one is compiled"


def test_what_was_not_built_is_not_handed_out(bench: Bench, worker: Worker) -> None:
    """Nor what was built for other sources: another candidate's artefact has another key."""
    other = bench.compile(candidate())
    changed = candidate(TWICE.replace("PyNumber_Add(value, value)", "PyNumber_Negative(value)"))
    side = CandidateSide(worker, changed, artefacts=other.artefacts)
    with pytest.raises(Judged) as end:
        side.load(NOTHING, train=True)
    assert (end.value.verdict, end.value.stage, end.value.line) == (Verdict.load_error, Stage.load, 11)
    assert "made was not built" in end.value.reason


def test_a_candidate_that_says_it_builds_something_else_each_time_gets_nothing(bench: Bench, worker: Worker) -> None:
    drifting = candidate("// ''' + str(hash(object())) + r'''\n" + TWICE)
    found = bench.compile(drifting)
    assert len(found.artefacts) == 1
    with pytest.raises(Judged, match="was not built"):
        CandidateSide(worker, drifting, artefacts=found.artefacts).load(NOTHING, train=True)


@pytest.mark.parametrize("before", ["import os; os._exit(0)", "raise ValueError('early')", "import sys; sys.exit(3)"])
def test_what_ends_before_it_builds_is_told_when_it_is_loaded(bench: Bench, worker: Worker, before: str) -> None:
    early = candidate(before=before)
    found = bench.compile(early)
    assert (found.extensions, found.compiler) == ([], "")
    with pytest.raises(Judged) as end:
        CandidateSide(worker, early, artefacts=found.artefacts).load(NOTHING, train=True)
    assert end.value.verdict is Verdict.load_error


def test_where_there_is_no_compiler_nobody_is_blamed(bench: Bench) -> None:
    bench.service._toolchain = {"missing": "there is no g++ in the box's image"}
    end, into = bench.judged(candidate())
    assert end.verdict is Verdict.infra_error
    assert "python3-dev" in end.reason
    assert into.extensions == []


def test_a_damaged_artefact_is_compiled_again(bench: Bench) -> None:
    found = bench.compile(candidate())
    kept = Artefacts(bench.place.artefacts or Path())
    for path in kept.folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    again = bench.compile(candidate())
    assert not again.cached
    assert again.artefacts[0][0] == found.artefacts[0][0]


def test_the_precompiled_header_is_of_the_text_that_the_service_takes() -> None:
    room = Path(__file__).parents[2]
    tree = ast.parse((room / "kernels" / "worker" / "compiling.py").read_text())
    made = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("LEAN", "PRECOMPILED")
    }
    script = (room / "tools" / "kernel-headers").read_text()
    assert made["LEAN"] in script
    assert f"/{made['PRECOMPILED']}/torch" in script
