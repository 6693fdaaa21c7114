"""Litestar on uvicorn, uvloop and httptools, with msgspec Structs, without an access log."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, MediaType, Request, get, post
from litestar.exceptions import ValidationException
from litestar.response import Response, Stream
from structs import EVENTS, LARGE, SMALL, Item, NewItem, item, kept


@get("/plaintext", media_type=MediaType.TEXT)
async def plaintext() -> str:
    return "Hello, World!"


@get("/items/{item_id:int}")
async def get_item(item_id: int) -> Item:
    return item(item_id)


@post("/items")
async def add_item(data: NewItem) -> Item:
    return kept(data)


@get("/small")
async def small() -> list[Item]:
    return SMALL


@get("/large")
async def large() -> list[Item]:
    return LARGE


@get("/events")
async def events() -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(EVENTS):
            yield b"data: " + msgspec.json.encode(SMALL[0]) + b"\n\n"

    return Stream(pieces(), media_type="text/event-stream")


def unprocessable(_: Request[Any, Any, Any], error: ValidationException) -> Response[dict[str, str]]:
    return Response({"detail": error.detail}, status_code=422)


app = Litestar(
    [plaintext, get_item, add_item, small, large, events],
    openapi_config=None,
    exception_handlers={ValidationException: unprocessable},
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop", http="httptools")
