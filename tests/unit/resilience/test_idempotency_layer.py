"""The layer by itself, over a store in memory: what is carried out, kept, replayed, and refused."""

import asyncio
from dataclasses import dataclass

import pytest

from hardy.core import (
    Aborted,
    Call,
    Deadline,
    Error,
    FailedPrecondition,
    Fault,
    InvalidMessage,
    Metadata,
    NotFound,
    Operation,
    Principal,
    Unavailable,
    Written,
)
from hardy.resilience import (
    CallReplayed,
    Idempotency,
    IdempotencyKeyInUse,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    MemoryIdempotency,
    OutcomeLost,
)
from hardy.resilience._idempotency_outcome import DEFINITIVE
from hardy.testing import VirtualClock


@dataclass
class Pay:
    amount: int


@dataclass
class Paid:
    id: int
    amount: int


class Broke(FailedPrecondition): ...


class TryLater(FailedPrecondition):
    def __init__(self):
        super().__init__("try later", retry_after=5)


class Busy(Aborted): ...


async def pay(msg: Pay) -> Paid: ...


OPERATION = Operation.of(pay).with_options(raises=(Broke, TryLater, Busy, InvalidMessage), idempotency="accepted")


class Sent(Call):
    """A call of a transport that writes bytes."""

    __slots__ = ("body", "encoded", "form")

    def __init__(self, message, key, *, form="json", who=None, transport="http"):
        super().__init__(OPERATION, transport, metadata=Metadata([] if key is None else [("idempotency-key", key)]))
        self.principal = who
        self.message = message
        self.form = form
        self.body = b""
        self.encoded = 0

    def encode(self, reply):
        self.encoded += 1
        self.body = f"{self.form}:{reply.id}:{reply.amount}".encode()

    def written(self):
        return Written(self.form, self.body, ((b"etag", b"1"),))

    def rewrite(self, reply, written):
        if written.form == self.form:
            self.body = written.body
        return written.form == self.form


class Till:
    """A use case behind the layer."""

    def __init__(self, *, required=False, lifetime=100.0):
        self.clock = VirtualClock()
        self.store = MemoryIdempotency(clock=self.clock)
        self.notices = []
        self.done = []
        self.error = None
        self.pause = None
        self.at_commit = None
        self.layer = Idempotency(
            OPERATION, lambda: self.store, required=required, lifetime=lifetime, emit=self.notices.append
        )
        self.handler = self.layer.around(self.scope, self.body)

    async def scope(self, call, body):
        reply = await body(call, {})
        if self.at_commit is not None:
            raise self.at_commit
        return reply

    async def body(self, call, needs):
        self.done.append(call.message)
        if self.pause is not None:
            await self.pause.wait()
        if self.error is not None:
            raise self.error
        reply = Paid(len(self.done), call.message.amount)
        call.encode(reply)
        return reply

    async def send(self, amount=1, key="k", **how):
        call = Sent(Pay(amount), key, **how)
        return await call.run(self.handler), call


async def test_a_call_that_comes_again_is_answered_and_not_carried_out():
    till = Till()
    first, one = await till.send()
    again, two = await till.send()
    assert (first, again, len(till.done)) == (Paid(1, 1), Paid(1, 1), 1)
    assert (one.body, two.body, two.encoded) == (b"json:1:1", b"json:1:1", 0)
    assert (one.attached, two.attached) == ((), (("idempotency-replayed", "true"),))
    assert till.notices == [CallReplayed(operation="pay", transport="http")]


async def test_by_another_binding_the_reply_is_encoded_anew():
    till = Till()
    await till.send(form="json")
    again, call = await till.send(form="proto")
    assert (again, call.body, call.encoded, len(till.done)) == (Paid(1, 1), b"proto:1:1", 1, 1)


async def test_calls_without_a_key_are_carried_out_each():
    till = Till()
    assert [(await till.send(key=None))[0].id for _ in range(3)] == [1, 2, 3]


async def test_a_required_key_that_is_missing_is_refused_before_anything_is_done():
    till = Till(required=True)
    with pytest.raises(IdempotencyKeyMissing):
        await till.send(key=None)
    assert till.done == []


@pytest.mark.parametrize("transport", ["events", "jobs", "schedule", "command"])
async def test_what_the_service_calls_itself_needs_no_key(transport):
    till = Till(required=True)
    assert (await till.send(key=None, transport=transport))[0] == Paid(1, 1)


async def test_another_message_under_the_key_is_refused():
    till = Till()
    await till.send(1)
    with pytest.raises(IdempotencyKeyReused):
        await till.send(2)
    assert (await till.send(1))[0] == Paid(1, 1)


async def test_somebody_else_may_use_the_same_key():
    till = Till()
    await till.send(1, who=Principal("ann"))
    assert (await till.send(2, who=Principal("bob")))[0] == Paid(2, 2)


async def test_while_it_is_carried_out_the_same_call_is_told_to_come_back():
    till = Till()
    till.pause = asyncio.Event()
    first = asyncio.create_task(till.send(1))
    while not till.done:
        await asyncio.sleep(0)
    with pytest.raises(IdempotencyKeyInUse) as refused:
        await till.send(1)
    assert refused.value.retry_after == 1
    with pytest.raises(IdempotencyKeyReused):
        await till.send(2)
    till.pause.set()
    assert (await first)[0] == Paid(1, 1)
    assert (await till.send(1))[0] == Paid(1, 1)
    counted = till.layer.statistics()
    assert (counted.started, counted.replayed, counted.in_use, counted.reused) == (1, 1, 1, 1)


def faulty():
    return InvalidMessage([Fault("/amount", "must be even")])


KEPT = {"an answer of the operation's own": Broke("broke", amount=1), "faults of the message": faulty()}
FREED = {
    "an error that is not listed": NotFound("no such account"),
    "an error that says when to come back": TryLater(),
    "an error that may pass": Busy("busy"),
    "overload": Unavailable("too much"),
    "a defect": ZeroDivisionError("oops"),
    "the end of the process": SystemExit(1),
}


@pytest.mark.parametrize("error", KEPT.values(), ids=KEPT)
async def test_an_error_that_is_an_answer_is_kept(error):
    till = Till()
    till.error = error
    seen = []
    for _ in range(3):
        with pytest.raises(type(error)) as raised:
            await till.send()
        seen.append(raised.value)
        till.error = None
    assert len(till.done) == 1
    assert {(type(each), each.message, str(each.details), each.reason) for each in seen} == {
        (type(error), error.message, str(error.details), error.reason)
    }
    assert all(getattr(each, "faults", ()) == getattr(error, "faults", ()) for each in seen)


@pytest.mark.parametrize("error", FREED.values(), ids=FREED)
async def test_after_any_other_error_the_key_is_free(error):
    till = Till()
    till.error = error
    with pytest.raises(type(error)):
        await till.send()
    till.error = None
    assert (await till.send())[0] == Paid(2, 1)
    assert till.store.statistics().claims == 0


def test_no_code_that_says_try_again_is_definitive():
    assert not {each.name for each in DEFINITIVE} & {
        "ABORTED",
        "UNAVAILABLE",
        "DEADLINE_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "CANCELLED",
        "INTERNAL",
        "UNKNOWN",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    }


async def test_a_commit_that_fails_keeps_nothing():
    till = Till()
    till.at_commit = Unavailable("the database is away")
    with pytest.raises(Unavailable):
        await till.send()
    till.at_commit = None
    assert (await till.send())[0].id == 2


async def test_a_cancelled_call_frees_its_key():
    till = Till()
    till.pause = asyncio.Event()
    call = Sent(Pay(1), "k")
    running = asyncio.create_task(call.run(till.handler))
    while not till.done:
        await asyncio.sleep(0)
    call.cancel(Unavailable("the service is stopping"))
    with pytest.raises(Unavailable):
        await running
    till.pause = None
    assert (await till.send())[0].id == 2


async def test_a_holder_that_is_gone_frees_its_key_after_its_deadline():
    till = Till()
    gone = Sent(Pay(1), "k")
    gone.deadline = Deadline.after(20)
    till.pause = asyncio.Event()
    running = asyncio.create_task(gone.run(till.handler))
    while not till.done:
        await asyncio.sleep(0)
    till.clock.advance(25)
    with pytest.raises(IdempotencyKeyInUse):
        await till.send()
    till.clock.advance(10)
    till.pause.set()
    assert (await till.send())[0].id == 2
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_who_lost_its_key_to_another_overwrites_nothing():
    till = Till()
    till.pause = asyncio.Event()
    slow = asyncio.create_task(till.send())
    while not till.done:
        await asyncio.sleep(0)
    till.clock.advance(4000)
    till.pause, held = None, till.pause
    await till.send()
    held.set()
    await slow
    assert [type(each) for each in till.notices] == [OutcomeLost]
    assert till.layer.statistics().lost == 1
    assert (await till.send())[0].id == 2  # that of the second, which was kept


async def test_what_has_expired_is_carried_out_again():
    till = Till(lifetime=60)
    await till.send()
    till.clock.advance(59)
    assert (await till.send())[0].id == 1
    till.clock.advance(2)
    assert (await till.send())[0].id == 2


class Failing(MemoryIdempotency):
    """A store that cannot be reached at some point."""

    at = ""

    async def begin(self, *given, **named):
        if self.at == "begin":
            raise Unavailable("the store is away")
        return await super().begin(*given, **named)

    async def keep(self, *given, **named):
        if self.at == "keep":
            raise Unavailable("the store is away")
        return await super().keep(*given, **named)

    async def release(self, *given, **named):
        if self.at == "release":
            raise Unavailable("the store is away")
        return await super().release(*given, **named)


@pytest.fixture
def failing():
    till = Till()
    till.store = Failing(clock=till.clock)
    return till


async def test_without_its_store_nothing_is_carried_out(failing):
    failing.store.at = "begin"
    with pytest.raises(Unavailable):
        await failing.send()
    assert failing.done == []


async def test_an_outcome_that_cannot_be_kept_is_answered_all_the_same(failing):
    failing.store.at = "keep"
    assert (await failing.send())[0] == Paid(1, 1)
    (lost,) = failing.notices
    assert isinstance(lost, OutcomeLost)
    assert (lost.operation, lost.error) == ("pay", "the store is away")


async def test_a_claim_that_cannot_be_released_hides_no_error(failing):
    failing.store.at = "release"
    failing.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await failing.send()


async def test_what_a_later_version_cannot_read_is_answered_in_the_bytes_of_then():
    till = Till()
    await till.send()
    (entry,) = till.store._outcomes.values()
    entry.outcome = entry.outcome.replace(b'{"id":1', b'{"di":1')
    again, call = await till.send()
    assert (call.body, again) == (b"json:1:1", {"di": 1, "amount": 1})
    with pytest.raises(Unavailable, match="another version"):
        await till.send(form="proto")


async def test_what_nobody_can_read_is_not_carried_out_again():
    till = Till()
    await till.send()
    (entry,) = till.store._outcomes.values()
    entry.outcome = b"\xc1"
    with pytest.raises(Error, match="cannot be read"):
        await till.send()
    assert len(till.done) == 1
