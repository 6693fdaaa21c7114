"""One call through the whole chain: its deadline, its transaction, its needs, its caller, its names on the wire."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
import pytest

from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.app import App, Assembly, Listen, Service
from hardy.auth import public, signed_in
from hardy.config import LimitSettings, Settings
from hardy.core import Call, Clock, Deadline, DeadlineExceeded, Internal, Logger, Principal, Unauthenticated
from hardy.testing import TRANSPORTS, VirtualClock, client
from hardy.transport import grpc, http

SCHEMA = "create table if not exists seen (what text)"
QUICK = ["direct", "http", "grpc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    entry_name: str
    times_seen: int = 1


async def note_slowly(what: str, *, session: Session, deadline: Deadline) -> str:
    """Write, then wait for longer than anybody has."""
    await session.execute("insert into seen (what) values (:what)", what=what)
    await asyncio.sleep(60)
    return "too late"


async def note(what: str, *, session: Session) -> int:
    """Write and say how many there are."""
    await session.execute("insert into seen (what) values (:what)", what=what)
    return len(await session.all(str, "select what from seen"))


async def slow_first() -> AsyncIterator[int]:
    """A stream whose first item is late."""
    await asyncio.sleep(60)
    yield 1


async def slow_second() -> AsyncIterator[int]:
    """A stream that begins at once and goes on for longer than a call may take."""
    yield 1
    await asyncio.sleep(0.15)
    yield 2


async def whoami(*, caller: Principal, call: Call, log: Logger, clock: Clock, deadline: Deadline) -> str:
    """Say everything that a call carries with it."""
    log.info("asked", who=caller.subject)
    assert call.principal is caller
    assert call.deadline == deadline
    return f"{caller.subject} at {clock.now().isoformat()} in {deadline.remaining():.0f} s"


async def nobody(*, caller: Principal | None) -> str | None:
    """Say who calls, if anybody does."""
    return caller and caller.subject


async def rename(msg: Entry) -> Entry:
    """Return it."""
    return msg


async def lie() -> int:
    """Return something else than promised."""
    return "one"


async def lie_later() -> AsyncIterator[int]:
    """Yield something else than promised."""
    yield 1
    yield "two"


def build(tmp_path, *, timeout=30.0, **options) -> App:
    settings = Settings(environment="test", limits=LimitSettings(timeout=timeout))
    app = App("shop", settings, **options)
    app.manage(Database(DatabaseSettings(url=f"sqlite:///{tmp_path}/shop.db"), schema=SCHEMA))
    rpc = grpc.service("shop.v1.Shop")
    app.expose(note_slowly, http.post("/slowly"), rpc("NoteSlowly"), allow=public)
    app.expose(note, http.post("/note"), rpc("Note"), allow=public)
    app.expose(slow_first, http.get("/first"), rpc("SlowFirst"), allow=public)
    app.expose(slow_second, http.get("/second"), rpc("SlowSecond"), allow=public)
    app.expose(whoami, http.get("/me"), rpc("Whoami"), allow=signed_in)
    app.expose(nobody, http.get("/nobody"), rpc("Nobody"), allow=public)
    app.expose(rename, http.post("/rename"), rpc("Rename"), allow=public)
    app.expose(lie, http.get("/lie"), rpc("Lie"), allow=public)
    app.expose(lie_later, http.get("/lies"), rpc("LieLater"), allow=public)
    return app


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_ends_at_the_service_s_deadline_and_leaves_nothing_behind(tmp_path, transport):
    async with client(build(tmp_path, timeout=0.1), transport) as shop:
        with pytest.raises(DeadlineExceeded, match=r"took longer than 0\.1 s"):
            await shop.call(note_slowly, "lost")
        assert await shop.call(note, "kept") == 1


@pytest.mark.parametrize("transport", QUICK)
async def test_the_caller_s_deadline_shortens_it(tmp_path, transport):
    async with client(build(tmp_path), transport) as shop:
        with pytest.raises(DeadlineExceeded):
            await shop.within(0.1).call(note_slowly, "lost")
        assert await shop.call(note, "kept") == 1


async def test_the_caller_s_deadline_travels_as_a_header_and_cannot_lengthen(tmp_path):
    assembly = Assembly(build(tmp_path, timeout=0.2), log=io.StringIO())
    async with (
        Service(assembly, http=Listen()) as service,
        httpx2.AsyncClient(base_url=f"http://{service.http.addresses[0]}", trust_env=False, verify=False) as web,
    ):
        for header in ("0.05", "60"):
            answer = await web.post("/slowly", json={"what": "x"}, headers={"request-timeout": header})
            assert (answer.status_code, answer.json()["code"]) == (504, "DEADLINE_EXCEEDED")
            assert answer.json()["detail"] == f"the call took longer than {min(float(header), 0.2):g} s"
    assert assembly.in_flight.statistics().late == 2


async def test_an_operation_s_own_deadline_wins_over_the_service_s(tmp_path):
    app = build(tmp_path, timeout=0.01)

    async def patient() -> str:
        await asyncio.sleep(0.05)
        return "there"

    async def impatient() -> str:
        await asyncio.sleep(60)
        return "never"

    app.expose(patient, allow=public, timeout=5)
    app.expose(impatient, allow=public, timeout=0.02)
    async with client(app) as shop:
        assert await shop.call(patient) == "there"
        with pytest.raises(DeadlineExceeded, match=r"0\.02 s"):
            await shop.call(impatient)


@pytest.mark.parametrize("transport", QUICK)
async def test_the_deadline_of_a_stream_is_that_of_its_first_item(tmp_path, transport):
    async with client(build(tmp_path, timeout=0.1), transport) as shop:
        with pytest.raises(DeadlineExceeded):
            _ = [item async for item in shop.stream(slow_first)]
        assert [item async for item in shop.stream(slow_second)] == [1, 2]


@pytest.mark.parametrize("transport", QUICK)
async def test_what_the_caller_of_a_stream_asked_for_holds_to_its_end(tmp_path, transport):
    async with client(build(tmp_path), transport) as shop:
        items = []
        with pytest.raises(DeadlineExceeded):
            async for item in shop.within(0.1).stream(slow_second):
                items.append(item)  # noqa: PERF401  # it raises half-way
        assert items == [1]


async def test_a_stream_may_be_asked_for_longer_than_a_call_may_take(tmp_path):
    async with client(build(tmp_path, timeout=0.1)) as shop:
        assert [item async for item in shop.within(5).stream(slow_second)] == [1, 2]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_carries_its_caller_log_clock_and_deadline(tmp_path, transport):
    clock = VirtualClock(datetime(2030, 1, 1, tzinfo=UTC))
    async with client(build(tmp_path, clock=clock), transport, caller=Principal("alice")) as alice:
        assert await alice.call(whoami) == "alice at 2030-01-01T00:00:00+00:00 in 30 s"
        clock.advance(60)
        assert (await alice.as_(Principal("bob")).call(whoami)).startswith("bob at 2030-01-01T00:01:00")
        assert await alice.call(nobody) == "alice"
        stranger = alice.as_(None)
        assert await stranger.call(nobody) is None
        with pytest.raises(Unauthenticated):
            await stranger.call(whoami)


async def test_a_clock_can_be_overridden(tmp_path):
    app = build(tmp_path)
    with app.override({Clock: VirtualClock(datetime(2030, 1, 1, tzinfo=UTC))}):
        async with client(app, caller=Principal("alice")) as alice:
            assert "2030-01-01" in await alice.call(whoami)


@pytest.mark.parametrize("transport", QUICK)
async def test_a_reply_that_breaks_its_annotation_is_found_in_tests(tmp_path, transport, capsys):
    async with client(build(tmp_path), transport) as shop:
        with pytest.raises(Internal):
            await shop.call(lie)
        with pytest.raises(Internal):
            _ = [item async for item in shop.stream(lie_later)]
    captured = capsys.readouterr()
    out = captured.out + captured.err
    assert "`lie` returned what its annotation does not allow: / " in out
    assert "`lie_later` yielded what its annotation does not allow: / " in out


async def test_names_travel_in_camel_case_when_the_app_says_so(tmp_path):
    app = build(tmp_path, json_case="camel")
    async with (
        Service(Assembly(app, log=io.StringIO()), http=Listen()) as service,
        httpx2.AsyncClient(base_url=f"http://{service.http.addresses[0]}", trust_env=False, verify=False) as web,
    ):
        answer = await web.post("/rename", json={"entryName": "tea", "timesSeen": 2})
        assert answer.json() == {"entryName": "tea", "timesSeen": 2}
        wrong = await web.post("/rename", json={"timesSeen": "x"})
        assert [fault["pointer"] for fault in wrong.json()["errors"]] == ["/entryName", "/timesSeen"]
    for transport in TRANSPORTS:
        async with client(app, transport) as shop:
            assert await shop.call(rename, Entry(entry_name="tea")) == Entry(entry_name="tea")


async def test_a_write_goes_on_without_its_client_when_it_is_told_to():
    begun, finished, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def keep_going() -> str:
        begun.set()
        await asyncio.sleep(0.05)
        finished.set()
        return "done"

    async def give_up() -> str:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            gone.set()
        return "never"

    app = App("shop", Settings(environment="test"))
    app.expose(keep_going, http.get("/keep"), allow=public, finish_on_disconnect=True)
    app.expose(give_up, http.get("/give"), allow=public)
    async with Service(Assembly(app, log=io.StringIO()), http=Listen()) as service:
        for path, event in (("/keep", finished), ("/give", gone)):
            begun.clear()
            _, writer = await asyncio.open_connection(*service.http.addresses[0])
            writer.write(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
            await begun.wait()
            writer.transport.abort()
            async with asyncio.timeout(30):
                await event.wait()


async def test_every_call_is_one_line_of_the_log():
    async def hello() -> str:
        return "hello"

    log = io.StringIO()
    app = App("shop", Settings(environment="test"))
    app.expose(hello, http.get("/hello"), allow=public)
    async with (
        Service(Assembly(app, log=log), http=Listen()) as service,
        httpx2.AsyncClient(base_url=f"http://{service.http.addresses[0]}", trust_env=False, verify=False) as web,
    ):
        await web.get("/hello", headers={"x-request-id": "mine"})
        await web.get("/nowhere")
    (line,) = [each for each in map(json.loads, log.getvalue().splitlines()) if each["event"] == "call"]
    assert (line["operation"], line["transport"], line["code"], line["call"]) == ("hello", "http", "OK", "mine")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_hangs_up_ends_the_stream(transport):
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    app = App("shop", Settings(environment="test"))
    app.expose(endless, http.get("/endless"), grpc.service("shop.v1.Shop")("Endless"), allow=public)
    async with client(app, transport) as shop:
        async with aclosing(shop.stream(endless)) as items:
            assert await anext(items) == 1
        async with asyncio.timeout(30):
            await ended.wait()
