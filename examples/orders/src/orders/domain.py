"""Orders in the words of the business: entities, their rules, the ports they need. No technology."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from hardy.core import Aborted, Events, FailedPrecondition

PAYMENT_TERM = timedelta(hours=24)
"""How long an order waits to be paid."""


class Status(Enum):
    """How far an order is."""

    PLACED = "placed"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    PAID = "paid"


class OrderShipped(FailedPrecondition):
    """The order is on its way; it can no longer be cancelled."""


class OrderChanged(Aborted):
    """Somebody changed the order since the caller read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants to buy."""

    id: UUID
    sku: str
    quantity: int
    buyer: str
    status: Status
    placed_at: datetime
    version: int = 1
    """Rises by one with each change."""

    def cancel(self) -> "Order":
        """Return the order cancelled; cancelling twice changes nothing.

        Raises:
            OrderShipped: It is on its way.
        """
        if self.status is Status.SHIPPED:
            raise OrderShipped("the order is on its way and can no longer be cancelled", order_id=self.id)
        return self._become(Status.CANCELLED)

    def ship(self) -> "Order":
        """Return the order shipped.

        Raises:
            FailedPrecondition: It was cancelled.
        """
        if self.status is Status.CANCELLED:
            raise FailedPrecondition("a cancelled order is not shipped", order_id=self.id)
        return self._become(Status.SHIPPED)

    def pay(self) -> "Order":
        """Return the order paid; what is on its way is so already.

        Raises:
            FailedPrecondition: It was cancelled.
        """
        if self.status is Status.CANCELLED:
            raise FailedPrecondition("a cancelled order is not paid", order_id=self.id)
        return self if self.status is Status.SHIPPED else self._become(Status.PAID)

    def _become(self, status: Status) -> "Order":
        return self if self.status is status else replace(self, status=status, version=self.version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """Somebody has placed an order: told to whoever wants to know, in this service and in others."""

    order_id: UUID
    sku: str
    quantity: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """How much of something was ordered."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """Something that happened to an order."""

    order_id: UUID
    status: Status
    version: int
    """The order's version from then on."""
    at: datetime


class Orders(Protocol):
    """Keeps orders; whatever it is told is kept or not kept together with the rest of the call."""

    async def add(self, order: Order) -> None:
        """Keep a new order, and that it was placed.

        Raises:
            AlreadyExists: It is kept already.
        """
        ...

    async def get(self, order_id: UUID) -> Order | None:
        """Return the order, or ``None``."""
        ...

    async def page(self, *, buyer: str, after: UUID | None, limit: int) -> list[Order]:
        """Return up to *limit* orders of *buyer*, by id, those after *after*."""
        ...

    async def unpaid(self, *, before: datetime, limit: int) -> list[Order]:
        """Return up to *limit* orders that were placed *before* a moment and nobody has paid or cancelled."""
        ...

    async def change(self, order: Order, *, at: datetime) -> None:
        """Keep a changed order, and what happened to it.

        Raises:
            OrderChanged: The kept version is not the one before *order*'s.
        """
        ...


class Lookup(Protocol):
    """Finds single orders quickly, for those who only look."""

    async def find(self, order_id: UUID) -> Order | None:
        """Return the order, or ``None``; it may have changed a moment ago."""
        ...


class Sales(Protocol):
    """Knows what sells."""

    async def add(self, sku: str, quantity: int) -> None:
        """Count what was ordered."""
        ...

    async def best(self, limit: int) -> list[Sold]:
        """Return what sells most, the best first."""
        ...


class Work(NamedTuple):
    """What one transaction changes and tells."""

    orders: Orders
    events: Events


class UnitOfWork(Protocol):
    """Opens a transaction of its own: what a stream uses, which lives longer than one."""

    def begin(self) -> AbstractAsyncContextManager[Work]:
        """Return what is kept together when the block ends well."""
        ...


class Feed(Protocol):
    """Tells what happens to orders, to whoever listens."""

    async def events(self, *, since: datetime | None = None) -> AsyncIterator[OrderEvent]:
        """Return events in order, from *since* on or from now on; they do not end by themselves.

        Whatever happens after this has returned is among them, so that what is
        read then and what is told later leave no gap.
        """
        ...
