"""The program as people start it: one process a case."""

import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOGS = Path(__file__).parent / "logs"


def run(*arguments):
    command = [sys.executable, "-m", "durations", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


class Report(unittest.TestCase):
    def test_reports_match_what_was_published(self):
        for log in sorted(LOGS.glob("*.log")):
            with self.subTest(log=log.name):
                expected = log.with_suffix(".txt").read_text(encoding="utf-8")
                self.assertEqual(run("report", str(log)).stdout, expected)

    def test_a_bad_line_is_named(self):
        done = run("report", str(ROOT / "README.md"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 3", done.stderr)


class Convert(unittest.TestCase):
    def test_whole_seconds_are_printed(self):
        self.assertEqual(run("convert", "1h 30m").stdout, "5400\n")

    def test_unknown_unit(self):
        self.assertEqual(run("convert", "3 fortnights").returncode, 1)


class RoundTrip(unittest.TestCase):
    def test_what_is_written_reads_the_same(self):
        for minutes in range(1, 400, 26):
            with self.subTest(minutes=minutes):
                written = run("sum", f"{minutes}m").stdout.strip()
                self.assertEqual(run("convert", written).stdout, f"{minutes * 60}\n")


if __name__ == "__main__":
    unittest.main()
