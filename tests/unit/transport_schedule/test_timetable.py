"""Which tick is due, as clocks go and jump."""

from datetime import UTC, datetime, timedelta

import pytest

from hardy.transport.schedule import cron
from hardy.transport.schedule._timetable import Timetable

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(text, day="2026-01-01"):
    return datetime.fromisoformat(f"{day}T{text}+00:00")


def ticks(timetable, *moments):
    return [timetable.due(each).tick for each in moments]


def walk(binding, start, length, step):
    """Return the ticks that a clock sees which is looked at every *step*."""
    timetable, found, now = Timetable(binding, start), [], start
    while now < start + length:
        now += step
        if (tick := timetable.due(now).tick) is not None:
            found.append(tick)
    return found


def test_each_tick_is_due_once_when_its_time_has_come():
    timetable = Timetable(cron("*/5 * * * *"), at("12:01:00"))
    assert timetable.due(at("12:04:59")).tick is None
    assert timetable.due(at("12:04:59")).next == at("12:05:00")
    assert ticks(timetable, at("12:05:00"), at("12:05:00"), at("12:05:01"), at("12:09:59")) == [
        at("12:05:00"), None, None, None
    ]  # fmt: skip
    assert timetable.due(at("12:10:30")).tick == at("12:10:00")


def test_the_tick_at_which_it_begins_is_over():
    assert ticks(Timetable(cron("*/5 * * * *"), at("12:05:00")), at("12:05:00"), at("12:05:01")) == [None, None]


def test_a_tick_within_its_grace_is_taken_late_and_the_ones_before_are_not():
    timetable = Timetable(cron("* * * * *", grace=60), at("12:00:30"))
    assert timetable.due(at("12:05:59")).tick == at("12:05:00")
    assert timetable.due(at("12:05:59")).tick is None


def test_a_clock_put_forward_over_ticks_skips_them():
    timetable = Timetable(cron("0 * * * *"), at("12:30:00"))
    due = timetable.due(at("15:30:00"))
    assert (due.tick, due.missed, due.next) == (None, at("15:00:00"), at("16:00:00"))
    assert timetable.due(at("16:00:00")).tick == at("16:00:00")


def test_a_clock_put_forward_over_ticks_runs_once_for_all_when_told_so():
    timetable = Timetable(cron("0 * * * *", misfire="run_once"), at("12:30:00"))
    assert ticks(timetable, at("15:30:00"), at("15:30:01"), at("16:00:00")) == [at("15:00:00"), None, at("16:00:00")]


def test_a_clock_put_back_lets_ticks_come_again_for_whoever_has_not_claimed_them():
    timetable = Timetable(cron("0 * * * *"), at("12:30:00"))
    assert timetable.due(at("13:00:00")).tick == at("13:00:00")
    assert ticks(timetable, at("11:59:00"), at("12:00:00"), at("13:00:01")) == [None, at("12:00:00"), at("13:00:00")]


def test_a_clock_put_back_a_little_repeats_nothing():
    timetable = Timetable(cron("* * * * *"), at("12:00:30"))
    assert ticks(timetable, at("12:01:00"), at("12:00:59"), at("12:01:00")) == [at("12:01:00"), None, None]


def test_a_clock_that_was_years_ahead_once_stops_nothing():
    timetable = Timetable(cron("0 * * * *"), at("12:30:00"))
    timetable.due(NOON + timedelta(days=1500))
    assert ticks(timetable, at("12:59:00"), at("13:00:00")) == [None, at("13:00:00")]


@pytest.mark.parametrize(
    ("misfire", "last", "expected"),
    [
        ("run_once", at("09:00:00"), at("12:00:00")),
        ("run_once", at("12:00:00"), None),
        ("run_once", None, None),
        ("skip", at("09:00:00"), None),
    ],
    ids=["missed while down", "nothing missed", "never ran before", "told to skip"],
)
def test_what_was_missed_while_no_replica_ran(misfire, last, expected):
    timetable = Timetable(cron("0 * * * *", misfire=misfire), at("12:30:00"), last=last)
    assert timetable.due(at("12:30:00")).tick == expected
    assert timetable.due(at("13:00:00")).tick == at("13:00:00")


def test_a_restart_in_the_very_minute_of_a_tick_does_not_lose_it():
    timetable = Timetable(cron("0 * * * *"), at("12:00:10"), last=at("11:00:00"))
    assert timetable.due(at("12:00:10")).tick == at("12:00:00")


MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("expression", "day", "expected"),
    [
        # Europe/Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
        ("30 2 * * *", "2026-03-29", ["01:00"]),
        ("30 2 * * *", "2026-10-25", ["00:30"]),
        ("0 * * * *", "2026-10-25", ["00:00", "01:00", "02:00"]),
        ("0 * * * *", "2026-03-29", ["00:00", "01:00", "02:00"]),
    ],
    ids=["left out in spring", "twice in autumn", "hourly in autumn", "hourly in spring"],
)
def test_ticks_where_clocks_change(expression, day, expected):
    found = walk(
        cron(expression, timezone="Europe/Berlin"), at("00:00:00", day) - MINUTE, timedelta(hours=2, minutes=30), MINUTE
    )
    assert [each.strftime("%H:%M") for each in found] == expected


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize(
    ("expression", "times"),
    [("0 2 * * *", 365), ("30 1 * * SUN", 52), ("15 14 1 * *", 12)],
    ids=["daily", "weekly", "monthly"],
)
def test_in_a_year_each_tick_is_due_once_whatever_clocks_do(zone, expression, times):
    found = walk(cron(expression, timezone=zone, misfire="run_once"), at("00:00:00"), 365 * DAY, timedelta(hours=3))
    assert found == sorted(set(found))
    assert len(found) == times
