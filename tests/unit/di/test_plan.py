"""What a call is given, and how it is ended: nothing is half done, nothing leaks, whatever happens when."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from hardy.core import (
    Call,
    DeadlineExceeded,
    NotFound,
    Operation,
    Principal,
    SilentLogger,
    Unauthenticated,
    current_call,
)
from hardy.di import Container


class Database:
    """Keeps a journal of what its transactions did."""

    def __init__(self) -> None:
        self.journal = []
        self.point = no_wait
        self.commit_fails = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Session"]:
        await self.point()
        self.journal.append("begin")
        try:
            await self.point()
            yield Session()
        except BaseException as error:
            await self.point()
            self.journal.append(f"rollback {type(error).__name__}")
            raise
        else:
            try:
                await self.point()
                if self.commit_fails:
                    raise ConnectionError("commit failed")
            except BaseException:
                self.journal.append("rollback")
                raise
            self.journal.append("commit")


async def no_wait() -> None: ...


class Session: ...


class Orders:
    def __init__(self, session: Session) -> None:
        self.session = session


class Outbox:
    def __init__(self, session: Session) -> None:
        self.session = session


async def session(database: Database) -> AsyncIterator[Session]:
    async with database.transaction() as session:
        yield session


def orders(session: Session) -> Orders:
    return Orders(session)


async def outbox(session: Session) -> Outbox:
    return Outbox(session)


async def place_order(sku: str, *, orders: Orders, outbox: Outbox) -> str:
    return sku


PLACE = Operation.of(place_order)


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def container(database: Database) -> Container:
    container = Container({Principal: lambda call: call.principal, Call: lambda call: call}, {Database: database})
    for provider in (session, orders, outbox):
        container.provide(provider)
    return container


def new_call(operation: Operation = PLACE) -> Call:
    return Call(operation, "direct")


async def answer(call: Call, needs: dict[str, object]) -> object:
    return needs


async def fail(call: Call, needs: dict[str, object]) -> object:
    raise NotFound("no such order")


def planned(container: Container, use_case: Callable[..., object]):
    plan = container.plan(Operation.of(use_case))
    return lambda body=answer, call=None: plan.run(call or new_call(), body)


# --- failing and succeeding ------------------------------------------------------------------------------------------


async def test_a_failing_call_is_thrown_into_its_generators(container: Container, database: Database):
    with pytest.raises(NotFound, match="no such order"):
        await container.plan(PLACE).run(new_call(), fail)
    assert database.journal == ["begin", "rollback NotFound"]


async def test_a_succeeding_call_ends_its_generators_before_the_reply_is_handed_on(
    container: Container, database: Database
):
    await container.plan(PLACE).run(new_call(), answer)
    assert database.journal == ["begin", "commit"]


async def test_a_commit_that_fails_is_the_error_of_the_call(container: Container, database: Database):
    database.commit_fails = True
    with pytest.raises(ConnectionError, match="commit failed"):
        await container.plan(PLACE).run(new_call(), answer)
    assert database.journal == ["begin", "rollback"]


async def test_what_a_call_needs_is_made_once_and_shared(container: Container):
    needs = await container.plan(PLACE).run(new_call(), answer)
    assert needs["orders"].session is needs["outbox"].session


async def test_two_calls_share_nothing_of_their_own(container: Container):
    plan = container.plan(PLACE)
    first, second = await plan.run(new_call(), answer), await plan.run(new_call(), answer)
    assert first["orders"] is not second["orders"]
    assert first["orders"].session is not second["orders"].session


async def test_a_generator_that_swallows_the_failure_does_not_swallow_it_for_the_call():
    container, ended = Container({}), []

    async def swallowing() -> AsyncIterator[Session]:
        try:
            yield Session()
        except NotFound:
            ended.append("swallowed")

    async def use(*, session: Session) -> None: ...

    container.provide(swallowing)
    with pytest.raises(NotFound):
        await planned(container, use)(fail)
    assert ended == ["swallowed"]


# --- several generators ----------------------------------------------------------------------------------------------


class A: ...


class B: ...


class C: ...


class Three:
    """Three generators, each needing the one before."""

    def __init__(self, **failures: BaseException) -> None:
        self.journal = []
        self.failures = failures
        self.container = Container({})
        self.point = no_wait
        for provider in (self.a, self.b, self.c):
            self.container.provide(provider)

    async def a(self) -> AsyncIterator[A]:
        async with self.part("a"):
            yield A()

    async def b(self, a: A) -> AsyncIterator[B]:
        async with self.part("b"):
            yield B()

    async def c(self, a: A, *, b: B) -> AsyncIterator[C]:
        async with self.part("c"):
            yield C()

    @asynccontextmanager
    async def part(self, name: str):
        await self.point()
        if f"open_{name}" in self.failures:
            raise self.failures[f"open_{name}"]
        self.journal.append(f"open {name}")
        try:
            await self.point()
            yield
        except BaseException as error:
            self.journal.append(f"{name} saw {type(error).__name__}")
            raise
        finally:
            try:
                await self.point()
            finally:
                self.journal.append(f"close {name}")
                if f"close_{name}" in self.failures:
                    raise self.failures[f"close_{name}"]

    async def run(self, body=answer, call: Call | None = None) -> object:
        return await planned(self.container, needs_all)(body, call)


async def needs_all(*, c: C, b: B, a: A) -> None: ...


OPENED = ["open a", "open b", "open c"]


async def test_generators_are_ended_in_reverse():
    three = Three()
    assert list(await three.run()) == ["c", "b", "a"]
    assert three.journal == [*OPENED, "close c", "close b", "close a"]


async def test_each_open_generator_sees_the_failure():
    three = Three()
    with pytest.raises(NotFound):
        await three.run(fail)
    assert three.journal == [
        *OPENED, "c saw NotFound", "close c", "b saw NotFound", "close b", "a saw NotFound", "close a",
    ]  # fmt: skip


async def test_one_that_cannot_be_opened_ends_those_before_it():
    three = Three(open_c=ConnectionError("refused"))
    with pytest.raises(ConnectionError, match="refused"):
        await three.run()
    assert three.journal == [
        "open a", "open b", "b saw ConnectionError", "close b", "a saw ConnectionError", "close a",
    ]  # fmt: skip


async def test_a_failure_while_ending_is_thrown_into_those_still_open():
    three = Three(close_c=ConnectionError("commit failed"))
    with pytest.raises(ConnectionError, match="commit failed"):
        await three.run()
    assert three.journal == [
        *OPENED, "close c", "b saw ConnectionError", "close b", "a saw ConnectionError", "close a",
    ]  # fmt: skip


class Lines(SilentLogger):
    def __init__(self) -> None:
        self.lines = []

    def bind(self, **facts: object) -> "Lines":
        return self

    def exception(self, event: str, /, **facts: object) -> None:
        self.lines.append((event, facts))


async def test_the_error_of_the_call_wins_and_the_others_are_noted_and_logged():
    three = Three(close_c=ConnectionError("lost c"), close_a=ConnectionError("lost a"))
    call = new_call()
    call.logger = Lines()
    with pytest.raises(NotFound) as caught:
        await three.run(fail, call)
    assert three.journal[-1] == "close a"
    assert caught.value.__notes__ == [
        "when it was thrown into provider `c`, that raised ConnectionError('lost c')",
        "when it was thrown into provider `a`, that raised ConnectionError('lost a')",
    ]
    assert call.logger.lines == [
        ("provider failed while closing", {"provider": "c"}),
        ("provider failed while closing", {"provider": "a"}),
    ]


async def test_the_traceback_of_the_error_stays_the_use_cases_own():
    three = Three()
    with pytest.raises(NotFound) as caught:
        await three.run(fail)
    frames = [entry.name for entry in caught.traceback]
    assert "fail" in frames
    assert "part" not in frames


# --- generators that do not keep to the rules ---------------------------------------------------------------------------


async def use_session(*, session: Session) -> None: ...


async def test_a_provider_that_does_not_yield_is_named():
    async def silent() -> AsyncIterator[Session]:
        if False:
            yield Session()

    container = Container({})
    container.provide(silent)
    with pytest.raises(RuntimeError, match="provider `silent` ended without a `yield`"):
        await planned(container, use_session)()


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (answer, RuntimeError, "provider `twice` yields more than once"),
        (fail, NotFound, "no such order"),
    ],
    ids=["after a success", "after a failure"],
)
async def test_a_provider_that_yields_twice_is_named_and_closed(body, error, message):
    ended = []

    async def twice() -> AsyncIterator[Session]:
        try:
            try:
                yield Session()
            except NotFound:
                yield Session()
            yield Session()
        finally:
            ended.append(1)

    container = Container({})
    container.provide(twice)
    with pytest.raises(error, match=message) as caught:
        await planned(container, use_session)(body)
    assert ended == [1]
    assert body is answer or "yields again after a failure" in caught.value.__notes__[0]


async def test_an_exhausted_iterator_of_the_use_case_is_thrown_in_like_any_error():
    async def body(call: Call, needs: dict[str, object]) -> object:
        raise StopAsyncIteration

    container = Container({})
    seen = []

    async def watching() -> AsyncIterator[Session]:
        try:
            yield Session()
        except StopAsyncIteration:
            seen.append("thrown in")
            raise

    container.provide(watching)
    with pytest.raises(StopAsyncIteration) as caught:
        await planned(container, use_session)(body)
    assert seen == ["thrown in"]
    assert not hasattr(caught.value, "__notes__")


# --- cancellation -----------------------------------------------------------------------------------------------------


class Points:
    """Counts the places where a run can be interrupted, and interrupts it at one of them."""

    def __init__(self, at: int, interrupt: Callable[[], object]) -> None:
        self.at = at
        self.interrupt = interrupt
        self.met = 0
        self.outside = contextvars.copy_context()  # who interrupts is no part of what is interrupted

    async def __call__(self) -> None:
        self.met += 1
        if self.met == self.at:
            asyncio.get_running_loop().call_soon(self.interrupt, context=self.outside)
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, int)


async def at_every_point(scenario: Callable[[Points, Call], object], *, foreign: bool) -> int:
    """Run *scenario* once for each place where it waits, cancelled there; return how many there are."""
    at = 1
    while True:
        call = new_call()
        points = Points(at, lambda: None)
        task = asyncio.create_task(call.run(lambda call, points=points: scenario(points, call)))
        points.interrupt = task.cancel if foreign else lambda call=call: call.cancel(DeadlineExceeded("too late"))
        await asyncio.wait([task])
        if points.met < at:
            return at - 1
        assert task.cancelled() if foreign else isinstance(task.exception(), DeadlineExceeded), f"at point {at}"
        at += 1


@pytest.mark.parametrize("foreign", [False, True], ids=["by the call", "by somebody else"])
@pytest.mark.parametrize("body", [answer, fail], ids=["succeeding", "failing"])
async def test_a_cancellation_at_any_point_leaves_no_transaction_open(foreign: bool, body):
    outcomes = []

    async def scenario(points: Points, call: Call) -> object:
        database = Database()
        database.point = points
        container = Container({}, {Database: database})
        container.provide(session)

        async def inside(call: Call, needs: dict[str, object]) -> object:
            await points()
            return await body(call, needs)

        try:
            return await planned(container, use_session)(inside, call)
        finally:
            outcomes.append(tuple(each.split()[0] for each in database.journal))

    assert await at_every_point(scenario, foreign=foreign) == 4
    whole = ("begin", "commit") if body is answer else ("begin", "rollback")
    # Cancelled before it begins, while it begins, in the use case, and while it ends: then it ends in peace.
    assert outcomes[:4] == [(), ("begin", "rollback"), ("begin", "rollback"), whole]


@pytest.mark.parametrize("foreign", [False, True], ids=["by the call", "by somebody else"])
@pytest.mark.parametrize("body", [answer, fail], ids=["succeeding", "failing"])
async def test_a_cancellation_at_any_point_ends_every_generator_that_was_opened(foreign: bool, body):
    journals = []

    async def scenario(points: Points, call: Call) -> object:
        three = Three()
        three.point = points
        journals.append(three.journal)
        return await three.run(body, call)

    assert await at_every_point(scenario, foreign=foreign) == 9
    for journal in journals:
        opened = [line[-1] for line in journal if line.startswith("open")]
        closed = [line[-1] for line in journal if line.startswith("close")]
        assert closed == opened[::-1], journal


async def test_a_close_that_hangs_is_broken_off_and_the_others_still_end(monkeypatch):
    monkeypatch.setattr("hardy.di._plan.CLOSE_LIMIT", 0)
    three = Three()

    async def hang() -> None:
        if "open c" in three.journal:
            await asyncio.Event().wait()

    async def body(call: Call, needs: dict[str, object]) -> object:
        asyncio.get_running_loop().call_later(0.001, call.cancel, DeadlineExceeded("too late"))
        three.point = hang

    call = new_call()
    with pytest.raises(DeadlineExceeded):
        await asyncio.create_task(call.run(lambda call: three.run(body, call)))
    assert [line for line in three.journal if line.startswith("close")] == ["close c", "close b", "close a"]


async def test_generators_live_in_the_task_and_context_of_their_call():
    seen = []

    async def watching() -> AsyncIterator[Session]:
        seen.append((asyncio.current_task(), current_call()))
        yield Session()
        await asyncio.sleep(0)
        seen.append((asyncio.current_task(), current_call()))

    container, call = Container({}), new_call()
    container.provide(watching)
    await call.run(lambda call: planned(container, use_session)(answer, call))
    assert seen == [(asyncio.current_task(), call)] * 2


async def test_a_loop_that_is_gone_ends_the_call_without_waiting():
    container = Container({})

    async def simple() -> AsyncIterator[Session]:
        yield Session()

    container.provide(simple)

    async def body(call: Call, needs: dict[str, object]) -> object:
        await asyncio.sleep(0)

    running = planned(container, use_session)(body)
    running.send(None)
    running.close()


# --- what a call carries with it ------------------------------------------------------------------------------------------


async def test_a_builtin_need_comes_from_the_call(container: Container):
    async def whoami(*, caller: Principal, call: Call) -> None: ...

    call = new_call()
    call.principal = Principal("alice")
    needs = await planned(container, whoami)(answer, call)
    assert needs == {"caller": Principal("alice"), "call": call}


async def test_a_needed_principal_that_is_nobody_is_asked_to_sign_in(container: Container):
    async def whoami(*, caller: Principal) -> None: ...

    with pytest.raises(Unauthenticated, match="sign in first"):
        await planned(container, whoami)()


async def test_a_principal_that_may_be_nobody_is_nobody(container: Container):
    async def whoami(*, caller: Principal | None) -> None: ...

    assert await planned(container, whoami)() == {"caller": None}


async def test_a_provider_may_need_what_the_call_carries(container: Container):
    class Mine:
        def __init__(self, caller: Principal | None) -> None:
            self.caller = caller

    def mine(caller: Principal | None) -> Mine:
        return Mine(caller)

    async def look(*, mine: Mine) -> None: ...

    container.provide(mine)
    call = new_call()
    call.principal = Principal("alice")
    assert (await planned(container, look)(answer, call))["mine"].caller.subject == "alice"


async def test_another_builtin_without_a_value_is_a_defect_of_the_service():
    container = Container({Session: lambda call: None})
    with pytest.raises(RuntimeError, match=r"`Session` has no value in this call; write `Session \| None`"):
        await planned(container, use_session)()


async def test_an_optional_need_that_nothing_provides_is_none():
    async def look(*, orders: Orders | None) -> None: ...

    assert await planned(Container({}), look)() == {"orders": None}


async def test_an_operation_without_needs_is_given_none():
    async def look() -> None: ...

    run = planned(Container({}), look)
    first, second = await run(), await run()
    assert first == second == {}
    assert first is not second


async def test_one_port_may_be_needed_under_two_names(container: Container):
    async def look(*, one: Orders, two: Orders, three: Orders) -> None: ...

    needs = await planned(container, look)()
    assert list(needs) == ["one", "two", "three"]
    assert needs["one"] is needs["two"] is needs["three"]


async def test_providers_are_called_by_position_and_by_name_and_keep_their_defaults():
    seen = []

    def many(a: A, b: B, c: C, size: int = 7, *, also: A, page: int = 3) -> Orders:
        seen.append((a is also, size, page))
        return Orders(Session())

    def three(a: A, b: B, c: C) -> Outbox:
        return Outbox(Session())

    def two(a: A, b: B) -> Session:
        return Session()

    async def look(*, orders: Orders, outbox: Outbox, session: Session) -> None: ...

    container = Container({}, {int: 9})
    for each in (lambda_of(A), lambda_of(B), lambda_of(C), many, three, two):
        container.provide(each)
    await planned(container, look)()
    assert seen == [(True, 9, 9)]

    container = Container({})
    for each in (lambda_of(A), lambda_of(B), lambda_of(C), many, three, two):
        container.provide(each)
    await planned(container, look)()
    assert seen == [(True, 9, 9), (True, 7, 3)]


def lambda_of(cls: type) -> Callable[[], object]:
    def make():
        return cls()

    make.__annotations__ = {"return": cls}
    return make


async def test_parameters_that_can_only_be_left_out_are_left_out():
    def make(size: int = 3, /, *, page: int = 4) -> Session:
        assert (size, page) == (3, 9)
        return Session()

    container = Container({}, {int: 9})
    container.provide(make)
    await planned(container, use_session)()
