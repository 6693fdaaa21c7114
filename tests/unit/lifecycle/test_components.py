"""Components open in order and close in reverse, whatever fails on the way."""

import asyncio

import pytest

from hardy.core import ComponentClosed, ComponentOpened
from hardy.lifecycle import Brings, Components, Counts, Drains, Pings


class Part:
    """A component that writes down what happens to it."""

    def __init__(self, name: str, journal: list[str], *, opening=None, closing=None, swallow: bool = False) -> None:
        self.name = name
        self.journal = journal
        self.opening = opening
        self.closing = closing
        self.swallow = swallow

    async def __aenter__(self) -> str:
        await act(self.opening)
        self.journal.append(f"open {self.name}")
        return f"{self.name}'s pool"

    async def __aexit__(self, kind, error, traceback) -> bool:
        self.journal.append(f"close {self.name}" + (f" after {type(error).__name__}" if error else ""))
        await act(self.closing)
        return self.swallow


async def act(what) -> None:
    """Raise an error, wait for an event, or turn once round the loop."""
    if isinstance(what, BaseException):
        raise what
    await (what.wait() if what else asyncio.sleep(0))


@pytest.fixture
def journal() -> list[str]:
    return []


@pytest.fixture
def notices() -> list[object]:
    return []


@pytest.fixture
def components(notices) -> Components:
    return Components(notices.append, each=1, total=1)


async def test_they_open_in_order_and_close_in_reverse(components, journal, notices):
    for name in ("database", "cache", "server"):
        components.add(name, Part(name, journal))
    async with components:
        journal.append("serve")
    assert journal == [
        "open database", "open cache", "open server", "serve", "close server", "close cache", "close database",
    ]  # fmt: skip
    assert components.names == ("database", "cache", "server")
    assert [(type(each), each.name) for each in notices] == [
        (ComponentOpened, "database"), (ComponentOpened, "cache"), (ComponentOpened, "server"),
        (ComponentClosed, "server"), (ComponentClosed, "cache"), (ComponentClosed, "database"),
    ]  # fmt: skip
    assert all(each.seconds >= 0 for each in notices)


async def test_what_one_yields_is_handed_on_before_the_next_opens(components, journal):
    components.add("database", Part("database", journal), fill=journal.append)
    components.add("cache", Part("cache", journal))
    async with components:
        assert journal == ["open database", "database's pool", "open cache"]


async def test_a_failing_start_closes_what_was_opened_and_keeps_its_cause(components, journal, notices):
    components.add("database", Part("database", journal))
    components.add("cache", Part("cache", journal))
    components.add("server", Part("server", journal, opening=OSError("port in use")))
    with pytest.raises(OSError, match="port in use") as caught:
        async with components:
            pytest.fail("never served")
    assert caught.value.__notes__ == ["while opening component `server`"]
    assert journal == ["open database", "open cache", "close cache after OSError", "close database after OSError"]
    assert [type(each).__name__ for each in notices] == ["ComponentOpened"] * 2 + ["ComponentClosed"] * 2


async def test_a_failing_start_tells_what_failed_to_close_as_well(components, journal):
    components.add("database", Part("database", journal))
    components.add("cache", Part("cache", journal, closing=ConnectionError("cache lost")))
    components.add("server", Part("server", journal, opening=OSError("port in use")))
    with pytest.raises(OSError, match="port in use") as caught:
        await components.__aenter__()
    assert caught.value.__notes__[1] == "and then, while closing what was open: ConnectionError('cache lost')"
    assert journal[-1] == "close database after OSError"


async def test_one_that_cannot_be_filled_in_is_closed_too(components, journal):
    def fill(value: object) -> None:
        raise KeyError("not declared")

    components.add("database", Part("database", journal), fill=fill)
    with pytest.raises(KeyError):
        await components.__aenter__()
    assert journal == ["open database", "close database after KeyError"]


async def test_a_start_that_is_cancelled_closes_what_was_opened(components, journal):
    components.add("database", Part("database", journal))
    components.add("server", Part("server", journal, opening=asyncio.Event()))
    task = asyncio.create_task(components.__aenter__())
    while not journal:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal == ["open database", "close database after CancelledError"]


async def test_all_close_though_some_fail_and_every_failure_is_told(components, journal, notices):
    components.add("database", Part("database", journal, closing=ConnectionError("gone")))
    components.add("cache", Part("cache", journal))
    components.add("server", Part("server", journal, closing=OSError("socket")))
    with pytest.raises(ExceptionGroup, match="some components failed to close") as caught:
        async with components:
            pass
    assert journal[3:] == ["close server", "close cache", "close database"]
    assert [(str(each), each.__notes__) for each in caught.value.exceptions] == [
        ("socket", ["while closing component `server`"]),
        ("gone", ["while closing component `database`"]),
    ]
    assert [str(each.error or "") for each in notices[3:]] == ["socket", "", "gone"]


async def test_the_failure_of_the_body_is_shown_to_each_and_goes_on(components, journal):
    components.add("database", Part("database", journal, swallow=True))
    with pytest.raises(ValueError, match="defect"):
        async with components:
            raise ValueError("defect")
    assert journal[-1] == "close database after ValueError"


async def test_one_that_lets_the_failure_of_the_body_through_has_not_failed(components, journal, notices):
    error = ValueError("defect")
    components.add("database", Part("database", journal, closing=error))
    with pytest.raises(ValueError, match="defect"):
        async with components:
            raise error
    assert notices[-1].error is None


async def test_one_that_takes_too_long_is_cancelled_and_the_others_close(journal, notices):
    components = Components(notices.append, each=0.01, total=1)
    components.add("database", Part("database", journal))
    components.add("server", Part("server", journal, closing=asyncio.Event()))
    with pytest.raises(ExceptionGroup) as caught:
        async with components:
            pass
    assert caught.group_contains(TimeoutError, match=r"not closed within 0\.01 s")
    assert journal[-1] == "close database"


async def test_when_the_time_for_all_is_over_the_rest_gets_one_step_each(journal):
    components = Components(each=5, total=0.01)
    for name in ("database", "cache", "server"):
        components.add(name, Part(name, journal, closing=asyncio.Event()))
    with pytest.raises(ExceptionGroup) as caught:
        async with components:
            pass
    assert len(caught.value.exceptions) == 3
    assert journal[3:] == ["close server", "close cache", "close database"]


async def test_its_own_timeout_keeps_its_message(components, journal):
    components.add("database", Part("database", journal, closing=TimeoutError("lock not released")))
    with pytest.raises(ExceptionGroup) as caught:
        async with components:
            pass
    assert caught.group_contains(TimeoutError, match="lock not released")


async def test_closing_is_not_interrupted_and_the_request_is_delivered_after(components, journal):
    door = asyncio.Event()
    components.add("database", Part("database", journal, closing=ConnectionError("gone")))
    components.add("server", Part("server", journal, closing=door))

    async def body() -> None:
        async with components:
            pass

    task = asyncio.create_task(body())
    while "close server" not in journal:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    door.set()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert journal[-1] == "close database"
    assert caught.value.__notes__ == ["and a component failed to close: ConnectionError('gone')"]


async def test_a_request_to_cancel_is_obeyed_when_the_time_is_over(journal):
    components = Components(each=60, total=0.02)
    components.add("database", Part("database", journal))
    components.add("server", Part("server", journal, closing=asyncio.Event()))

    async def body() -> None:
        async with components:
            pass

    task = asyncio.create_task(body())
    while "close server" not in journal:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal[-1] == "close database"


async def test_they_can_be_opened_again(components, journal):
    components.add("database", Part("database", journal))
    for _ in range(2):
        async with components:
            pass
    assert journal == ["open database", "close database"] * 2


def test_what_a_component_offers_besides_is_seen():
    class Database:
        async def ping(self) -> None: ...
        async def drain(self) -> None: ...
        def statistics(self) -> int: ...
        def providers(self) -> list: ...

    for offer in (Pings, Drains, Counts, Brings):
        assert isinstance(Database(), offer)
        assert not isinstance(object(), offer)
