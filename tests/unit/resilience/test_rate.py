"""A rate, decided by GCRA: what token buckets document of themselves, in steps of our own."""

from math import inf

import pytest

from hardy.resilience import Admission, Rate, gcra

SECOND = 1_000_000


def walk(rate, steps):
    """Ask at each of *steps*, (seconds, cost) or seconds, and return who passed."""
    moment, passed = None, []
    for step in steps:
        at, cost = step if isinstance(step, tuple) else (step, 1)
        new, admission = gcra(moment, round(at * SECOND), rate, cost)
        moment = moment if new is None else new
        passed.append(admission.allowed)
    return passed


# The documented behaviour of golang.org/x/time/rate: the bucket begins full, holds `burst`, gains `limit` a second;
# AllowN takes n or nothing; a burst that is not there yet cannot be borrowed.
TABLE = {
    "the bucket begins full": (Rate(1, per=1, burst=3), [0, 0, 0, 0], "yyyn"),
    "one comes back after each interval": (Rate(2, per=1, burst=1), [0, 0.4, 0.5, 0.9, 1.0], "ynyny"),
    "a moment too early is too early": (Rate(10, per=1, burst=1), [0, 0.099999, 0.1], "yny"),
    "who waits saves up to the burst": (Rate(1, per=1, burst=2), [0, 0, 0, 10, 10, 10], "yynyyn"),
    "who is refused loses nothing": (Rate(1, per=1, burst=1), [0, 0.2, 0.4, 0.6, 0.8, 1.0], "ynnnny"),
    "several at once or none": (Rate(1, per=1, burst=5), [(0, 3), (0, 3), (0, 2), (1, 2), (2, 2)], "ynyny"),
    "more than the burst never": (Rate(1, per=1, burst=2), [(0, 3), (100, 3), (100, 2)], "nny"),
    "the burst is what passes in long when left out": (Rate(3, per=60), [0, 0, 0, 0, 19.9, 20], "yyynny"),
    "a steady caller at the rate always passes": (Rate(4, per=1, burst=1), [n / 4 for n in range(20)], "y" * 20),
    "slow rates": (Rate(1, per=3600, burst=1), [0, 3599.9, 3600], "yny"),
    "odd intervals are rounded up": (Rate(3, per=1, burst=1), [0, 0.333333, 0.333334], "yny"),
    "time that stands still": (Rate(1, per=1, burst=2), [5, 5, 5, 5], "yynn"),
}


@pytest.mark.parametrize(("rate", "steps", "expected"), TABLE.values(), ids=TABLE)
def test_the_steps_of_a_token_bucket(rate, steps, expected):
    assert "".join("y" if each else "n" for each in walk(rate, steps)) == expected


def test_an_admission_tells_what_is_left():
    rate, moment = Rate(2, per=1, burst=3), None
    told = []
    for at in (0, 0, 0, 0, 0.25):
        new, admission = gcra(moment, round(at * SECOND), rate)
        moment = moment if new is None else new
        told.append((admission.remaining, admission.reset_after, admission.retry_after))
    assert told == [(2, 0.5, None), (1, 1.0, None), (0, 1.5, None), (0, 1.5, 0.5), (0, 1.25, 0.25)]


def test_what_never_passes_says_so():
    _, admission = gcra(None, 0, Rate(1, per=1, burst=2), 3)
    assert admission == Admission(allowed=False, limit=2, remaining=2, reset_after=0.0, retry_after=inf)


@pytest.mark.parametrize("callers", [1, 3, 17])
def test_no_window_lets_one_too_many_through(callers):
    """Whatever window: at most burst + count / per * seconds."""
    rate = Rate(7, per=3, burst=4)
    moment, passed = None, []
    for tick in range(0, 30 * SECOND, 40_000):
        for _ in range(callers):
            new, admission = gcra(moment, tick, rate)
            if admission.allowed:
                moment = new
                passed.append(tick)
    assert passed
    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= 4 + (passed[last] - start) * 7 / 3 / SECOND


def test_a_clock_set_back_locks_nobody_out():
    rate = Rate(1, per=60, burst=1)
    moment, _ = gcra(None, 10_000 * SECOND, rate)
    back = (10_000 - 3600) * SECOND
    _, refused = gcra(moment, back, rate)
    assert (refused.allowed, refused.retry_after) == (False, 60)  # an empty bucket, not an hour
    _, later = gcra(moment, back + 59 * SECOND, rate)
    assert later.retry_after <= 60


def test_a_clock_set_forward_gives_no_more_than_the_burst():
    rate = Rate(1, per=60, burst=2)
    moment, _ = gcra(None, 0, rate)
    passed = walk(rate, [0, 0, 0, 3600, 3600, 3600])
    assert (moment, passed) == (60 * SECOND, [True, True, False, True, True, False])


def test_a_limit_that_became_smaller_counts_at_once():
    moment, _ = gcra(None, 0, Rate(100, per=60), cost=100)
    assert gcra(moment, 0, Rate(1, per=1))[1].retry_after == 1.0


@pytest.mark.parametrize(
    ("count", "per", "burst"),
    [(0, 1, 1), (-1, 1, 1), (1, 0, 1), (1, -1, 1), (1, inf, 1), (1, float("nan"), 1), (1, 1, -1), (3_000_000, 1, 1)],
    ids=["none", "fewer than none", "in no time", "before", "ever", "no number", "burst below", "too fast"],
)
def test_a_rate_that_says_nothing_is_refused(count, per, burst):
    with pytest.raises(ValueError, match="a rate lets"):
        Rate(count, per=per, burst=burst)
