"""The .proto as people read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from hardy.core import BuildFailed, Operation
from hardy.schema.proto import Contract, Rpc, Service

GOLDEN = Path(__file__).parent / "golden" / "shop.proto"


def test_the_shop_is_written_as_the_golden_file_says(shop):
    assert Contract.declare([shop]).text() == GOLDEN.read_text()


def test_an_rpc_and_its_message_may_share_a_name(methods):
    assert methods["GetOrder"].message._name == "shop.v1.GetOrder"


def test_two_classes_of_one_name_are_told_apart_by_their_homes(shop):
    def other():
        from dataclasses import make_dataclass

        order = make_dataclass("Order", [("barcode", int)])
        order.__module__ = "zzz.zoo.animals"
        return order

    async def feed(order) -> None: ...

    feed.__annotations__["order"] = other()
    fed = Rpc("Feed", Operation.of(feed))
    first = Contract.declare([Service("shop.v1.Shop", (*shop.rpcs, fed))]).text()
    second = Contract.declare([Service("shop.v1.Shop", (fed, *shop.rpcs))]).text()
    for text in (first, second):
        assert "rpc Feed(.shop.v1.AnimalsOrder)" in text
        assert "rpc PlaceOrder(.shop.v1.Order)" in text


def test_a_message_does_not_take_the_name_of_the_service():
    from dataclasses import make_dataclass

    async def feed(shop) -> None: ...

    feed.__annotations__["shop"] = make_dataclass("Shop", [("name", str)])
    feed.__annotations__["shop"].__module__ = "zoo.gift"
    text = Contract.declare([Service("shop.v1.Shop", (Rpc("Feed", Operation.of(feed)),))]).text()
    assert "rpc Feed(.shop.v1.GiftShop)" in text


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        pytest.param(object, "object", id="anything"),
        pytest.param(tuple[int, str], "tuple[int, str]", id="a row of several types"),
        pytest.param(int | str, "int | str", id="a union without tags"),
        pytest.param(list, "list", id="a list of nothing said"),
        pytest.param(dict[str, object], "object", id="a map to anything"),
        pytest.param(complex, "complex", id="a type of no wire"),
    ],
)
def test_what_proto_cannot_carry_is_refused_by_name(annotation, shown):
    async def store(thing) -> None: ...

    store.__annotations__["thing"] = annotation
    with pytest.raises(BuildFailed) as refused:
        Contract.declare([Service("store.v1.Store", (Rpc("Store", Operation.of(store)),))])
    (fault,) = refused.value.diagnostics
    assert fault.code == "H0621"
    assert fault.title == f"`Store.thing` is `{shown}`, which proto cannot carry"
    assert fault.helps
    assert refused.value.exit_code == 7


def test_every_type_without_a_form_is_told_at_once():
    async def store(first: object, second: complex) -> object: ...

    with pytest.raises(BuildFailed) as refused:
        Contract.declare([Service("store.v1.Store", (Rpc("Store", Operation.of(store)),))])
    titles = [each.title for each in refused.value.diagnostics]
    assert titles == [
        "`Store.first` is `object`, which proto cannot carry",
        "`Store.second` is `complex`, which proto cannot carry",
        "the reply of `store` is `object`, which proto cannot carry",
    ]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["Orders"], id="no package"),
        pytest.param(["orders.v1.Orders", "orders.v2.Orders"], id="two packages"),
    ],
)
def test_a_service_that_does_not_fit_the_file_is_refused(names):
    with pytest.raises(BuildFailed) as refused:
        Contract.declare([Service(name, ()) for name in names])
    assert [each.code for each in refused.value.diagnostics] == ["H0625"]


def test_two_rpcs_of_one_name_are_refused(shop):
    with pytest.raises(BuildFailed, match="two methods named `PlaceOrder`"):
        Contract.declare([Service("shop.v1.Shop", (shop.rpcs[0], shop.rpcs[0]))])


def test_values_that_clash_across_enums_are_refused():
    @dataclass
    class Clash:
        shade: Literal["dark_red"]
        shade_dark: Literal["red"]

    async def send(clash: Clash) -> None: ...

    send.__annotations__["clash"] = Clash
    with pytest.raises(BuildFailed) as refused:
        Contract.declare([Service("store.v1.Store", (Rpc("Send", Operation.of(send)),))])
    (fault,) = refused.value.diagnostics
    assert (fault.code, "SHADE_DARK_RED" in fault.notes[0]) == ("H0624", True)


def test_a_declared_file_is_called_after_its_package():
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    files = FileDescriptorSet.FromString(Contract.declare([Service("acme.orders.v1.Orders", ())]).descriptor_set())
    assert [each.name for each in files.file] == ["acme/orders/v1/orders.proto"]
