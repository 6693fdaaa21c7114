"""A shop whose messages use everything that proto can carry."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Generic, Literal, NotRequired, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest

from hardy.core import Operation
from hardy.schema import Ge
from hardy.schema.proto import Contract, Rpc, Service

T = TypeVar("T")


class Status(Enum):
    """Where an order is."""

    OPEN = "open"
    SHIPPED = "shipped"


class Priority(IntEnum):
    LOW = 10
    HIGH = 20


class Card(msgspec.Struct, tag="card"):
    """Paid by card."""

    number: str


class Cash(msgspec.Struct, tag="cash"):
    amount: Decimal


class Size(TypedDict):
    width: float
    height: NotRequired[float]


@attrs.define
class Weight:
    grams: int


class Address(pydantic.BaseModel):
    street: str
    zip: str | None = None


@dataclass
class Order:
    """An order, as the shop sees it.

    Example:
        Only for Python programmers.
    """

    id: UUID
    """Chosen by the shop."""
    sku: str
    quantity: Annotated[int, Ge(1)]
    price: float
    paid: bool
    photo: bytes
    total: Decimal
    day: date
    hour: time
    placed: datetime
    wait: timedelta
    status: Status
    priority: Priority
    shade: Literal["red", "dark-red"]
    level: Literal[1, 2]
    payment: Card | Cash
    size: Size
    weight: Weight
    address: Address
    lines: list["Line"]
    tags: set[str]
    counts: tuple[int, ...]
    by_sku: dict[str, int]
    by_id: dict[UUID, Card]
    by_number: dict[int, str]
    by_status: dict[Status, float]
    grid: list[list[int]]
    gaps: list[int | None]
    groups: dict[str, list[str]]
    shades: list[Literal["red", "blue"]]
    payments: list[Card | Cash]
    note: str | None
    labels: list[str] | None
    limit: int | None = 5
    parent: "Order | None" = None
    comment: str = "none"


@dataclass
class Line:
    sku: str
    inner: list["Line"] = field(default_factory=list)


@dataclass
class Page(Generic[T]):
    items: list[T]
    next: str | None = None


async def place_order(order: Order) -> Order:
    """Place an order.

    Returns:
        Only for Python programmers.
    """
    return order


async def get_order(order_id: UUID) -> Order | None: ...


async def list_orders(limit: int = 10, after: str | None = None) -> Page[Order]: ...


async def count_orders() -> int: ...


async def drop_order(order_id: UUID) -> None: ...


async def pay(payment: Card | Cash) -> list[Card | Cash]: ...


async def watch(status: Status) -> AsyncIterator[Order]:
    yield


async def import_orders(orders: AsyncIterator[Order]) -> int: ...


async def track(ids: AsyncIterator[Line]) -> AsyncIterator[Status]:
    yield


RPCS = (
    Rpc("PlaceOrder", Operation.of(place_order), ("POST /orders",)),
    Rpc("GetOrder", Operation.of(get_order), ("GET /orders/{order_id}", "GET /v1/orders/{order_id}")),
    Rpc("ListOrders", Operation.of(list_orders)),
    Rpc("CountOrders", Operation.of(count_orders)),
    Rpc("DropOrder", Operation.of(drop_order)),
    Rpc("Pay", Operation.of(pay)),
    Rpc("Watch", Operation.of(watch)),
    Rpc("ImportOrders", Operation.of(import_orders)),
    Rpc("Track", Operation.of(track)),
)


@pytest.fixture(scope="session")
def shop() -> Service:
    return Service("shop.v1.Shop", RPCS)


@pytest.fixture(scope="session")
def methods(shop):
    """The shop's rpcs, ready to run, by name."""
    return {each.path.rpartition("/")[2]: each for each in Contract.declare([shop]).methods}


@pytest.fixture(scope="session")
def order_class() -> type[Order]:
    return Order


@pytest.fixture(scope="session")
def converter_of():
    """Return the converter of a use case's message, as a service of one rpc would have it."""

    def converter_of(message: type):
        async def send(message) -> None: ...

        send.__annotations__["message"] = message
        contract = Contract.declare([Service("test.v1.Test", (Rpc("Send", Operation.of(send)),))])
        return contract.methods[0].message

    return converter_of
