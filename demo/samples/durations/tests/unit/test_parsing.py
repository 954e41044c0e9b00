import unittest

from durations import DurationError, parse_duration


class ParseDuration(unittest.TestCase):
    def test_single_units(self):
        for text, seconds in [("1s", 1), ("2m", 120), ("3h", 10800), ("1d", 86400), ("1w", 604800)]:
            with self.subTest(text=text):
                self.assertEqual(parse_duration(text), seconds)

    def test_parts_are_added_up_in_any_order(self):
        self.assertEqual(parse_duration("30m 1h"), 5400)

    def test_names_of_units(self):
        self.assertEqual(parse_duration("2 hours 5 minutes"), 7500)

    def test_minus_counts_for_the_whole(self):
        self.assertEqual(parse_duration("-1h 30m"), -5400)

    def test_no_duration(self):
        with self.assertRaises(DurationError):
            parse_duration("soon")

    def test_unknown_unit(self):
        with self.assertRaisesRegex(DurationError, "unknown unit 'fortnights'"):
            parse_duration("2 fortnights")


if __name__ == "__main__":
    unittest.main()
