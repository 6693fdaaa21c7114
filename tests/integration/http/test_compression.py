"""Replies made smaller, for those who ask, and still the same replies."""

import asyncio
import gzip
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from backports import zstd

from hardy.core import NotFound
from hardy.transport import http
from hardy.transport.http._coding import wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    version: int
    text: str


async def get_page(size: int = 5000, version: int = 3) -> Page:
    return Page(version=version, text="tea " * (size // 4))


PAGES = (get_page, http.get("/page", etag="version"))


async def raw(client, path="/page", accept="gzip", method="GET", **headers):
    """Ask, and take the bytes as they came."""
    headers = {"accept-encoding": accept, **headers}
    async with client.stream(method, path, headers=headers) as response:
        return response, b"".join([piece async for piece in response.aiter_raw()])


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip;q=0.8", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("GZIP;Q=1", "gzip"),
        ("identity", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("br", None),
        ("deflate", None),
        ("", None),
        ("gzip;q=nonsense", None),
    ],
)
def test_the_client_decides(accept, coding):
    assert wanted(accept.encode()) == coding


@pytest.mark.parametrize(("coding", "undo"), [("gzip", gzip.decompress), ("zstd", zstd.decompress)])
async def test_a_reply_is_compressed_for_those_who_ask(serve, coding, undo):
    client = await serve(PAGES, compression=True)
    plain, whole = await raw(client, accept="identity")
    response, small = await raw(client, accept=coding)
    assert response.headers["content-encoding"] == coding
    assert response.headers["content-length"] == str(len(small))
    assert len(small) < len(whole) / 10
    assert undo(small) == whole
    for each in (plain, response):
        assert each.headers["vary"] == "accept-encoding"
        assert each.headers["content-type"] == "application/json"


async def test_a_long_reply_is_compressed_too(serve):
    client = await serve(PAGES, compression=True)
    assert (await client.get("/page?size=500000")).json()["text"].startswith("tea tea")


async def test_nothing_is_compressed_by_default(serve):
    client = await serve(PAGES)
    response, _ = await raw(client)
    assert "content-encoding" not in response.headers
    assert "vary" not in response.headers
    assert response.headers["etag"] == '"3"'


async def test_a_short_reply_stays_as_it_is(serve):
    client = await serve(PAGES, compression=True)
    response, _ = await raw(client, "/page?size=800")
    assert "content-encoding" not in response.headers


async def test_head_says_what_get_would(serve):
    client = await serve(PAGES, compression=True)
    got, _ = await raw(client)
    said, body = await raw(client, method="HEAD")
    assert body == b""
    different = {"x-request-id", "date"}
    assert {k: v for k, v in said.headers.items() if k not in different} == {
        k: v for k, v in got.headers.items() if k not in different
    }


async def test_problems_are_replies_as_well(serve):
    async def fail() -> None:
        raise NotFound("no " * 1000)

    client = await serve((fail, http.get("/")), compression=True)
    response = await client.get("/", headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.json()["detail"].startswith("no no")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"content-type": "image/png"}, id="a picture"),
        pytest.param({"content-type": "text/plain", "content-encoding": "br"}, id="compressed already"),
        pytest.param({"content-type": "text/plain", "cache-control": "private, no-transform"}, id="forbidden"),
        pytest.param({"content-type": "text/event-stream"}, id="events"),
    ],
)
async def test_what_must_not_be_compressed_is_not(serve, headers):
    async def page(request: http.Request) -> http.Response:
        return http.Response(200, headers, b"a" * 5000)

    client = await serve((page, http.raw.get("/")), compression=True)
    response, body = await raw(client, "/")
    assert response.headers.get("content-encoding") == headers.get("content-encoding")
    assert body == b"a" * 5000


async def test_a_reply_that_would_grow_stays_as_it_is(serve):
    noise = random.Random(7).randbytes(3000)

    async def page(request: http.Request) -> http.Response:
        return http.Response(200, {"content-type": "text/plain"}, noise)

    client = await serve((page, http.raw.get("/")), compression=True)
    response, body = await raw(client, "/")
    assert "content-encoding" not in response.headers
    assert body == noise


async def test_streams_stay_as_they_are(serve):
    async def pages() -> AsyncIterator[Page]:
        for number in range(3):
            yield await get_page(version=number)
            await asyncio.sleep(0)

    client = await serve((pages, http.get("/pages")), compression=True)
    for accept in ("text/event-stream", "application/x-ndjson"):
        async with client.stream("GET", "/pages", headers={"accept": accept, "accept-encoding": "gzip"}) as response:
            await response.aread()
        assert "content-encoding" not in response.headers


class TestTags:
    async def test_a_compressed_reply_has_a_tag_of_its_own(self, serve):
        client = await serve(PAGES, compression=True)
        assert (await raw(client))[0].headers["etag"] == '"3%gzip"'
        assert (await raw(client, accept="identity"))[0].headers["etag"] == '"3"'

    @pytest.mark.parametrize("tag", ['"3%gzip"', 'W/"3%gzip"', '"3"', 'W/"3"', '"1", "3%zstd"'])
    async def test_whoever_has_it_is_told_so_by_the_tag_they_sent(self, serve, tag):
        client = await serve(PAGES, compression=True)
        response, body = await raw(client, **{"if-none-match": tag})
        assert (response.status_code, body) == (304, b"")
        assert response.headers["etag"] == tag.rpartition(", ")[2].removeprefix("W/")
        assert response.headers["vary"] == "accept-encoding"

    @pytest.mark.parametrize("tag", ['"4%gzip"', '"3%25gzip"', '"3gzip"'])
    async def test_whoever_has_another_version_gets_this_one(self, serve, tag):
        client = await serve(PAGES, compression=True)
        assert (await raw(client, **{"if-none-match": tag}))[0].status_code == 200

    async def test_a_version_that_looks_like_a_coding_is_none(self, serve):
        @dataclass(frozen=True)
        class Named:
            name: str

        async def named() -> Named:
            return Named("3%gzip")

        client = await serve((named, http.get("/", etag="name")), compression=True)
        response, _ = await raw(client, "/")
        assert response.headers["etag"] == '"3%25gzip"'
        assert (await raw(client, "/", **{"if-none-match": '"3"'}))[0].status_code == 200

    async def test_it_comes_back_in_if_match_as_the_version_it_names(self, serve):
        async def put(text: str, version: int) -> Page:
            return Page(version=version + 1, text=text)

        route = http.put("/page", bind={"version": http.header("If-Match")}, etag="version")
        client = await serve(PAGES, (put, route), compression=True)
        tag = (await raw(client))[0].headers["etag"]
        response = await client.put("/page", json={"text": "a"}, headers={"if-match": tag})
        assert response.json() == {"version": 4, "text": "a"}

    async def test_a_raw_use_case_sees_the_tags_it_made(self, serve):
        seen = []

        async def page(request: http.Request) -> http.Response:
            seen.append(request.headers.get("if-none-match"))
            return http.Response(200, {"content-type": "text/html", "etag": '"v1"'}, "<p>" * 1000)

        client = await serve((page, http.raw.get("/")), compression=True)
        tag = (await raw(client, "/"))[0].headers["etag"]
        assert tag == '"v1%gzip"'
        await raw(client, "/", **{"if-none-match": f'{tag}, "other"'})
        assert seen == [None, '"v1", "other"']

    async def test_a_weak_tag_names_both(self, serve):
        async def page(request: http.Request) -> http.Response:
            return http.Response(200, {"content-type": "text/html", "etag": 'W/"v1"'}, "<p>" * 1000)

        client = await serve((page, http.raw.get("/")), compression=True)
        assert (await raw(client, "/"))[0].headers["etag"] == 'W/"v1"'
