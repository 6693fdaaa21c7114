"""A bare ASGI callable on uvicorn, uvloop and httptools: what a framework on it could reach at most."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvicorn
from structs import EVENTS, LARGE, SMALL, NewItem, item, kept

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(NewItem).decode
TEXT, JSON = b"text/plain", b"application/json"


async def reply(send: Send, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def add_item(receive: Receive, send: Send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    try:
        given = decode(body)
    except msgspec.ValidationError as error:
        await reply(send, 422, TEXT, str(error).encode())
    else:
        await reply(send, 201, JSON, encode(kept(given)))


async def events(send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(EVENTS):
        piece = b"data: " + encode(SMALL[0]) + b"\n\n"
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/plaintext":
        await reply(send, 200, TEXT, b"Hello, World!")
    elif path == "/items":
        await add_item(receive, send)
    elif path == "/small":
        await reply(send, 200, JSON, encode(SMALL))
    elif path == "/large":
        await reply(send, 200, JSON, encode(LARGE))
    elif path == "/events":
        await events(send)
    else:
        await reply(send, 200, JSON, encode(item(int(path.rpartition("/")[2]))))


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop", http="httptools")
