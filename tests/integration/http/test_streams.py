"""Streams over the real server: server-sent events, NDJSON, and NDJSON on the way in."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import pytest

from hardy.core import FailedPrecondition, NotFound
from hardy.schema import Ge
from hardy.transport import http
from hardy.transport.http import _stream


@dataclass(frozen=True)
class Item:
    n: Annotated[int, Ge(0)]


async def count(to: int, fail_at: int = -1) -> AsyncIterator[Item]:
    for n in range(to):
        if n == fail_at:
            raise FailedPrecondition("enough", n=n)
        yield Item(n)


async def total(items: AsyncIterator[Item]) -> int:
    return sum([item.n async for item in items])


@pytest.fixture
async def client(serve):
    return await serve((count, http.get("/count")), (total, http.post("/total")))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "application/x-ndjson"),
        ("*/*", "application/x-ndjson"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/jsonl", "application/jsonl"),
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, */*;q=0.1", "text/event-stream"),
        ("text/event-stream;q=0.1, application/x-ndjson", "application/x-ndjson"),
    ],
)
async def test_the_form_of_a_stream_is_the_clients_wish(client, accept, form):
    del client.headers["accept"]
    answer = await client.get("/count?to=2", headers={"accept": accept} if accept else {})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == form
    if form == "text/event-stream":
        assert answer.text == 'data: {"n":0}\n\ndata: {"n":1}\n\n'
    else:
        assert answer.text == '{"n":0}\n{"n":1}\n'


async def test_a_client_that_takes_neither_form_is_told_so(client):
    answer = await client.get("/count?to=2", headers={"accept": "application/json"})
    assert answer.status_code == 406
    assert answer.json()["details"] == {"offered": ["text/event-stream", "application/x-ndjson"]}


async def test_an_empty_stream_is_a_success(client):
    answer = await client.get("/count?to=0")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_error_before_the_first_item_has_its_true_status(client):
    assert (await client.get("/count?to=2&fail_at=0")).status_code == 409
    assert (await client.get("/count?to=x")).status_code == 422


async def test_an_error_after_the_first_item_is_the_last_line(client):
    answer = await client.get("/count?to=5&fail_at=2")
    assert answer.status_code == 200
    *items, last = [json.loads(line) for line in answer.text.splitlines()]
    assert items == [{"n": 0}, {"n": 1}]
    assert last["error"]["code"] == "FAILED_PRECONDITION"
    assert last["error"]["details"] == {"n": 2}
    assert last["error"]["call"] == answer.headers["x-request-id"]


async def test_an_error_after_the_first_event_is_an_error_event(client):
    answer = await client.get("/count?to=5&fail_at=1", headers={"accept": "text/event-stream"})
    first, last = answer.text.strip().split("\n\n")
    event, _, data = last.partition("\n")
    assert first == 'data: {"n":0}'
    assert event == "event: error"
    assert json.loads(data.removeprefix("data: "))["status"] == 409


async def test_items_arrive_while_the_stream_goes_on(serve):
    goes_on = asyncio.Event()

    async def slow() -> AsyncIterator[int]:
        yield 1
        await goes_on.wait()
        yield 2

    client = await serve((slow, http.get("/slow")))
    async with client.stream("GET", "/slow") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "1"
        goes_on.set()
        assert await anext(lines) == "2"


async def test_a_quiet_stream_of_events_beats(serve, monkeypatch):
    monkeypatch.setattr(_stream, "HEARTBEAT", 0.01)
    goes_on = asyncio.Event()

    async def slow() -> AsyncIterator[int]:
        yield 1
        await goes_on.wait()

    client = await serve((slow, http.get("/slow")))
    async with client.stream("GET", "/slow", headers={"accept": "text/event-stream"}) as answer:
        lines = answer.aiter_lines()
        assert [await anext(lines) for _ in range(6)] == ["data: 1", "", ":", "", ":", ""]
        goes_on.set()
        assert not [line async for line in lines if line.startswith("data")]


async def test_a_client_that_leaves_ends_the_use_case(serve):
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.set()

    client = await serve((endless, http.get("/endless")))
    async with client.stream("GET", "/endless") as answer:
        assert await anext(answer.aiter_lines()) == "1"
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_slow_reader_holds_the_use_case_back(serve):
    sent = 0

    async def big() -> AsyncIterator[str]:
        nonlocal sent
        for _ in range(1000):
            yield "x" * 100_000
            sent += 1

    client = await serve((big, http.get("/big")))
    async with client.stream("GET", "/big") as answer:
        pieces = answer.aiter_raw(100)
        await anext(pieces)
        for _ in range(50):
            await asyncio.sleep(0)
        assert sent < 1000


async def test_a_stream_of_messages_is_one_json_a_line(client):
    answer = await client.post("/total", content=b'{"n":1}\n\n{"n":2}\r\n{"n":3}')
    assert (answer.status_code, answer.json()) == (200, 6)
    assert (await client.post("/total", content=b"")).json() == 0


async def test_a_message_that_is_wrong_says_which_one(client):
    answer = await client.post("/total", content=b'{"n":1}\n{"n":-1}\n')
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/n"
    assert answer.json()["details"] == {"item": 1}
    assert (await client.post("/total", content=b'{"n":1}\n{"n"\n')).status_code == 400


async def test_a_message_over_the_limit_is_refused_before_its_end(serve):
    client = await serve((total, http.post("/total")), bounds=http.Bounds(message=100))
    answer = await client.post("/total", content=b'{"n":1}\n' * 1000 + b" " * 101)
    assert answer.status_code == 413


async def test_a_long_item_in_many_small_pieces_costs_no_more_than_its_length():
    """A pass over all of it for each piece would be two minutes of processor time."""

    async def pieces():
        for _ in range(200_000):
            yield b"12345"

    started = time.process_time()
    found = [line async for line in _stream.lines(pieces(), 2**20)]
    assert [len(line) for line in found] == [1_000_000]
    assert time.process_time() - started < 5


async def test_a_stream_may_be_longer_than_a_body(client):
    async def items():
        for _ in range(3000):
            yield b'{"n":1}' + b" " * 1000 + b"\n"

    answer = await client.post("/total", content=items(), headers={"content-type": "application/x-ndjson"})
    assert answer.json() == 3000


async def test_a_stream_of_messages_must_be_ndjson(client):
    answer = await client.post("/total", content=b"[]", headers={"content-type": "application/json"})
    assert answer.status_code == 415


async def test_head_does_not_run_a_stream(client):
    answer = await client.head("/count?to=1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")


async def test_an_error_in_a_stream_of_messages_has_its_status(serve):
    async def refuse(items: AsyncIterator[Item]) -> None:
        async for item in items:
            raise NotFound("no such thing", n=item.n)

    client = await serve((refuse, http.post("/refuse")))
    answer = await client.post("/refuse", content=b'{"n":1}\n{"n":2}\n')
    assert (answer.status_code, answer.json()["details"]) == (404, {"n": 1})
