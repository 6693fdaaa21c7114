"""Every call ends with one line, a defect with one more, and only our errors come out."""

import asyncio
import io
import json

import pytest

from hardy.core import (
    Call,
    CallEnded,
    Cancelled,
    Code,
    DataLoss,
    DeadlineExceeded,
    Error,
    Internal,
    NotFound,
    Operation,
    Principal,
    Unavailable,
    Unknown,
    compose,
)
from hardy.telemetry import make_logger, observe


async def place_order(sku: str) -> str:
    return sku


class Turned:
    def __init__(self):
        self.seconds = 0.0

    def now(self):
        raise NotImplementedError

    def monotonic(self):
        self.seconds += 0.0015
        return self.seconds


async def run(handler, *, cancel: Error | None = None):
    stream, notices = io.StringIO(), []
    call = Call(Operation.of(place_order), "http", id="c1", peer="127.0.0.1:5")
    chain = compose([observe(make_logger(stream=stream, format="json"), notices.append, Turned())], handler)
    outcome: object
    try:
        outcome = await call.run(chain)
    except BaseException as error:
        outcome = error
    return outcome, [json.loads(line) for line in stream.getvalue().splitlines()], notices


def raising(error):
    async def handler(call):
        raise error

    return handler


async def test_a_call_that_succeeds_is_one_line():
    async def handler(call):
        call.principal = Principal("alice")
        return "reply"

    outcome, lines, notices = await run(handler)
    assert outcome == "reply"
    (line,) = lines
    line.pop("time")
    assert line == {
        "level": "info",
        "event": "call",
        "operation": "place_order",
        "transport": "http",
        "code": "OK",
        "ms": 1.5,
        "call": "c1",
        "principal": "alice",
        "peer": "127.0.0.1:5",
    }
    (notice,) = notices
    assert isinstance(notice, CallEnded)
    assert notice.code is None
    assert notice.seconds == pytest.approx(0.0015)


async def test_an_error_of_the_caller_is_no_trouble_of_ours():
    outcome, lines, notices = await run(raising(NotFound("no such order")))
    assert isinstance(outcome, NotFound)
    assert [(line["level"], line["event"], line["code"]) for line in lines] == [("info", "call", "NOT_FOUND")]
    assert notices[0].code is Code.NOT_FOUND


@pytest.mark.parametrize("error", [Unavailable("later"), DeadlineExceeded("late")])
async def test_trouble_without_a_defect_is_a_warning_without_a_traceback(error):
    _, lines, _ = await run(raising(error))
    assert [(line["level"], line["event"]) for line in lines] == [("warning", "call")]


@pytest.mark.parametrize("error", [Internal("x"), Unknown("x"), DataLoss("x")])
async def test_a_defect_the_service_names_itself_is_logged_with_its_traceback_and_kept(error):
    outcome, lines, _ = await run(raising(error))
    assert outcome is error
    assert [line["event"] for line in lines] == ["call failed", "call"]
    assert lines[0]["level"] == "error"
    assert "raise error" in lines[0]["exception"]


class Odd(BaseException):
    pass


@pytest.mark.parametrize(
    "error",
    [
        ValueError("canary"),
        RecursionError("canary"),
        MemoryError("canary"),
        SystemExit("canary"),
        ExceptionGroup("canary", [ValueError("x")]),
        BaseExceptionGroup("canary", [SystemExit(1)]),
        StopAsyncIteration("canary"),
        Odd("canary"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_else_is_raised_becomes_internal_and_the_log_has_it(error):
    outcome, lines, notices = await run(raising(error))
    assert isinstance(outcome, Internal)
    assert outcome.message == "internal error"
    assert outcome.__cause__ is error
    failed, ended = lines
    assert (failed["event"], failed["call"], failed["operation"]) == ("call failed", "c1", "place_order")
    assert type(error).__name__ in failed["exception"]
    assert (ended["event"], ended["code"]) == ("call", "INTERNAL")
    assert [notice.code for notice in notices] == [Code.INTERNAL]


async def test_a_real_endless_recursion_ends_the_call_only():
    async def handler(call):
        return await handler(call)

    outcome, lines, _ = await run(handler)
    assert isinstance(outcome, Internal)
    assert len(lines) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt("x"), SystemExit(1), GeneratorExit()], ids=repr)
async def test_what_looks_like_the_end_ends_the_call_only(error):
    outcome, lines, _ = await run(raising(error))
    assert isinstance(outcome, Internal)
    assert [line["event"] for line in lines] == ["call failed", "call"]


async def test_a_cancellation_that_nobody_asked_for_is_an_answer():
    outcome, lines, _ = await run(raising(asyncio.CancelledError()))
    assert isinstance(outcome, Cancelled)
    assert [line["code"] for line in lines] == ["CANCELLED"]


async def test_a_closed_coroutine_is_left_to_close():
    stream = io.StringIO()
    call = Call(Operation.of(place_order), "http")

    async def waits(call):
        await asyncio.get_running_loop().create_future()

    running = compose([observe(make_logger(stream=stream, format="json"))], waits)(call)
    running.send(None)
    running.close()
    assert stream.getvalue() == ""


async def test_a_call_cancelled_for_a_reason_is_logged_with_its_code():
    async def handler(call):
        call.cancel(DeadlineExceeded("late"))
        await asyncio.sleep(1)

    outcome, lines, notices = await run(handler)
    assert isinstance(outcome, DeadlineExceeded)
    assert [line["code"] for line in lines] == ["DEADLINE_EXCEEDED"]
    assert notices[0].code is Code.DEADLINE_EXCEEDED


async def test_a_foreign_cancellation_stays_one():
    started = asyncio.Event()
    stream = io.StringIO()

    async def handler(call):
        started.set()
        await asyncio.sleep(1)

    chain = compose([observe(make_logger(stream=stream, format="json"))], handler)
    task = asyncio.create_task(Call(Operation.of(place_order), "http").run(chain))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert json.loads(stream.getvalue())["code"] == "CANCELLED"


async def test_the_calls_own_logger_names_the_call():
    async def handler(call):
        call.log.info("hello")

    _, lines, _ = await run(handler)
    assert (lines[0]["event"], lines[0]["call"], lines[0]["operation"]) == ("hello", "c1", "place_order")


@pytest.mark.parametrize(
    "text", ["a\r\nb", "\x1b[2J", "\u2028", "\ud800"], ids=["crlf", "ansi", "separator", "surrogate"]
)
async def test_what_the_peer_says_cannot_forge_a_line(text):
    stream = io.StringIO()

    async def handler(call):
        call.principal = Principal(text)
        raise NotFound(text)

    call = Call(Operation.of(place_order), "http", id=text, peer=text)
    with pytest.raises(NotFound):
        await call.run(compose([observe(make_logger(stream=stream, format="json"))], handler))
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "call"
