"""Bodies that come compressed: read, and never further than the limits."""

import asyncio
import gzip
import resource
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from backports import zstd

from hardy.transport import http

MIB = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    text: str


async def add(note: Note) -> int:
    return len(note.text)


ADD = (add, http.post("/notes"))
CODINGS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}


def note(size):
    return b'{"text":"' + b"a" * size + b'"}'


async def post(client, body, coding, **more):
    headers = {"content-type": "application/json", "content-encoding": coding, **more}
    return await client.post("/notes", content=body, headers=headers)


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_compressed_body_is_read(serve, coding):
    client = await serve(ADD)
    response = await post(client, CODINGS[coding](note(50_000)), coding)
    assert (response.status_code, response.json()) == (200, 50_000)


async def test_identity_is_no_coding(serve):
    client = await serve(ADD)
    assert (await post(client, note(5), "identity")).json() == 5


async def test_it_may_come_in_pieces(serve):
    client = await serve(ADD)

    async def pieces():
        whole = gzip.compress(note(1000))
        for at in range(0, len(whole), 7):
            yield whole[at : at + 7]
            await asyncio.sleep(0)

    assert (await post(client, pieces(), "gzip")).json() == 1000


async def test_several_gzip_members_are_one_body(serve):
    client = await serve(ADD)
    whole = note(1000)
    assert (await post(client, gzip.compress(whole[:300]) + gzip.compress(whole[300:]), "gzip")).json() == 1000


@pytest.mark.parametrize("coding", ["br", "compress", "gzip, gzip", "zstd, gzip", "nonsense"])
async def test_an_unknown_coding_is_415_and_the_known_ones_are_told(serve, coding):
    client = await serve(ADD)
    response = await post(client, b"whatever", coding)
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip, deflate, zstd"
    assert response.json()["details"] == {"accepted": ["gzip", "deflate", "zstd"]}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"no gzip at all", id="none"),
        pytest.param(gzip.compress(note(1000))[:-5], id="breaks off"),
        pytest.param(gzip.compress(note(1000)) + b"rest", id="followed by something"),
        pytest.param(zlib.compress(note(10)), id="another coding"),
    ],
)
async def test_what_is_no_such_coding_is_400(serve, body):
    client = await serve(ADD)
    response = await post(client, body, "gzip")
    assert response.status_code == 400
    assert response.json()["code"] == "INVALID_ARGUMENT"


async def test_an_empty_body_is_missing_as_ever(serve):
    client = await serve(ADD)
    assert (await post(client, b"", "gzip")).json()["detail"] == "the body is missing"


BOMBS = {
    "gzip": gzip.compress(b"a" * (500 * MIB // 10)),
    "deflate": zlib.compress(b"a" * (500 * MIB // 10), 9),
    "zstd": zstd.compress(b"a" * (500 * MIB // 10)),
    "gzip in many members": gzip.compress(b"") * 30_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_413_at_once_and_costs_no_memory(serve, bomb):
    client = await serve(ADD)
    body = BOMBS[bomb]
    await post(client, note(1), "identity")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    began = time.process_time()
    response = await post(client, body, bomb.split()[0])
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert response.status_code == 413
    assert took < 0.5  # with tracing on; a tenth without
    assert peak < 16 * MIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024


async def test_the_limit_holds_for_what_is_decompressed(serve):
    client = await serve(ADD)
    regular = b"".join(b"%d," % number for number in range(300_000))
    body = gzip.compress(b'{"text":"' + regular + b'"}')
    assert len(body) < MIB < len(regular)
    response = await post(client, body, "gzip")
    assert (response.status_code, response.json()["detail"]) == (
        413,
        "the body is larger than 1048576 bytes when it is decompressed",
    )


async def test_the_ratio_is_a_setting_and_spares_small_bodies(serve):
    client = await serve(ADD, bounds=http.Bounds(body_ratio=20))
    assert (await post(client, gzip.compress(note(60_000)), "gzip")).status_code == 200
    response = await post(client, gzip.compress(note(600_000)), "gzip")
    assert response.status_code == 413
    assert "more than 20 times as large" in response.json()["detail"]


async def test_a_stream_of_items_may_come_compressed(serve):
    async def total(notes: AsyncIterator[Note]) -> int:
        return sum([len(each.text) async for each in notes])

    client = await serve((total, http.post("/notes")))
    lines = b"".join(note(100) + b"\n" for _ in range(50))
    response = await post(client, gzip.compress(lines), "gzip", **{"content-type": "application/x-ndjson"})
    assert response.json() == 5000
    bomb = gzip.compress((note(1000) + b"\n") * 100_000)
    response = await post(client, bomb, "gzip", **{"content-type": "application/x-ndjson"})
    assert response.status_code == 413


async def test_a_raw_use_case_gets_the_bytes_as_they_came(serve):
    """Which is what the sender has signed."""

    async def hook(request: http.Request) -> http.Response:
        return http.Response(200, {"content-type": "x/y"}, await request.body())

    client = await serve((hook, http.raw.post("/notes")))
    body = gzip.compress(b"signed")
    assert (await post(client, body, "gzip")).content == body
