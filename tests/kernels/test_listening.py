"""What a process is heard doing, in a Python of its own without torch: and of whose lines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import kernels

ROOM = Path(kernels.__file__).parent.parent
DRIVER = """
import json, sys
from kernels.worker.listening import listen

heard = listen("/candidate.py")
try:
    exec(compile(open(sys.argv[1]).read(), "/candidate.py", "exec"), {"__name__": "candidate"})
finally:
    print(json.dumps(heard()))
"""


def heard(tmp_path: Path, source: str) -> list[list[object]]:
    (tmp_path / "installed").mkdir(exist_ok=True)
    (tmp_path / "installed" / "driver.py").write_text(DRIVER)
    (tmp_path / "candidate.txt").write_text(source)
    start = "import sys; sys.path[:0] = sys.argv[2:4]; import driver"
    argv = [sys.executable, "-I", "-c", start, str(tmp_path / "candidate.txt"), str(ROOM), str(tmp_path / "installed")]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: list[list[object]] = json.loads(done.stdout.splitlines()[-1])
    return found


HIDDEN = "'import sys\\nsys._getframe()'"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import sys\nsys._getframe()", [["sys._getframe", 2]]),
        ("import inspect\ninspect.currentframe()", [["sys._getframe", 2]]),
        ("import logging\nlogging.currentframe()", [["sys._getframe", 2]]),
        ("import os\nos.popen('true').read()", [["subprocess.Popen", 2]]),
        ("import gc\nclass Lazy:\n  import functools\n  all = functools.cached_property(lambda _: gc.get_objects())\n"
         "Lazy().all", [["gc.get_objects", 4]]),
        ("import ctypes\na = ctypes.create_string_buffer(8)\nctypes.string_at(ctypes.addressof(a), 8)",
         [["ctypes.string_at", 3]]),
        ("exec('1')", [["exec", 1]]),
        ("import runpy\nopen('m.py', 'w').write('1')\nrunpy.run_path('m.py')", [["exec", 3]]),
        ("def f(): 1\nf.__code__ = (lambda: 2).__code__", [["object.__setattr__", 2]]),
        ("def f(): 1\nf.__code__.replace(co_name='g')", [["code.__new__", 2]]),
    ],
)  # fmt: skip
def test_what_no_kernel_has_a_use_for_is_heard(tmp_path: Path, source: str, found: list[list[object]]) -> None:
    assert heard(tmp_path, source) == found


def test_many_events_leave_room_for_others(tmp_path: Path) -> None:
    """A hook that took fifty events and no more was deaf after fifty calls that say little."""
    noise = "import ctypes\nfor n in range(200):\n  ctypes.CDLL(None)\n" + "ctypes.CDLL(None)\n" * 60
    found = heard(tmp_path, noise + "import sys\nsys._getframe()")
    assert ["sys._getframe", 65] in found
    assert len(found) < 20


def test_code_under_another_name_is_the_candidates(tmp_path: Path) -> None:
    source = f"import types\nmade = types.FunctionType(compile({HIDDEN}, 'x', 'exec'), {{}})\nmade()"
    assert heard(tmp_path, source) == [["function.__new__", 2], ["sys._getframe", 3]]


@pytest.mark.parametrize("way", ["import m", "__import__('m')", "import importlib; importlib.import_module('m')"])
def test_a_module_that_it_wrote_is_the_candidates(tmp_path: Path, way: str) -> None:
    source = f"import sys\nopen('m.py', 'w').write({HIDDEN})\nsys.path.insert(0, '.')\n{way}"
    assert heard(tmp_path, source) == [["import", 4], ["sys._getframe", 4]]


def test_a_compiled_module_that_it_brought_is_told(tmp_path: Path) -> None:
    source = (
        "import sys, importlib.machinery, shutil, importlib.util\n"
        "import _ctypes\n"
        "shutil.copy(_ctypes.__file__, 'own.so')\n"
        "spec = importlib.util.spec_from_file_location('_ctypes', './own.so')\n"
        "importlib.util.module_from_spec(spec)\n"
    )
    assert ["import", 5] in heard(tmp_path, source)


def test_what_is_left_running_has_no_line(tmp_path: Path) -> None:
    source = "import gc, threading\none = threading.Thread(target=gc.get_objects)\none.start()\none.join()"
    assert heard(tmp_path, source) == [["gc.get_objects", None]]


@pytest.mark.parametrize(
    "source",
    [
        "from collections import namedtuple\nPlan = namedtuple('Plan', 'rows columns')\nPlan(1, 2)._replace(rows=3)",
        "from dataclasses import dataclass\n@dataclass(frozen=True, slots=True)\nclass Plan:\n  rows: int = 1\n"
        "repr(Plan(2))",
        "from typing import NamedTuple, get_type_hints\nclass Plan(NamedTuple):\n  rows: 'int' = 1\n"
        "get_type_hints(Plan)",
        "import enum\nKind = enum.Enum('Kind', 'one two')",
        "import functools\n@functools.singledispatch\ndef f(x): 1\n@f.register\ndef _(x: 'int'): 2\nf(1)",
        "import logging\nlogging.getLogger('x').warning('said')",
        "import timeit\ntimeit.timeit(lambda: 1, number=1)",
        "try:\n  import numpy\nexcept ImportError: pass\nimport decimal, asyncio, unittest.mock, sqlite3, ctypes",
        "open('plan.txt', 'w').write('1')\nopen('plan.txt').read()",
        "import inspect\ninspect.signature(lambda x: 1)\ninspect.signature(dict.get)",
        "import warnings\nwarnings.warn('said')\nimport traceback\ntry: 1 / 0\nexcept ZeroDivisionError: "
        "traceback.format_exc()",
        "import concurrent.futures as f\nwith f.ThreadPoolExecutor(1) as pool: pool.submit(sum, [1]).result()",
    ],
)
def test_honest_programs_are_not_heard(tmp_path: Path, source: str) -> None:
    assert heard(tmp_path, source) == []
