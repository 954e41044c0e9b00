import unittest

from durations import format_duration
from durations.formatting import format_clock


class FormatDuration(unittest.TestCase):
    def test_largest_units_first(self):
        self.assertEqual(format_duration(93784), "1d 2h 3m 4s")

    def test_nothing(self):
        self.assertEqual(format_duration(0), "0s")

    def test_negative(self):
        self.assertEqual(format_duration(-90), "-1m 30s")


class FormatClock(unittest.TestCase):
    def test_hours_go_past_a_day(self):
        self.assertEqual(format_clock(100 * 3600 + 61), "100:01:01")

    def test_negative(self):
        self.assertEqual(format_clock(-61), "-0:01:01")


if __name__ == "__main__":
    unittest.main()
