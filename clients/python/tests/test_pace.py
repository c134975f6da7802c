"""How many jobs a worker asks for."""

from errand._pace import Pace


def test_before_anything_is_known_only_free_slots_are_filled():
    pace = Pace(4, True)
    assert [pace.wanted(held) for held in (0, 3, 4, 5)] == [4, 1, 0, 0]


def test_short_jobs_are_leased_ahead_and_not_one_by_one():
    pace = Pace(4, True)
    pace.measure(0.01)
    assert [pace.wanted(held) for held in (0, 20, 25, 44)] == [44, 24, 0, 0]


def test_there_is_an_end_to_it():
    pace = Pace(4, True)
    pace.measure(0.0)
    assert pace.wanted(0) == 1004


def test_long_jobs_are_not_leased_ahead():
    pace = Pace(4, True)
    pace.measure(0.01)
    pace.slow_down()
    assert pace.wanted(0) == 4
    for _ in range(100):
        pace.measure(0.01)
    assert pace.wanted(0) > 4


def test_nothing_is_leased_ahead_by_who_does_not_want_it():
    pace = Pace(4, False)
    pace.measure(0.001)
    assert pace.wanted(0) == 4
