"""Health, and the way down."""

import asyncio
import errno

import grpc as grpcio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hardy.core import Exposed, Unavailable
from hardy.server import AddressInUse
from hardy.transport import grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


@pytest.fixture
async def health(transport):
    async with grpcio.aio.insecure_channel(transport.target) as channel:
        yield health_pb2_grpc.HealthStub(channel)


def asked(service=""):
    return health_pb2.HealthCheckRequest(service=service)


async def test_health_answers_for_the_server_and_each_service(health):
    assert (await health.Check(asked())).status == SERVING
    assert (await health.Check(asked("shop.v1.Shop"))).status == SERVING
    with pytest.raises(grpcio.aio.AioRpcError) as caught:
        await health.Check(asked("nobody.v1.Nobody"))
    assert caught.value.code() is grpcio.StatusCode.NOT_FOUND


async def test_health_lists_every_service(health):
    statuses = (await health.List(health_pb2.HealthListRequest())).statuses
    assert {name: answer.status for name, answer in statuses.items()} == {"": SERVING, "shop.v1.Shop": SERVING}


async def test_winding_down_turns_health_and_serves_on(transport, health, caller):
    transport.wind_down()
    assert (await health.Check(asked())).status == NOT_SERVING
    assert (await health.Check(asked("shop.v1.Shop"))).status == NOT_SERVING
    assert await caller.call("ping") is None


async def test_health_follows_readiness(transport, health):
    transport.set_serving(False)
    assert (await health.Check(asked())).status == NOT_SERVING
    transport.set_serving(True)
    assert (await health.Check(asked())).status == SERVING


async def test_a_watcher_is_told_every_change_and_ends_with_the_server(transport, health):
    watch = health.Watch(asked("shop.v1.Shop"))
    assert (await watch.read()).status == SERVING
    transport.set_serving(False)
    assert (await watch.read()).status == NOT_SERVING
    async with asyncio.timeout(5):
        await transport.stop(60)
    with pytest.raises(grpcio.aio.AioRpcError) as caught:
        while await watch.read() is not grpcio.aio.EOF:
            pass
    assert caught.value.code() is grpcio.StatusCode.UNAVAILABLE


async def test_a_watcher_of_an_unknown_service_is_told_so(health):
    watch = health.Watch(asked("nobody.v1.Nobody"))
    assert (await watch.read()).status == UNKNOWN
    watch.cancel()


async def test_calls_in_flight_finish_while_new_ones_are_refused(transport, caller, shop):
    waiting = asyncio.ensure_future(caller.call("wait"))
    await shop.started.wait()
    transport.stop_accepting()
    stopping = asyncio.ensure_future(transport.stop(10))
    with pytest.raises(Unavailable):
        while True:  # until GOAWAY has arrived and the next connection is refused
            await caller.call("ping")
    assert not waiting.done()
    shop.gate.set()
    assert await waiting == "done"
    async with asyncio.timeout(5):
        await stopping


async def test_a_call_that_comes_too_late_is_told_unavailable_and_nothing_else(transport, caller):
    async def hammer():
        while True:
            await caller.call("ping")

    hammers = [asyncio.ensure_future(hammer()) for _ in range(16)]
    while transport.statistics().started < 100:
        await asyncio.sleep(0)
    await transport.stop(5)
    ends = await asyncio.gather(*hammers, return_exceptions=True)
    assert {type(end) for end in ends} == {Unavailable}


async def test_a_call_that_does_not_end_in_time_is_told_unavailable(transport, caller, shop):
    waiting = asyncio.ensure_future(caller.call("wait"))
    await shop.started.wait()
    await transport.stop(0.05)
    with pytest.raises(Unavailable, match="the service is stopping"):
        await waiting
    assert shop.ends == ["cancelled"]


async def test_a_call_without_its_client_is_waited_for(transport, caller, shop):
    waiting = asyncio.ensure_future(caller.call("wait_on"))
    await shop.started.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    stopping = asyncio.ensure_future(transport.stop(10))
    await asyncio.sleep(0)
    shop.gate.set()
    await stopping
    assert shop.ends == ["finished"]


async def test_a_refused_call_is_over_before_the_server_is(transport, caller, shop, words):
    # grpc#37239: what ended by `context.abort` is not waited for.
    calls = [asyncio.ensure_future(caller.call("place_order", sku="gold", quantity=1)) for _ in range(20)]
    while transport.statistics().started < 20:
        await asyncio.sleep(0)
    await transport.stop(10)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(answer) for answer in answers} == {words["OutOfStock"]}


async def test_stopping_twice_is_stopping_once(transport):
    await transport.stop(1)
    await transport.stop(1)


async def test_an_address_in_use_is_told(shop, transport, capfd, contracts):
    with pytest.raises(AddressInUse) as caught:
        async with grpc.Transport(shop.exposed(), contracts=contracts, port=transport.port):
            pass
    assert (caught.value.errno, caught.value.port) == (errno.EADDRINUSE, transport.port)
    assert capfd.readouterr().err == ""


async def test_a_shared_address_goes_from_one_process_to_the_next(shop, contracts):
    exposed = shop.exposed()
    ping = next(each for each in exposed if each.operation.name == "ping")
    async with (
        grpc.Transport(exposed, contracts=contracts, shared=True) as first,
        grpc.Transport(exposed, contracts=contracts, port=first.port, shared=True) as second,
    ):
        assert second.port == first.port
        await first.stop()
        async with grpc.GrpcClient(second.target, exposed, contracts=contracts) as client:
            await client.call(ping.binding, ping.operation, ping.operation.message())
        assert second.statistics().started == 1


async def test_an_address_of_another_machine_is_refused_with_its_true_reason(shop, contracts):
    with pytest.raises(OSError) as caught:
        async with grpc.Transport(shop.exposed(), contracts=contracts, host="192.0.2.1"):
            pass
    assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_the_port_is_known_only_while_it_listens(shop, contracts):
    transport = grpc.Transport(shop.exposed(), contracts=contracts)
    with pytest.raises(RuntimeError, match="does not listen yet"):
        _ = transport.port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::1", "::"])
async def test_it_listens_on_any_kind_of_address(shop, host, contracts):
    exposed = shop.exposed()
    ping = next(each for each in exposed if each.operation.name == "ping")
    peers = []

    async def handler(call):
        peers.append(call.peer)
        return await ping.handler(call)

    exposed[exposed.index(ping)] = Exposed(ping.operation, ping.binding, handler)
    async with (
        grpc.Transport(exposed, contracts=contracts, host=host) as transport,
        grpc.GrpcClient(transport.target, exposed, contracts=contracts) as client,
    ):
        assert await client.call(ping.binding, ping.operation, ping.operation.message()) is None
        [peer] = peers
    assert peer.rpartition(":")[0] == ("[::1]" if ":" in host else peer.rpartition(":")[0])
    assert "%" not in peer
