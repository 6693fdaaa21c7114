"""hardy as a service runs it: production settings, access log, deadlines, every built-in on."""

import sys
from collections.abc import AsyncIterator

import structs
from model import CATEGORY, NAME, SKU, Item, NewItem

from hardy import App, Settings, public, run
from hardy.transport import http


def item(number: int) -> Item:
    return Item(id=number, sku=SKU, name=NAME, price=9.99, quantity=42, in_stock=True, category=CATEGORY)


SMALL = [item(number) for number in range(9)]
LARGE = [item(number) for number in range(870)]


async def plaintext(request: http.Request) -> http.Response:
    """Answer a few bytes."""
    return http.Response(200, {"content-type": "text/plain"}, b"Hello, World!")


async def get_item(item_id: int) -> Item:
    """Look an item up."""
    return Item(id=item_id, sku=SKU, name=NAME, price=9.99, quantity=42, in_stock=True, category=CATEGORY)


async def add_item(item: NewItem) -> Item:
    """Keep an item."""
    return Item(
        id=1,
        sku=item.sku,
        name=item.name,
        price=item.price,
        quantity=item.quantity,
        in_stock=item.in_stock,
        category=item.category,
    )


async def add_struct(item: structs.NewItem) -> structs.Item:
    """Keep an item, given and answered as a msgspec Struct."""
    return structs.kept(item)


async def small() -> list[Item]:
    """List a few items."""
    return SMALL


async def large() -> list[Item]:
    """List many items."""
    return LARGE


async def events() -> AsyncIterator[Item]:
    """Send items one by one."""
    for _ in range(structs.EVENTS):
        yield SMALL[0]


def build(settings: Settings) -> App:
    app = App("bench", settings)
    app.expose(plaintext, http.raw.get("/plaintext"), allow=public)
    app.expose(get_item, http.get("/items/{item_id}"), allow=public)
    app.expose(add_item, http.post("/items", status=201), allow=public)
    app.expose(add_struct, http.post("/structs", status=201), allow=public)
    app.expose(small, http.get("/small"), allow=public)
    app.expose(large, http.get("/large"), allow=public)
    app.expose(events, http.get("/events"), allow=public)
    return app


if __name__ == "__main__":
    run(build, argv=["--host", "127.0.0.1", "--port", sys.argv[1], "--admin-port", "0", "--environment", "production"])
