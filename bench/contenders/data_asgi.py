"""A bare ASGI callable on uvicorn with a pool of asyncpg: no framework, nothing mapped but by hand."""

import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import msgspec
import uvicorn
from msgspec import Meta, Struct

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class NewOrder(Struct):
    sku: Annotated[str, Meta(min_length=3, max_length=32)]
    quantity: Annotated[int, Meta(ge=1, le=1000)]
    buyer: Annotated[str, Meta(min_length=1, max_length=50)]


class Order(Struct):
    id: int
    sku: str
    quantity: int
    buyer: str
    placed: datetime


GET = "select id, sku, quantity, buyer, placed from orders where id = $1"
ADD = "insert into orders (sku, quantity, buyer) values ($1, $2, $3) returning id, sku, quantity, buyer, placed"
TELL = "insert into outbox (topic, key, payload) values ($1, $2, $3)"
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(NewOrder).decode
pools: "list[asyncpg.Pool[asyncpg.Record]]" = []


async def reply(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def get_order(number: int, send: Send) -> None:
    async with pools[0].acquire() as connection:
        row = await connection.fetchrow(GET, number)
    await (reply(send, 404, b"{}") if row is None else reply(send, 200, encode(Order(*row))))


async def add_order(receive: Receive, send: Send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    try:
        given = decode(body)
    except msgspec.ValidationError as error:
        await reply(send, 422, encode({"error": str(error)}))
        return
    async with pools[0].acquire() as connection, connection.transaction():
        placed = Order(*await connection.fetchrow(ADD, given.sku, given.quantity, given.buyer))
        payload = encode({"order_id": placed.id, "sku": placed.sku, "quantity": placed.quantity})
        await connection.execute(TELL, "orders.placed", str(placed.id), payload.decode())
    await reply(send, 201, encode(placed))


async def lifespan(receive: Receive, send: Send) -> None:
    await receive()
    size = int(os.environ["BENCH_DATABASE__CONNECTIONS"])
    pools.append(await asyncpg.create_pool(os.environ["BENCH_DATABASE__URL"], min_size=1, max_size=size))
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await pools[0].close()
    await send({"type": "lifespan.shutdown.complete"})


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["path"] == "/orders":
        await add_order(receive, send)
    else:
        await get_order(int(scope["path"].rpartition("/")[2]), send)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop", http="httptools")
