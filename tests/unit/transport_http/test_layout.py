"""What does not fit a route is told at build, by name, with the remedy."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from hardy.core import Operation
from hardy.transport import http
from hardy.transport.http._layout import layout


@dataclass(frozen=True)
class Order:
    id: UUID
    version: int


@dataclass(frozen=True)
class Page:
    items: list[Order]
    next: str | None = None


@dataclass(frozen=True)
class Filter:
    sku: str
    limit: int = 10


async def get_order(order_id: UUID) -> Order: ...
async def pages(cursor: str | None = None) -> Page: ...
async def two(source: Order, target: Order) -> None: ...
async def one(order_id: UUID, order: Order, urgent: bool = False) -> None: ...
async def whole(msg: Order) -> None: ...
async def nested(order_id: UUID, filter: Filter) -> None: ...
async def mapping(words: dict[str, str]) -> None: ...
async def lists(ids: list[UUID], words: tuple[str, ...] = (), one: UUID | None = None) -> None: ...
async def take(items: AsyncIterator[Order]) -> None: ...
async def both(items: AsyncIterator[Order]) -> AsyncIterator[Order]:
    yield Order(UUID(int=1), 1)


async def watch() -> AsyncIterator[Order]:
    yield Order(UUID(int=1), 1)


@pytest.mark.parametrize(
    ("use_case", "route", "code", "said"),
    [
        (get_order, http.get("/orders/{order_idd}"), "H0605", "did you mean `order_id`?"),
        (whole, http.put("/orders/{order_id}"), "H0605", "add `order_id: SomeType` to `Order`"),
        (take, http.post("/orders/{order_id}"), "H0605", "takes a stream"),
        (two, http.post("/two"), "H0604", "two bodies: `source` and `target`"),
        (get_order, http.get("orders"), "H0630", "does not begin with `/`"),
        (get_order, http.get("/o", bind={"orderid": http.header("X")}), "H0631", "did you mean `order_id`?"),
        (get_order, http.get("/{order_id}", bind={"order_id": http.query("x")}), "H0631", "in the path already"),
        (get_order, http.get("/{order_id}", etag="versoin"), "H0632", "did you mean `version`?"),
        (get_order, http.post("/o", location="/orders/{order_id}"), "H0632", "`location=` needs `order_id`"),
        (watch, http.get("/o", etag="version"), "H0632", "`etag=` needs `version`"),
        (get_order, http.get("/o", next="order_id"), "H0632", "`next=` needs `next`"),
        (pages, http.get("/o", next="curser"), "H0632", "add `curser: str | None = None`"),
        (nested, http.get("/{order_id}"), "H0633", "`filter: Filter` cannot be in the query"),
        (mapping, http.get("/"), "H0633", "cannot be in the query"),
        (lists, http.get("/{ids}"), "H0633", "cannot be in the path"),
        (take, http.get("/o"), "H0634", 'http.post("/o")'),
        (both, http.post("/o"), "H0634", 'http.get("/o")'),
        (whole, http.post("/o", status=409), "H0635", "status 409 is no success"),
        (get_order, http.get("/{order_id}", status=204), "H0635", "has no body"),
    ],
)
def test_a_fault_is_told_with_its_remedy(use_case, route, code, said):
    faults = route.check(Operation.of(use_case))
    assert [each.code for each in faults] == [code]
    text = faults[0].render()
    assert said in text
    assert f"in the route {route.method} {route.path}" in text
    assert faults[0].place is not None


def test_every_fault_is_told_at_once():
    route = http.get("/{a}/{b}", status=500, etag="c", bind={"d": http.header("x")})
    assert [each.code for each in route.check(Operation.of(get_order))] == ["H0605", "H0605", "H0631", "H0635", "H0632"]


@pytest.mark.parametrize(
    ("use_case", "route"),
    [
        (lists, http.get("/")),
        (one, http.put("/{order_id}")),
        (whole, http.post("/", status=201)),
        (take, http.post("/")),
        (both, http.get("/")),
        (watch, http.get("/")),
    ],
    ids=["lists", "one body", "whole", "client stream", "both", "server stream"],
)
def test_what_fits_has_no_fault(use_case, route):
    assert list(route.check(Operation.of(use_case))) == []


def test_a_message_is_laid_out_by_the_rules():
    out = layout(http.put("/{order_id}"), Operation.of(one))
    assert [(slot.field.name, slot.place) for slot in out.slots] == [("order_id", "path")]
    assert [each.name for each in out.body] == ["order", "urgent"]
    assert out.body_is is None
    assert layout(http.post("/"), Operation.of(whole)).is_body_whole
    spread = layout(http.get("/"), Operation.of(whole))
    assert [(slot.field.name, slot.place) for slot in spread.slots] == [("id", "query"), ("version", "query")]


def test_a_prefix_is_before_the_path_and_the_location():
    v1 = http.prefix("/v1", tag="shop").prefix("/orders")
    route = v1.post("", location="/{id}", bind={"a": http.cookie("b")})
    assert (route.path, route.location, route.tag) == ("/v1/orders", "/v1/orders/{id}", "shop")
    assert route.describe() == {
        "transport": "http",
        "method": "POST",
        "path": "/v1/orders",
        "location": "/v1/orders/{id}",
        "bind": {"a": "cookie b"},
    }
    assert http.raw.put("/x").describe() == {"transport": "http", "method": "PUT", "path": "/x", "raw": True}
    assert [v1.raw.get("/x").path, v1.raw.patch("").method, v1.delete("/{a}").method, v1.raw.delete("").raw] == [
        "/v1/orders/x",
        "PATCH",
        "DELETE",
        True,
    ]
