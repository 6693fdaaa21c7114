"""Clients hardy did not write: a stub that protoc made of the generated .proto, and ``buf curl``."""

import asyncio
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grpc as grpcio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from hardy.core import FailedPrecondition

DETAILS = "grpc-status-details-bin"
BUF = shutil.which("buf", path=str(Path(sys.executable).parent))


@pytest.fixture(scope="session")
def proto_folder(contracts, tmp_path_factory):
    """The generated .proto, where an import of its package looks for it."""
    folder = tmp_path_factory.mktemp("foreign")
    file = folder / "shop" / "v1" / "shop.proto"
    file.parent.mkdir(parents=True)
    [contract] = contracts
    file.write_text(contract.text())
    return folder


@pytest.fixture(scope="session")
def stub_program(proto_folder):
    """What a foreign client sees of the shop: protoc's output, in a process of its own."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{proto_folder}",
            f"--python_out={proto_folder}",
            f"--grpc_python_out={proto_folder}",
            "shop/v1/shop.proto",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return proto_folder


@pytest.fixture
def foreign(stub_program, monkeypatch):
    """The module of messages and the module of the stub."""
    monkeypatch.syspath_prepend(str(stub_program))
    messages = importlib.import_module("shop.v1.shop_pb2")
    yield messages, importlib.import_module("shop.v1.shop_pb2_grpc")
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.fixture
async def stub(foreign, transport):
    async with grpcio.aio.insecure_channel(transport.target) as channel:
        yield foreign[1].ShopStub(channel)


async def test_a_foreign_stub_makes_a_unary_call(stub, foreign):
    messages, _ = foreign
    order = await stub.PlaceOrder(messages.PlaceOrder(sku="tea", quantity=2))
    assert (order.id, order.sku, order.quantity) == ("1", "tea", 2)


async def test_a_foreign_stub_reads_a_stream(stub, foreign):
    messages, _ = foreign
    assert [item.number async for item in stub.Count(messages.Count(upto=3))] == [0, 1, 2]


async def test_a_foreign_stub_sends_a_stream(stub, foreign):
    messages, _ = foreign

    async def items():
        for number in range(1, 5):
            yield messages.Item(number=number)

    assert (await stub.SumUp(items())).value == 10


async def test_a_foreign_stub_speaks_both_ways(stub, foreign):
    messages, _ = foreign
    both = stub.Double()
    for number in (1, 2):
        await both.write(messages.Item(number=number))
        assert (await both.read()).number == number * 2
    await both.done_writing()
    assert await both.read() is grpcio.aio.EOF


async def test_a_foreign_stub_reads_the_standard_error_details(stub, foreign):
    messages, _ = foreign
    with pytest.raises(grpcio.aio.AioRpcError) as caught:
        await stub.PlaceOrder(messages.PlaceOrder(sku="gold", quantity=1))
    assert (caught.value.code(), caught.value.details()) == (grpcio.StatusCode.FAILED_PRECONDITION, "sold out")
    status = status_pb2.Status.FromString(dict(caught.value.trailing_metadata())[DETAILS])
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert any(each.Unpack(info) for each in status.details)
    assert any(each.Unpack(retry) for each in status.details)
    assert (info.reason, info.domain) == ("OUT_OF_STOCK", "shop.v1.Shop")
    assert dict(info.metadata) == {"sku": "gold", "left": "0", "text": '"0"', "parts": '["a",1]', "none": "null"}
    assert retry.retry_delay.ToMilliseconds() == 1500


async def test_a_foreign_stub_is_told_every_fault(stub, foreign):
    messages, _ = foreign
    with pytest.raises(grpcio.aio.AioRpcError) as caught:
        await stub.PlaceOrder(messages.PlaceOrder())
    status = status_pb2.Status.FromString(dict(caught.value.trailing_metadata())[DETAILS])
    bad = error_details_pb2.BadRequest()
    assert any(each.Unpack(bad) for each in status.details)
    assert sorted(each.field for each in bad.field_violations) == ["/quantity", "/sku"]


async def test_a_client_that_blocks_threads_is_served_too(foreign, transport):
    messages, stubs = foreign

    def call():
        with grpcio.insecure_channel(transport.target) as channel:
            return stubs.ShopStub(channel).PlaceOrder(messages.PlaceOrder(sku="tea", quantity=2), timeout=5)

    assert (await asyncio.to_thread(call)).sku == "tea"


async def test_a_service_that_hardy_did_not_write_raises_the_same_errors(shop, contracts, words):
    # Plain grpcio with grpcio-status: no request id, no hardy.
    from google.protobuf import any_pb2

    from hardy.transport import grpc

    async def place(data, context):
        packed = any_pb2.Any()
        info = error_details_pb2.ErrorInfo(reason="OUT_OF_STOCK", domain="elsewhere", metadata={"sku": "gold"})
        packed.Pack(info)
        status = status_pb2.Status(code=9, message="none left", details=[packed])
        await context.abort_with_status(rpc_status.to_status(status))

    server = grpcio.aio.server()
    handler = grpcio.unary_unary_rpc_method_handler(place)
    server.add_generic_rpc_handlers((grpcio.method_handlers_generic_handler("shop.v1.Shop", {"PlaceOrder": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    exposed = shop.exposed()
    each = next(each for each in exposed if each.operation.name == "place_order")
    async with grpc.GrpcClient(f"127.0.0.1:{port}", exposed, contracts=contracts) as client:
        message = words["PlaceOrder"](sku="gold", quantity=1)
        with pytest.raises(FailedPrecondition) as caught:
            await client.call(each.binding, each.operation, message)
    await server.stop(None)
    assert type(caught.value) is words["OutOfStock"]
    assert (caught.value.message, caught.value.details) == ("none left", {"sku": "gold"})


async def buf(*arguments, data=None):
    assert BUF, "buf is missing: uv sync --group test"
    process = await asyncio.create_subprocess_exec(
        BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *arguments,
        *(("-d", data) if data is not None else ()),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_buf_curl_calls_by_reflection(transport):
    url = f"http://{transport.target}/shop.v1.Shop/PlaceOrder"
    code, out, err = await buf(url, data='{"sku": "tea", "quantity": 2}')
    assert code == 0, err
    assert json.loads(out) == {"id": "1", "sku": "tea", "quantity": "2", "size": "SIZE_SMALL"}


async def test_buf_curl_calls_by_the_checked_in_file(transport, proto_folder):
    url = f"http://{transport.target}/shop.v1.Shop/Count"
    code, out, err = await buf("--schema", str(proto_folder), url, data='{"upto": 2}')
    assert code == 0, err
    assert re.findall(r'"number": *"(\d+)"', out) == ["0", "1"]


async def test_buf_curl_shows_an_error_with_its_details(transport):
    url = f"http://{transport.target}/shop.v1.Shop/PlaceOrder"
    code, _, err = await buf(url, data='{"sku": "gold", "quantity": 1}')
    answer = json.loads(err)
    assert code != 0
    assert (answer["code"], answer["message"]) == ("failed_precondition", "sold out")
    assert [each["type"].rpartition(".")[2] for each in answer["details"]] == ["ErrorInfo", "RetryInfo", "RequestInfo"]


async def test_buf_curl_lists_the_methods(transport):
    code, out, err = await buf("--list-methods", f"http://{transport.target}")
    assert code == 0, err
    assert {"shop.v1.Shop/PlaceOrder", "shop.v1.Shop/Double", "grpc.health.v1.Health/Check"} <= set(out.split())
