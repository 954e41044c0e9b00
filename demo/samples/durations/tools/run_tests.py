"""Runs one of the test suites, and on GitHub marks each failure at its line: `python tools/run_tests.py unit|integration`."""

import os
import sys
import time
import traceback
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITES = ("unit", "integration")


def place_of(error: BaseException) -> tuple[str, int]:
    """The repository file and line that raised, the innermost one of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(ROOT)]
    tests = [frame for frame in ours if "tests" in Path(frame.filename).parts] or ours
    if not tests:
        return "tools/run_tests.py", 1
    return str(Path(tests[-1].filename).resolve().relative_to(ROOT)), tests[-1].lineno or 1


def escape(text: str, *, value: bool = False) -> str:
    """Text as a workflow command wants it."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if value else text


class Result(unittest.TextTestResult):
    """The usual result, which also writes a workflow command for each failure."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.mark(test, err[1])

    def addError(self, test, err):
        super().addError(test, err)
        self.mark(test, err[1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.mark(subtest, err[1])

    def mark(self, test, error):
        if os.environ.get("GITHUB_ACTIONS") != "true":
            return
        path, line = place_of(error)
        title = escape(str(test).partition(" ")[0], value=True)
        print(f"\n::error file={path},line={line},title={title}::{escape(str(error))}", flush=True)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in SUITES:
        print(f"usage: python tools/run_tests.py {'|'.join(SUITES)}", file=sys.stderr)
        return 2
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    suite = unittest.defaultTestLoader.discover(str(ROOT / "tests" / arguments[0]), top_level_dir=str(ROOT))
    started = time.monotonic()
    outcome = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=1).run(suite)
    print(f"{arguments[0]}: {outcome.testsRun} tests in {time.monotonic() - started:.1f} s")
    return 0 if outcome.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
