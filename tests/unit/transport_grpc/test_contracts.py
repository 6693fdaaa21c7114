"""Methods taken together: clashes, files, drift."""

from dataclasses import dataclass

import pytest

from hardy.core import BuildFailed, Exposed, Operation
from hardy.schema import proto
from hardy.transport import grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: str
    sku: str


async def place_order(sku: str) -> Order:
    """Place an order."""
    return Order(id="1", sku=sku)


async def get_order(order_id: str) -> Order:
    """Look one order up."""
    return Order(id=order_id, sku="tea")


async def nobody(call):
    raise AssertionError("not called")


PLACE, GET = Operation.of(place_order), Operation.of(get_order)


def exposed(*pairs):
    return [Exposed(operation, method, nobody) for operation, method in pairs]


@pytest.fixture
def checked_in(tmp_path):
    """A .proto and its descriptors as `hardy gen proto` writes them."""
    path = tmp_path / "orders" / "v1" / "orders.proto"
    path.parent.mkdir(parents=True)
    rpc = grpc.service("orders.v1.Orders", proto=path)
    [file] = grpc.proto_files(exposed((PLACE, rpc("PlaceOrder")), (GET, rpc("GetOrder"))))
    proto.generate(file.services, path)
    return path


def codes(faults):
    return [fault.code for fault in faults]


def test_methods_of_their_own_do_not_clash():
    rpc = grpc.service("orders.v1.Orders")
    assert grpc.check(exposed((PLACE, rpc("PlaceOrder")), (GET, rpc("GetOrder"))), environment="dev") == []


def test_one_use_case_may_be_bound_to_two_methods():
    rpc = grpc.service("orders.v1.Orders")
    assert grpc.check(exposed((PLACE, rpc("PlaceOrder")), (PLACE, rpc("Order"))), environment="dev") == []


def test_a_method_bound_twice_is_refused_with_both_places():
    rpc = grpc.service("orders.v1.Orders")
    [fault] = grpc.check(exposed((PLACE, rpc("PlaceOrder")), (GET, rpc("PlaceOrder"))), environment="dev")
    assert fault.code == "H0647"
    assert fault.notes == ("it reaches `place_order` and `get_order`",)
    assert fault.helps == ('give one of them another name: `rpc("GetOrder")`',)
    text = fault.render()
    assert "async def get_order" in text
    assert "async def place_order" in text


def test_two_files_for_one_package_are_refused(tmp_path):
    orders = grpc.service("orders.v1.Orders", proto=tmp_path / "a.proto")
    prices = grpc.service("orders.v1.Prices", proto=tmp_path / "b.proto")
    [fault] = grpc.check(exposed((PLACE, orders("PlaceOrder")), (GET, prices("GetOrder"))), environment="dev")
    assert fault.code == "H0648"
    assert [note.partition(" ")[0] for note in fault.notes] == ["`orders.v1.Orders`", "`orders.v1.Prices`"]


def test_production_needs_a_file():
    rpc = grpc.service("orders.v1.Orders")
    pairs = exposed((PLACE, rpc("PlaceOrder")))
    assert codes(grpc.check(pairs, environment="production")) == ["H0623"]
    with pytest.raises(BuildFailed, match="H0623"):
        grpc.Transport(pairs)


def test_a_file_that_is_not_there_yet_is_a_fault_in_production_only(tmp_path):
    rpc = grpc.service("orders.v1.Orders", proto=tmp_path / "orders.proto")
    pairs = exposed((PLACE, rpc("PlaceOrder")))
    assert grpc.check(pairs, environment="dev") == []
    assert codes(grpc.check(pairs, environment="production")) == ["H0623"]


def test_what_the_checked_in_file_says_is_served_in_production(checked_in):
    rpc = grpc.service("orders.v1.Orders", proto=checked_in)
    pairs = exposed((PLACE, rpc("PlaceOrder")), (GET, rpc("GetOrder")))
    assert grpc.check(pairs, environment="production") == []
    assert grpc.Transport(pairs).contracts.services == ("orders.v1.Orders",)


@pytest.mark.parametrize("environment", ["dev", "production"])
def test_drift_between_file_and_code_is_refused(checked_in, environment):
    rpc = grpc.service("orders.v1.Orders", proto=checked_in)
    pairs = exposed((PLACE, rpc("PlaceOrder")), (GET, rpc("LookUp")))
    assert codes(grpc.check(pairs, environment=environment)) == ["H0620"]


def test_the_file_owns_the_numbers(checked_in):
    text = checked_in.read_text()
    checked_in.write_text(text.replace("string id = 1;", "string id = 7;"))
    rpc = grpc.service("orders.v1.Orders", proto=checked_in)
    pairs = exposed((PLACE, rpc("PlaceOrder")), (GET, rpc("GetOrder")))
    [file] = grpc.proto_files(pairs)
    proto.generate(file.services, checked_in)
    method = grpc.Contracts(pairs).methods()["/orders.v1.Orders/PlaceOrder"]
    assert b"\x3a\x011" in method.reply.encode(Order(id="1", sku=""))


def test_what_is_wrong_by_itself_is_not_told_again():
    rpc = grpc.service("orders.v1.Orders")
    pairs = exposed((PLACE, rpc("place_order")), (GET, rpc("GetOrder")))
    assert grpc.check(pairs, environment="dev") == []  # `Method.check` tells it


def test_everything_is_told_at_once(tmp_path):
    orders = grpc.service("orders.v1.Orders", proto=tmp_path / "a.proto")
    others = grpc.service("orders.v1.Others", proto=tmp_path / "b.proto")
    prices = grpc.service("prices.v1.Prices")
    pairs = exposed(
        (PLACE, orders("PlaceOrder")), (GET, orders("PlaceOrder")), (GET, others("GetOrder")), (GET, prices("GetPrice"))
    )
    assert codes(grpc.check(pairs, environment="production")) == ["H0647", "H0648", "H0623", "H0623"]


def test_bindings_of_other_doors_are_passed_over():
    class Route:
        transport, raw = "http", False

        def check(self, operation):
            return []

        def describe(self):
            return {}

    assert grpc.check([Exposed(PLACE, Route(), nobody)], environment="production") == []
    assert grpc.Transport([Exposed(PLACE, Route(), nobody)]).contracts.services == ()


def test_a_package_is_one_file_with_the_comments_asked_for(tmp_path):
    path = tmp_path / "orders.proto"
    orders, prices = grpc.service("orders.v1.Orders", proto=path), grpc.service("prices.v1.Prices")
    more = grpc.service("orders.v1.More")
    pairs = exposed((PLACE, orders("PlaceOrder")), (GET, prices("GetPrice")), (GET, more("GetOrder")))
    files = grpc.proto_files(pairs, comment=lambda operation: (f"is {operation.name}",))
    assert [(file.path, [service.name for service in file.services]) for file in files] == [
        (path, ["orders.v1.Orders", "orders.v1.More"]),
        (None, ["prices.v1.Prices"]),
    ]
    assert files[0].services[0].rpcs[0].comment == ("is place_order",)
