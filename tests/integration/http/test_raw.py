"""Raw routes: bytes in, bytes out."""

import asyncio

import pytest

from hardy.core import NotFound
from hardy.transport import http


async def webhook(request: http.Request) -> http.Response:
    body = await request.body()
    return http.Response(202, {"x-signature": request.headers["x-signature"]}, body[::-1])


async def page(request: http.Request) -> http.Response:
    if request.params["name"] == "none":
        raise NotFound("no such page")
    return http.Response(200, {"content-type": "text/html"}, f"<h1>{request.params['name']} {request.query['q']}</h1>")


async def test_a_raw_route_takes_the_bytes_and_answers_with_its_own(serve):
    client = await serve((webhook, http.raw.post("/webhooks/stripe")))
    answer = await client.post("/webhooks/stripe", content=b"abc", headers={"x-signature": "s"})
    assert (answer.status_code, answer.content, answer.headers["x-signature"]) == (202, b"cba", "s")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-request-id"]


async def test_a_raw_route_reads_path_and_query_and_may_raise(serve):
    client = await serve((page, http.prefix("/v1").raw.get("/pages/{name}")))
    answer = await client.get("/v1/pages/a%20b?q=1")
    assert (answer.text, answer.headers["content-type"]) == ("<h1>a b 1</h1>", "text/html")
    assert (await client.get("/v1/pages/none?q=1")).json()["detail"] == "no such page"
    assert (await client.head("/v1/pages/a?q=1")).headers["content-length"] == str(len("<h1>a 1</h1>"))


async def test_a_raw_response_streams_and_its_generator_is_closed(serve):
    closed = asyncio.Event()

    async def pieces():
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0)
        finally:
            closed.set()

    async def endless(request: http.Request) -> http.Response:
        return http.Response(stream=pieces())

    client = await serve((endless, http.raw.get("/")))
    async with client.stream("GET", "/") as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        await anext(answer.aiter_raw())
    await asyncio.wait_for(closed.wait(), 5)


async def test_a_raw_body_is_read_piece_by_piece(serve):
    async def count(request: http.Request) -> http.Response:
        size = 0
        async for piece in request.stream():
            size += len(piece)
        return http.Response(body=str(size))

    client = await serve((count, http.raw.post("/")))
    assert (await client.post("/", content=b"x" * 300_000)).text == "300000"
    assert (await client.post("/", content=b"x" * 2_000_000)).status_code == 413


async def test_a_raw_use_case_that_returns_something_else_is_a_defect(serve):
    async def odd(request: http.Request) -> http.Response:
        return "text"  # type: ignore[return-value]

    client = await serve((odd, http.raw.get("/")))
    assert (await client.get("/")).status_code == 500


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x", "a\nb", "a\0b"])
def test_a_header_that_would_end_its_line_is_refused(value):
    with pytest.raises(ValueError, match="control character"):
        http.Response(302, {"location": value})


def test_a_header_of_the_engine_is_refused():
    with pytest.raises(ValueError, match="belongs to the engine"):
        http.Response(200, [("Transfer-Encoding", "chunked")])
