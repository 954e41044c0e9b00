"""The loader through which a candidate has its extensions, in a box with torch: what it hands out, and what becomes of
calls while extensions are made to fail or to answer with nothing."""

import json

import pytest

from kernels.bench import Inputs, Patience, start_candidate
from kernels.compiling import Compiled, CompileService
from kernels.hosting import Place
from kernels.package import worker_zip
from tests.kernels.test_compiling import TWICE, candidate

pytestmark = pytest.mark.xdist_group("kernel extensions")

PROGRAM = """
import sys, json
sys.path.insert(0, "/tmp/worker.zip")
import torch
from kernels.worker.extensions import Ablated, Extensions, Mode
source = open("/tmp/c.py").read()
ours = Extensions("/candidate.py")
ours.install()
told = {}
key, name = sys.argv[1:3]
ours.take(key, name, open("/tmp/made.so", "rb").read())
module = {}
exec(compile(source, "/candidate.py", "exec"), module)
again = {}
exec(compile(source, "/candidate.py", "exec"), again)
told["one"] = module["built"] is again["built"]
twice, x = module["built"].twice, torch.ones(3)
told["real"] = twice(x).tolist()
with ours.mode(Mode.fail):
    try:
        twice(x)
    except Ablated as error:
        told["fail"] = str(error)
with ours.mode(Mode.spoil):
    told["spoilt"] = [str(one) for one in twice(x).tolist()]
    told["whole"] = twice(torch.ones(1, dtype=torch.int8)).tolist()
told["input"] = x.tolist()
told["after"] = twice(x).tolist()
told["loaded"] = [[one.name, list(one.functions), list(one.ungated), one.calls] for one in ours.loaded]
told["reaches_all"] = ours.whole
from torch.utils import cpp_extension
told["cuda"] = cpp_extension.CUDA_HOME
for wanted in ({"cuda_sources": "x"}, {"with_cuda": True}):
    try:
        cpp_extension.load_inline(name="made", cpp_sources="", **wanted)
    except RuntimeError as error:
        told.setdefault("refused", []).append(str(error))
print(json.dumps(told))
"""


def test_every_function_of_an_extension_can_be_made_to_fail_or_to_answer_with_nothing(place: Place) -> None:
    found = Compiled()
    nothing = Inputs({"k": "list", "items": []}, ())
    CompileService(place).compile(candidate(), nothing, lambda: start_candidate(place), found, [], Patience())
    ((key, name, data),) = found.artefacts
    with place.backend.create(place.spec(300), name=f"extensions-{key[:12]}") as box:
        for path, content in (("worker.zip", worker_zip()), ("c.py", candidate().source), ("made.so", data)):
            box.write(f"/tmp/{path}", content)
        result = box.run([str(place.python), "-I", "-c", PROGRAM, key, name], timeout=200)
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["one"], "the same sources and flags are the same module"
    assert told["real"] == told["after"] == [2, 2, 2]
    assert told["fail"] == "twice is made to fail"
    assert told["spoilt"] == ["12345.0"] * 3
    assert told["whole"] == [127]
    assert told["input"] == [1, 1, 1], "what it only read stays"
    assert told["loaded"] == [["made", ["twice"], [], {"twice": 3}]]
    assert told["reaches_all"]
    assert told["cuda"] is None
    assert len(told["refused"]) == 2
    assert "CUDA" in told["refused"][0]
    assert "twice" in TWICE
