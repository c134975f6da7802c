#!/usr/bin/python3
"""The comparison of counts with limits finds what it is for."""

import unittest

import cost


class Compare(unittest.TestCase):
    def test_a_count_within_the_margin_is_fine(self):
        self.assertEqual(cost.compare({"call": 1240, "json": 10}, {"call": 1000, "json": 1000}), [])

    def test_a_count_beyond_the_margin_is_told(self):
        wrong = cost.compare({"call": 1260}, {"call": 1000})
        self.assertEqual(wrong, ["call: 1260 instructions instead of 1000, 26 % more"])

    def test_a_path_without_a_limit_or_a_count_is_told(self):
        wrong = cost.compare({"call": 1}, {"json": 1})
        self.assertEqual(wrong, ["json: not counted", "call: 1 instructions, and no limit"])

    def test_the_count_is_read_from_what_valgrind_says(self):
        said = "==7== Callgrind\n==7== Events    : Ir\n==7== Collected : 42\n==7== \n"
        self.assertEqual(cost.read_count(said), 42)


if __name__ == "__main__":
    unittest.main()
