"""What the pieces of a service notice, as lines of its log."""

import io
import json

import pytest

from hardy.app._tell import telling
from hardy.core import TaskFailed, Unavailable
from hardy.resilience import BreakerCounts, BreakerOpened
from hardy.telemetry import make_logger


@pytest.fixture
def lines():
    """Tells notices; returns their lines."""

    def lines(*notices):
        out = io.StringIO()
        tell = telling(make_logger(format="json", stream=out, level="info"))
        for notice in notices:
            tell(notice)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    return lines


def failed(error, *, before, ran=0.0, restart_in=1.0):
    return TaskFailed(name="relay", error=error, restart_in=restart_in, before=before, ran=ran)


def test_a_peer_that_a_task_cannot_reach_is_told_once(lines):
    away = Unavailable("the database cannot be reached")
    (line,) = lines(*(failed(away, before=n) for n in range(20)))
    assert line["level"] == "warning"
    assert line["error"] == "Unavailable: the database cannot be reached"
    assert "exception" not in line


def test_it_is_told_again_when_the_task_had_been_at_work(lines):
    away = Unavailable("away")
    assert len(lines(failed(away, before=0), failed(away, before=1), failed(away, before=2, ran=30.0))) == 2


@pytest.mark.parametrize(
    "notice",
    [failed(KeyError("x"), before=5), failed(Unavailable("away"), before=5, restart_in=None)],
    ids=["a defect", "given up"],
)
def test_what_somebody_has_to_mend_is_told_each_time_with_its_stack(lines, notice):
    (line,) = lines(notice)
    assert line["level"] == "error"
    assert "exception" in line


def test_a_peer_that_does_not_answer_is_told_without_a_stack(lines):
    counts = BreakerCounts(0, 0, 0, 0, 0)
    (line,) = lines(BreakerOpened(name="cache", counts=counts, error=TimeoutError()))
    assert line["error"] == "TimeoutError"
    assert "exception" not in line
