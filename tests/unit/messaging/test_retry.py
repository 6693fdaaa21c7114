"""When an event is tried again, and when it is given up."""

import pytest

from hardy.core import Code
from hardy.messaging import HOPELESS, PATIENT, Retry

EXACT = Retry(first=1, most=10, attempts=5, patience=2, jitter=lambda: 1.0)


def test_each_wait_is_twice_the_one_before_up_to_the_most():
    assert [EXACT.delay(attempt) for attempt in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_a_wait_is_between_half_and_all_of_its_time():
    lowest, highest = Retry(first=8, jitter=lambda: 0.0), Retry(first=8, jitter=lambda: 1.0)
    assert (lowest.delay(1), highest.delay(1)) == (4, 8)


@pytest.mark.parametrize("code", sorted(HOPELESS, key=lambda each: each.name), ids=lambda each: each.name)
def test_what_is_wrong_in_itself_is_not_tried_again(code):
    assert EXACT.decide(code, 1) is None


@pytest.mark.parametrize(
    "code", sorted(set(Code) - HOPELESS - PATIENT, key=lambda each: each.name), ids=lambda c: c.name
)
def test_what_fails_otherwise_has_so_many_attempts(code):
    assert EXACT.decide(code, 4) is not None
    assert EXACT.decide(code, 5) is None


@pytest.mark.parametrize("code", sorted(PATIENT, key=lambda each: each.name), ids=lambda each: each.name)
def test_what_is_not_its_own_fault_has_more(code):
    assert EXACT.decide(code, 9) is not None
    assert EXACT.decide(code, 10) is None
    assert Retry(attempts=1, patience=None).decide(code, 1_000_000) is not None


def test_a_wait_does_not_overflow():
    assert Retry(most=60, jitter=lambda: 1.0).delay(100_000) == 60
