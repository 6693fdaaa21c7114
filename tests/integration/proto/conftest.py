"""Services that grow: the same use case with a message that changes from release to release."""

from dataclasses import field, make_dataclass

import pytest

from hardy.core import Operation
from hardy.schema.proto import Rpc, Service, generate


@pytest.fixture
def proto(tmp_path):
    """Where the checked-in .proto is."""
    return tmp_path / "proto" / "orders" / "v1" / "orders.proto"


def release(*, reply: object = None, rpcs: tuple[str, ...] = ("PlaceOrder",), **fields: object) -> Service:
    """A service whose rpcs take one ``Order`` of these fields."""
    order = make_dataclass("Order", [(name, type_, field(kw_only=True)) for name, type_ in fields.items()])

    async def place_order(order): ...

    place_order.__annotations__ |= {"order": order, "return": reply}
    operation = Operation.of(place_order)
    return Service("orders.v1.Orders", tuple(Rpc(name, operation) for name in rpcs))


@pytest.fixture(scope="session")
def release_of():
    return release


@pytest.fixture
def check_in(proto):
    """Return what generates the .proto of a release and gives its lines."""

    def check_in(service: Service) -> list[str]:
        report = generate([service], proto)
        assert report.written or not report.drift
        return [line.strip() for line in proto.read_text().splitlines()]

    return check_in
