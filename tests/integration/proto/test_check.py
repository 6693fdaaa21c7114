"""`hardy gen proto --check`: what differs, and what of it breaks somebody."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum

import pytest

from hardy.core import Operation
from hardy.schema.proto import Rpc, Service, generate


def test_a_service_in_step_has_no_drift(check_in, release_of, proto):
    service = release_of(sku=str)
    check_in(service)
    report = generate([service], proto, check=True)
    assert (report.drift, report.changes, report.exit_code, report.diagnostics()) == (False, (), 0, ())


def test_a_check_writes_nothing(check_in, release_of, proto):
    report = generate([release_of(sku=str)], proto, check=True)
    assert (report.exit_code, report.written, proto.exists()) == (1, False, False)
    check_in(release_of(sku=str))
    before = {path.name: path.read_bytes() for path in proto.parent.iterdir()}
    assert generate([release_of(note=str)], proto, check=True).exit_code == 1
    assert {path.name: path.read_bytes() for path in proto.parent.iterdir()} == before
    assert sorted(before) == ["orders.binpb", "orders.proto"]


class Old(Enum):
    RED = 1
    BLUE = 2


class New(Enum):
    RED = 1


New.__name__ = New.__qualname__ = "Old"


@pytest.mark.parametrize(
    ("before", "after", "told", "line"),
    [
        pytest.param(
            {"sku": str, "count": int}, {"sku": str},
            "the field `Order.count` is removed", "  optional int64 count = 2;", id="a field removed",
        ),
        pytest.param(
            {"count": int}, {"count": str},
            "the field `Order.count` changes its type from int64 to string", "  optional int64 count = 1;", id="a type",
        ),
        pytest.param(
            {"tags": str}, {"tags": list[str]},
            "the field `Order.tags` changes its cardinality from singular to repeated", "  optional string tags = 1;",
            id="a cardinality",
        ),
        pytest.param(
            {"shade": Old}, {"shade": New}, "the value `Old.OLD_BLUE` is removed", "  OLD_BLUE = 2;", id="an enum value",
        ),
        pytest.param(
            {"sku": str, "rpcs": ("Place", "Erase")}, {"sku": str, "rpcs": ("Place",)},
            "the rpc `Orders.Erase` is removed", "  rpc Erase(.orders.v1.Order) returns (.google.protobuf.Empty);",
            id="an rpc removed",
        ),
        pytest.param(
            {"sku": str, "reply": None, "rpcs": ("Place",)}, {"sku": str, "reply": int, "rpcs": ("Place",)},
            "the rpc `Orders.Place` changes its reply from .google.protobuf.Empty to .orders.v1.PlaceReply",
            "  rpc Place(.orders.v1.Order) returns (.google.protobuf.Empty);", id="another reply",
        ),
        pytest.param(
            {"shade": Old}, {"sku": str}, "the enum `Old` is removed", "enum Old {", id="an enum removed",
        ),
    ],
)  # fmt: skip
def test_a_breaking_change_is_named_at_its_line(check_in, release_of, proto, before, after, told, line):
    check_in(release_of(**before))
    report = generate([release_of(**after)], proto, check=True)
    change = next(each for each in report.breaking if each.text == told)
    assert (change.place.file, change.place.text) == (str(proto), line)
    drift, *named = report.diagnostics()
    assert drift.code == "H0620"
    assert f"- {told} (breaking)" in drift.body
    assert f"breaking: {told}" in [each.title for each in named]
    assert {each.code for each in named} == {"H0622"}


def test_a_stream_that_was_none_is_breaking(proto):
    @dataclass
    class Order:
        sku: str

    async def one(order: Order) -> int: ...

    async def many(order: Order) -> AsyncIterator[int]:
        yield

    async def items(orders: AsyncIterator[Order]) -> int: ...

    def service(use_case):
        return [Service("orders.v1.Orders", (Rpc("Watch", Operation.of(use_case)),))]

    for each in (one, many, items):
        for name in ("order", "orders"):
            if name in each.__annotations__:
                each.__annotations__[name] = Order if name == "order" else AsyncIterator[Order]
    generate(service(one), proto)
    for use_case, kind in ((many, "server stream"), (items, "client stream")):
        (change,) = generate(service(use_case), proto, check=True).breaking
        assert change.text == f"the rpc `Orders.Watch` changes its kind from unary to {kind}"


def test_what_only_adds_breaks_nobody(check_in, release_of, proto):
    check_in(release_of(sku=str))
    report = generate([release_of(sku=str, shade=Old, rpcs=("PlaceOrder", "Erase"))], proto, check=True)
    assert report.breaking == ()
    assert {each.text for each in report.changes} == {
        "the rpc `Orders.Erase` is new", "the field `Order.shade` is new", "the enum `Old` is new",
    }  # fmt: skip


def test_a_comment_is_drift_and_no_change(check_in, release_of, proto):
    service = release_of(sku=str)
    check_in(service)
    commented = Service(service.name, (Rpc("PlaceOrder", service.rpcs[0].operation, ("POST /orders",)),))
    report = generate([commented], proto, check=True)
    assert (report.drift, report.changes) == (True, ())


@pytest.mark.parametrize("damage", ["missing", "stale"])
def test_a_descriptor_set_that_is_not_the_files_is_drift(check_in, release_of, proto, damage):
    service = release_of(sku=str)
    check_in(service)
    binpb = proto.with_suffix(".binpb")
    if damage == "missing":
        binpb.unlink()
    else:
        binpb.write_bytes(b"")
    report = generate([service], proto, check=True)
    assert [each.text for each in report.changes] == ["`orders.binpb` does not say what `orders.proto` says"]
    assert generate([service], proto).written
    assert not generate([service], proto, check=True).drift
