import math

import pytest

from hardy.server._wheel import TICK, Wheel


class Item:
    def __init__(self, due: float, *, again: float = math.inf, error: Exception | None = None) -> None:
        self.due = due
        self.slot = -1
        self.fired: list[float] = []
        self.again = again
        self.error = error

    def on_due(self, now: float) -> None:
        self.fired.append(now)
        self.due = self.again
        if self.error is not None:
            raise self.error


class Time:
    def __init__(self) -> None:
        self.now = 100.0
        self.errors: list[BaseException] = []
        self.wheel = Wheel(lambda: self.now, None, self.errors.append)

    def go(self, until: float) -> None:
        while self.now < until - 1e-9:
            self.now = min(until, self.now + TICK / 2)
            self.wheel.turn()


@pytest.fixture
def time():
    return Time()


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.05, 0.26, 10.0, 75.0])
def test_an_item_is_due_up_to_a_tick_early_and_never_late(time, delay):
    item = Item(100 + delay)
    time.wheel.watch(item)

    time.go(100 + delay + 0.001)

    assert len(item.fired) == 1
    assert 100 + delay - TICK <= item.fired[0] <= 100 + delay + 0.001


def test_an_item_that_moved_later_is_due_later(time):
    item = Item(101)
    time.wheel.watch(item)
    item.due = 110.0

    time.go(109.9)
    assert item.fired == []
    time.go(110.0)
    assert len(item.fired) == 1


def test_an_item_that_moved_nearer_is_due_sooner_once(time):
    item = Item(175)
    time.wheel.watch(item)
    item.due = 110.0
    time.wheel.watch(item)

    time.go(200)

    assert [round(fired) for fired in item.fired] == [110]


def test_an_item_that_never_is_due_is_not_kept(time):
    item = Item(110)
    time.wheel.watch(item)
    item.due = math.inf

    time.go(111)

    assert (item.fired, item.slot) == ([], -1)


def test_an_item_may_be_due_again(time):
    item = Item(101, again=103)
    time.wheel.watch(item)

    time.go(102.9)
    item.again = math.inf
    time.go(110)

    assert [round(fired) for fired in item.fired] == [101, 103]


def test_a_forgotten_item_is_kept_nowhere(time):
    item = Item(110)
    time.wheel.watch(item)
    time.wheel.forget(item)

    time.go(120)

    assert item.fired == []
    assert not any(time.wheel._slots.values())


def test_an_error_neither_stops_time_nor_the_others(time):
    error = ValueError()
    items = [Item(101, error=error), Item(101), Item(102)]
    for item in items:
        time.wheel.watch(item)

    time.go(103)

    assert [len(item.fired) for item in items] == [1, 1, 1]
    assert time.errors == [error]


def test_the_loop_is_asked_to_turn_at_the_nearest_slot_only():
    asked: list[float] = []

    class Handle:
        def cancel(self) -> None:
            asked.pop()

    def call_at(when, turn):
        asked.append(when)
        return Handle()

    wheel = Wheel(lambda: 100.0, call_at, lambda error: None)
    for due in (150.0, 110.0, 120.0):
        wheel.watch(Item(due))

    assert asked == [pytest.approx(110.0, abs=0.01)]
    wheel.stop()
    assert asked == []
