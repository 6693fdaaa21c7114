"""Every code and every detail, both ways."""

import logging

import pytest
from google.rpc import error_details_pb2, status_pb2

from hardy.core import CANONICAL, Code, Exposed, Internal, InvalidMessage, NotFound, Operation, Unimplemented, Unknown
from hardy.transport import grpc

DETAILS = "grpc-status-details-bin"


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name.lower())
async def test_every_code_comes_back_as_its_class_with_its_details(caller, code):
    with pytest.raises(CANONICAL[code]) as caught:
        await caller.call("fail", code=code.name)
    error = caught.value
    assert (type(error), error.message, error.reason) == (CANONICAL[code], "told to", None)
    assert error.details == {"name": code.name, "number": 7, "text": "7", "flag": True, "word": "true"}


async def test_an_error_of_the_service_comes_back_as_the_same_class(caller, words):
    with pytest.raises(words["OutOfStock"]) as caught:
        await caller.call("place_order", sku="gold", quantity=1)
    error = caught.value
    assert (error.message, error.retry_after, error.reason) == ("sold out", 1.5, "out_of_stock")
    assert error.details == {"sku": "gold", "left": 0, "text": "0", "parts": ["a", 1], "none": None}


async def test_a_message_that_breaks_its_rules_is_answered_with_every_fault(caller):
    with pytest.raises(InvalidMessage) as caught:
        await caller.call("place_order", sku="", quantity=0)
    assert sorted(fault.pointer for fault in caught.value.faults) == ["/quantity", "/sku"]


async def test_bytes_that_are_no_message_are_malformed(caller, transport):
    import grpc as grpcio

    async with grpcio.aio.insecure_channel(transport.target) as channel:
        with pytest.raises(grpcio.aio.AioRpcError) as caught:
            await channel.unary_unary("/shop.v1.Shop/PlaceOrder")(b"\xff\xff\xff")
    assert caught.value.code() is grpcio.StatusCode.INVALID_ARGUMENT
    info = error_details_pb2.ErrorInfo()
    status = status_pb2.Status.FromString(dict(caught.value.trailing_metadata())[DETAILS])
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("MALFORMED", "shop.v1.Shop")


async def test_a_message_that_cannot_be_sent_is_refused_before_it_is(caller, shop):
    with pytest.raises(InvalidMessage) as caught:
        await caller.call("place_order", sku="tea", quantity=2**63)
    assert [fault.pointer for fault in caught.value.faults] == ["/quantity"]


async def test_a_defect_is_internal_and_says_nothing_but_the_call_id(caller, shop):
    with pytest.raises(Internal) as caught:
        await caller.call("get_order", order_id="defect", metadata={"x-request-id": "call-7"})
    assert (caught.value.message, caught.value.details) == ("internal error", {})


@pytest.mark.parametrize("kind", ["place_order", "count"])
async def test_not_even_a_base_exception_leaves_the_caller_waiting(shop, contracts, make_caller, kind):
    class Odd(BaseException):
        pass

    async def handler(call):
        raise Odd

    exposed = [Exposed(each.operation, each.binding, handler) for each in shop.exposed()]
    async with (
        grpc.Transport(exposed, contracts=contracts) as transport,
        grpc.GrpcClient(transport.target, exposed, contracts=contracts) as client,
    ):
        caller = make_caller(client, exposed)
        with pytest.raises(Internal, match="internal error"):
            if kind == "count":
                [item async for item in caller.stream("count", upto=1)]
            else:
                await caller.call("place_order", sku="tea", quantity=1)


async def test_a_method_that_is_not_there_is_unimplemented(transport):
    import grpc as grpcio

    async with grpcio.aio.insecure_channel(transport.target) as channel:
        for path in ("/shop.v1.Shop/Nothing", "/nobody.v1.Nobody/Nothing"):
            with pytest.raises(grpcio.aio.AioRpcError) as caught:
                await channel.unary_unary(path)(b"")
            assert caught.value.code() is grpcio.StatusCode.UNIMPLEMENTED
            assert path in caught.value.details()


async def test_a_client_that_names_another_service_is_told_unimplemented(shop, transport, words):
    async def nothing() -> None: ...

    operation, method = Operation.of(nothing), grpc.service("other.v1.Other")("Nothing")
    exposed = [Exposed(operation, method, lambda call: None)]
    async with grpc.GrpcClient(transport.target, exposed, environment="dev") as client:
        with pytest.raises(Unimplemented):
            await client.call(method, operation, operation.message())


async def test_a_reply_that_cannot_be_read_is_not_the_callers_fault(shop, transport):
    async def ping(number: int = 1) -> int: ...

    exposed = shop.exposed()
    method = next(each.binding for each in exposed if each.operation.name == "ping")
    operation = Operation.of(ping)
    async with grpc.GrpcClient(
        transport.target, [Exposed(operation, method, lambda call: None)], environment="dev"
    ) as client:
        with pytest.raises(Unknown, match="cannot be read"):
            await client.call(method, operation, operation.message())


async def test_more_faults_than_fit_are_counted(shop, transport):
    import grpc as grpcio

    from hardy.core import Fault
    from hardy.transport.grpc._status import BUDGET, error_of, status_of

    faults = [Fault(f"/items/{n}/quantity", "must be at least 1") for n in range(100)]
    status = status_of(InvalidMessage(faults), domain="shop.v1.Shop", call_id="1")
    assert len(status) <= BUDGET
    error = error_of(grpcio.StatusCode.INVALID_ARGUMENT, "", status, ())
    kept = len(error.faults) - 1
    assert kept > 30
    assert error.faults[-1] == Fault("", f"and {100 - kept} more")
    assert list(error.faults[:kept]) == faults[:kept]


async def test_metadata_reaches_the_call_in_lower_case_with_bytes_as_base64(caller, shop):
    with pytest.raises(NotFound):
        await caller.call("get_order", order_id="1", metadata={"X-Tenant": "acme", "trace-bin": "AAE="})
    metadata = shop.calls[0].metadata
    assert (metadata["x-tenant"], metadata["trace-bin"]) == ("acme", "AAE=")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("call-7_a.B", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("a/b", False)],
    ids=["plain", "longest", "too long", "space", "slash"],
)
async def test_the_callers_request_id_is_kept_when_it_is_fit_for_logs(transport, given, kept):
    import grpc as grpcio

    async with grpcio.aio.insecure_channel(transport.target) as channel:
        call = channel.unary_unary("/shop.v1.Shop/Ping")(b"", metadata=(("x-request-id", given),))
        await call
        answered = dict(await call.trailing_metadata())["x-request-id"]
    assert (answered == given) is kept


async def test_a_failed_call_names_its_id_too(transport):
    import grpc as grpcio

    async with grpcio.aio.insecure_channel(transport.target) as channel:
        with pytest.raises(grpcio.aio.AioRpcError) as caught:
            await channel.unary_unary("/shop.v1.Shop/PlaceOrder")(b"\xff", metadata=(("x-request-id", "seven"),))
    trailing = dict(caught.value.trailing_metadata())
    assert trailing["x-request-id"] == "seven"
    info = error_details_pb2.RequestInfo()
    assert any(each.Unpack(info) for each in status_pb2.Status.FromString(trailing[DETAILS]).details)
    assert info.request_id == "seven"


async def test_grpcio_logs_no_error_for_a_call_that_is_refused(caller, words, caplog):
    with caplog.at_level(logging.WARNING), pytest.raises(words["OutOfStock"]):
        await caller.call("place_order", sku="gold", quantity=1)
    assert caplog.records == []
