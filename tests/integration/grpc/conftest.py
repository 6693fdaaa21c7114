"""A small shop behind real gRPC sockets, with a chain composed by hand."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import pytest

from hardy.core import (
    CANONICAL,
    Call,
    Code,
    Exposed,
    FailedPrecondition,
    NotFound,
    Operation,
    compose,
    shielded,
)
from hardy.resilience import InFlight
from hardy.schema import Ge, MinLen
from hardy.transport import grpc


class OutOfStock(FailedPrecondition):
    """None is left."""


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    sku: Annotated[str, MinLen(1)]
    quantity: Annotated[int, Ge(1)]
    size: Size = Size.SMALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: str
    sku: str
    quantity: int
    size: Size = Size.SMALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    upto: int
    bytes_each: int = 0
    fail_at: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    number: int
    padding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    code: str
    details: dict[str, str] | None = None


class Shop:
    """What the use cases saw, and the gates they wait at."""

    def __init__(self) -> None:
        self.started = asyncio.Event()  # binds to a loop at its first wait
        self.gate = asyncio.Event()
        self.over = asyncio.Event()
        self.ends: list[str] = []
        self.imported: list[int] = []
        self.committed = 0
        self.sent = 0
        self.calls: list[Call] = []
        self.in_flight = InFlight(timeout=20)

    def use_cases(self):
        async def place_order(msg: PlaceOrder) -> Order:
            """Place an order."""
            if msg.sku == "gold":
                raise OutOfStock("sold out", retry_after=1.5, sku=msg.sku, left=0, text="0", parts=["a", 1], none=None)
            return Order(id="1", sku=msg.sku, quantity=msg.quantity, size=msg.size)

        async def get_order(order_id: str, *, call: Call) -> Order | None:
            """Look one order up."""
            self.calls.append(call)
            if order_id == "none":
                return None
            if order_id == "defect":
                raise ValueError("a secret")
            raise NotFound("no such order", order_id=order_id)

        async def ping() -> None:
            """Do nothing."""

        async def fail(msg: Fail) -> None:
            """Fail with a code."""
            error = CANONICAL[Code[msg.code]]("told to", name=msg.code, number=7, text="7", flag=True, word="true")
            raise error

        async def wait() -> str:
            """Wait for the gate."""
            self.started.set()
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                await shielded(asyncio.sleep(0))
                self.ends.append("cancelled")
                self.over.set()
                raise
            self.ends.append("finished")
            self.over.set()
            return "done"

        async def wait_on() -> str:
            """Wait for the gate, whoever left."""
            return await wait()

        async def count(msg: Count) -> AsyncIterator[Item]:
            """Count up."""
            for number in range(msg.upto):
                if number == msg.fail_at:
                    raise OutOfStock("stopped", number=number)
                self.sent += 1
                yield Item(number=number, padding="x" * msg.bytes_each)

        async def sum_up(items: AsyncIterator[Item]) -> int:
            """Add the numbers of a stream, at once or not at all."""
            self.started.set()
            total = 0
            try:
                async for item in items:
                    total += item.number
                    self.imported.append(item.number)
                    if item.number == 1000:
                        raise OutOfStock("no thousand", number=item.number)
            except BaseException as error:
                self.ends.append(type(error).__name__)
                self.over.set()
                raise
            self.committed += 1
            return total

        async def double(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
            """Double each number."""
            async for item in items:
                yield Item(number=item.number * 2)
            self.committed += 1

        async def big(size: int) -> str:
            """Answer with a large text."""
            return "x" * size

        return place_order, get_order, ping, fail, wait, wait_on, count, sum_up, double, big

    async def _decode(self, call, proceed):
        call.message = await call.receive()
        return await proceed(call)

    def _innermost(self, operation):
        async def unary(call):
            needs = {each.name: call for each in operation.needs}
            reply = await operation.invoke(call.message, needs)
            call.encode(reply)
            return reply

        async def streaming(call):
            async with contextlib.aclosing(operation.invoke(call.message, {})) as items:
                async for item in items:
                    await call.send(item)

        return streaming if operation.kind.streams_out else unary

    def exposed(self, *, proto=None, **options):
        rpc = grpc.service("shop.v1.Shop", proto=proto)
        made = []
        for use_case in self.use_cases():
            operation = Operation.of(use_case).with_options(
                raises=(OutOfStock,), finish_on_disconnect=use_case.__name__ == "wait_on", **options
            )
            handler = compose([self.in_flight.bound, self._decode], self._innermost(operation))
            name = "".join(word.capitalize() for word in operation.name.split("_"))
            made.append(Exposed(operation, rpc(name), handler))
        return made


class Caller:
    """A client that names operations by their use case's name."""

    def __init__(self, client, exposed) -> None:
        self.client = client
        self.known = {each.operation.name: each for each in exposed}

    def message(self, name, *args, **fields):
        operation = self.known[name].operation
        return args[0] if args else operation.message(**fields)

    async def call(self, name, *args, metadata=None, timeout=None, **fields):
        each = self.known[name]
        message = self.message(name, *args, **fields)
        return await self.client.call(each.binding, each.operation, message, metadata=metadata, timeout=timeout)

    def stream(self, name, *args, metadata=None, timeout=None, **fields):
        each = self.known[name]
        message = self.message(name, *args, **fields)
        return self.client.stream(each.binding, each.operation, message, metadata=metadata, timeout=timeout)


@pytest.fixture
async def shop():
    return Shop()


@pytest.fixture
def make_caller():
    return Caller


@pytest.fixture
def shop_class():
    return Shop


@pytest.fixture(scope="session")
def contracts():
    """The prepared messages of the shop; they hold nothing of a loop."""
    return grpc.Contracts(Shop().exposed(), environment="dev")


@pytest.fixture
async def transport(shop, contracts):
    async with grpc.Transport(shop.exposed(), contracts=contracts, reflection=True, max_message=2**20) as transport:
        yield transport
        shop.gate.set()


@pytest.fixture
async def caller(shop, transport, contracts):
    exposed = shop.exposed()
    async with grpc.GrpcClient(transport.target, exposed, contracts=contracts) as client:
        yield Caller(client, exposed)


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def words():
    """The classes of the shop, for tests that build messages."""
    return {each.__name__: each for each in (OutOfStock, Size, PlaceOrder, Order, Count, Item, Fail)}
