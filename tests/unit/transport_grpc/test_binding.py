"""Services and methods, as an ``expose`` line writes them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from hardy.core import Exposed, Operation
from hardy.transport import grpc


async def get_order(order_id: str) -> str:
    """Look one order up."""
    return order_id


@dataclass
class Odd:
    thing: complex


@dataclass
class Anything:
    thing: object


async def use_odd(msg: Odd) -> None: ...


async def use_any(msg: Anything) -> None: ...


OPERATION = Operation.of(get_order)


def test_a_service_names_its_methods():
    method = grpc.service("orders.v1.Orders", proto="proto/orders.proto")("GetOrder")
    assert method.path == "/orders.v1.Orders/GetOrder"
    assert method.service.proto == Path("proto/orders.proto")
    assert (method.transport, method.raw) == ("grpc", False)
    assert method.describe() == {"transport": "grpc", "service": "orders.v1.Orders", "method": "GetOrder"}


def test_methods_are_equal_by_what_they_name():
    assert grpc.service("orders.v1.Orders")("GetOrder") == grpc.service("orders.v1.Orders")("GetOrder")


@pytest.mark.parametrize(
    "name", ["orders.v1.Orders", "a.A", "shop.orders.v2beta1.Orders2"], ids=["usual", "short", "long"]
)
def test_a_proto_name_is_a_name_for_a_service(name):
    assert grpc.service(name)("GetOrder").check(OPERATION) == []


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("Orders", "orders.v1.Orders"),
        ("orders.v1.orders", "orders.v1.Orders"),
        ("Orders.V1.Orders", "orders.v1.Orders"),
        ("orders-v1-Orders", "orders.v1.Orders"),
        ("orders.v1.", "orders.V1"),
        ("", "orders.v1.Orders"),
        ("orders.v1.Orders\n", "orders.v1.Orders"),
    ],
    ids=["no package", "small", "capitals", "dashes", "no name", "empty", "newline"],
)
def test_what_is_no_proto_name_is_refused_with_one_that_is(name, suggested):
    [fault] = grpc.service(name)("GetOrder").check(OPERATION)
    assert (fault.code, fault.helps) == ("H0645", (f'write package and service: `grpc.service("{suggested}")`',))
    assert fault.place is not None


@pytest.mark.parametrize("name", ["get_order", "getOrder", "Get-Order", "", "GetOrder\n"])
def test_a_method_is_named_in_camel_case(name):
    [fault] = grpc.service("orders.v1.Orders")(name).check(OPERATION)
    assert (fault.code, fault.helps) == ("H0646", ('write it in CamelCase: `rpc("GetOrder")`',))


def test_types_that_nothing_carries_are_refused_by_the_method():
    faults = grpc.service("orders.v1.Orders")("Use").check(Operation.of(use_odd))
    assert faults
    assert {fault.code[:3] for fault in faults} == {"H06"}
    assert any("thing" in fault.render() for fault in faults)


def test_types_that_proto_cannot_carry_are_refused_with_all_methods():
    exposed = [Exposed(Operation.of(use_any), grpc.service("orders.v1.Orders")("Use"), print)]
    assert {fault.code for fault in grpc.check(exposed, environment="dev")} == {"H0621"}


def test_every_fault_is_told_at_once():
    codes = [fault.code for fault in grpc.service("orders")("get").check(OPERATION)]
    assert codes == ["H0645", "H0646"]
