"""One call from its arrival to its answer: what is written once, and how it ends."""

import asyncio
import dataclasses

import pytest

from hardy.core import (
    Call,
    Cancelled,
    Deadline,
    DeadlineExceeded,
    Internal,
    Metadata,
    NotFound,
    Operation,
    Principal,
    SilentLogger,
    Unavailable,
    current_call,
    shielded,
)


async def ping(text: str) -> str:
    return text


PING = Operation.of(ping)
LATE = DeadlineExceeded("too late")


@pytest.fixture
def call() -> Call:
    return Call(PING, "direct")


class Lines(SilentLogger):
    def __init__(self) -> None:
        self.bound = {}

    def bind(self, **facts: object) -> "Lines":
        self.bound = facts
        return self


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_call_shows_what_it_is():
    assert repr(Call(PING, "http", id="abc")) == "<Call ping http abc>"


def test_what_is_not_written_yet_says_so(call: Call):
    assert repr(call._message) == "unset"


def test_calls_without_an_id_get_one_each():
    assert len({Call(PING, "direct").id for _ in range(100)}) == 100


def test_a_call_has_no_deadline_until_it_is_given_one(call: Call):
    assert call.deadline == Deadline.never()


def test_the_message_cannot_be_read_before_it_is_there(call: Call):
    with pytest.raises(RuntimeError, match="is not read yet"):
        call.message


def test_the_message_is_written_once(call: Call):
    call.message = None
    assert call.message is None
    with pytest.raises(RuntimeError, match="written once"):
        call.message = "again"


def test_the_principal_is_written_once(call: Call):
    assert call.principal is None
    assert not call.identified
    call.principal = Principal("alice")
    assert call.identified
    assert call.principal.subject == "alice"
    with pytest.raises(RuntimeError, match="written once"):
        call.principal = None


def test_nobody_is_written_once_too(call: Call):
    call.principal = None
    with pytest.raises(RuntimeError):
        call.principal = Principal("mallory")


def test_metadata_is_read_at_the_first_use():
    class Remote(Call):
        reads = 0

        def read_metadata(self) -> Metadata:
            self.reads += 1
            return Metadata([("a", "1")])

    call = Remote(PING, "http")
    assert call.reads == 0
    assert (call.metadata["A"], call.metadata["a"], call.reads) == ("1", "1", 1)


def test_a_direct_call_has_the_metadata_it_was_made_with(call: Call):
    assert len(call.metadata) == 0
    assert Call(PING, "direct", metadata=Metadata([("a", "1")])).metadata["a"] == "1"


def test_lines_carry_the_call_and_the_operation(call: Call):
    call.logger = Lines()
    assert call.log is call.log
    assert call.log.bound == {"call": call.id, "operation": "ping"}


async def test_the_call_is_current_while_it_runs(call: Call):
    async def handler(_: Call) -> object:
        return await asyncio.create_task(inside())

    async def inside() -> object:
        return current_call()

    assert await call.run(handler) is call
    assert current_call() is None


async def test_the_message_of_a_direct_call_is_received_as_it_is(call: Call):
    call.message = "hello"
    assert await call.receive() == "hello"
    assert call.encode("reply") is None


async def test_a_call_that_does_not_stream_sends_nothing(call: Call):
    with pytest.raises(RuntimeError, match="ping does not stream"):
        await call.send("item")


async def test_an_error_of_the_handler_is_the_answer(call: Call):
    async def handler(_: Call) -> object:
        raise NotFound("nothing here")

    with pytest.raises(NotFound):
        await call.run(handler)
    assert current_call() is None


async def test_a_cancelled_call_ends_with_the_first_reason(call: Call):
    task = asyncio.create_task(call.run(forever))
    await turns()
    call.cancel(LATE)
    call.cancel(Cancelled("client gone"))
    with pytest.raises(DeadlineExceeded, match="too late"):
        await task
    assert call.cancelled is LATE
    assert task.cancelling() == 0


async def forever(_: Call) -> object:
    await asyncio.Event().wait()


async def test_a_call_cancelled_before_it_starts_does_not_begin(call: Call):
    call.cancel(LATE)
    began = []

    async def handler(_: Call) -> object:
        began.append(1)

    with pytest.raises(DeadlineExceeded):
        await call.run(handler)
    assert began == []


async def test_a_call_that_has_ended_is_left_alone(call: Call):
    async def handler(_: Call) -> object:
        return "done"

    async def body() -> str:
        reply = await call.run(handler)
        call.cancel(LATE)
        await asyncio.sleep(0)
        return reply

    assert await asyncio.create_task(body()) == "done"


async def test_a_foreign_cancel_stays_one(call: Call):
    task = asyncio.create_task(call.run(forever))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.cancelled is None


async def test_a_foreign_cancel_wins_over_the_reason(call: Call):
    task = asyncio.create_task(call.run(forever))
    await turns()
    call.cancel(LATE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_foreign_cancel_at_the_last_moment_wins_too(call: Call):
    async def handler(_: Call) -> object:
        call.cancel(LATE)
        asyncio.current_task().cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(call.run(handler))


async def test_the_reason_is_the_answer_though_the_handler_finished(call: Call):
    async def handler(_: Call) -> object:
        call.cancel(LATE)
        return "committed"

    async def body() -> str:
        with pytest.raises(DeadlineExceeded):
            await call.run(handler)
        await asyncio.sleep(0)  # the request does not hit what the task does next
        return "wrote the answer"

    assert await asyncio.create_task(body()) == "wrote the answer"


async def test_the_reason_is_the_answer_though_the_handler_swallowed_it(call: Call):
    async def handler(_: Call) -> object:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "never mind"

    task = asyncio.create_task(call.run(handler))
    await turns()
    call.cancel(LATE)
    with pytest.raises(DeadlineExceeded):
        await task


async def test_the_reason_is_the_answer_whatever_a_driver_made_of_the_cancellation(call: Call):
    async def handler(_: Call) -> object:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise Internal("connection lost") from None

    task = asyncio.create_task(call.run(handler))
    await turns()
    call.cancel(LATE)
    with pytest.raises(DeadlineExceeded) as caught:
        await task
    assert isinstance(caught.value.__cause__, Internal)


async def test_a_cancel_while_the_scope_closes_is_delivered_when_it_is_closed(call: Call):
    closing, closed = asyncio.Event(), []

    async def close() -> None:
        await closing.wait()
        closed.append(1)

    async def handler(_: Call) -> object:
        await shielded(close())
        return "reply"

    task = asyncio.create_task(call.run(handler))
    await turns()
    call.cancel(Unavailable("shutting down"))
    await turns()
    assert not task.done()
    closing.set()
    with pytest.raises(Unavailable):
        await task
    assert closed == [1]


async def test_a_timeout_inside_the_call_is_the_use_cases_own(call: Call):
    async def handler(_: Call) -> object:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "gave up"

    assert await call.run(handler) == "gave up"


async def test_a_timeout_around_the_call_is_a_foreign_cancel(call: Call):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await call.run(forever)


async def test_a_call_in_a_call_is_the_current_one_only_inside(call: Call):
    inner = Call(dataclasses.replace(PING), "direct")

    async def innermost(_: Call) -> object:
        return current_call()

    async def handler(_: Call) -> object:
        return await inner.run(innermost), current_call()

    assert await call.run(handler) == (inner, call)
