import unittest

from durations import DurationError, Entry, read_log, total, totals_by_task


class ReadLog(unittest.TestCase):
    def test_blank_lines_and_notes_are_skipped(self):
        self.assertEqual(list(read_log(["", "# monday", "review: 20m"])), [Entry("review", 1200)])

    def test_the_line_is_named(self):
        with self.assertRaisesRegex(DurationError, "line 2"):
            list(read_log(["review: 20m", "no colon here"]))


class Totals(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total(["1h", "30m"]), 5400)

    def test_by_task(self):
        entries = [Entry("a", 1), Entry("b", 2), Entry("a", 3)]
        self.assertEqual(totals_by_task(entries), {"a": 4, "b": 2})


if __name__ == "__main__":
    unittest.main()
