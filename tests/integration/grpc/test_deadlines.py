"""Deadlines, cancellation, and clients that go away."""

import asyncio
import contextlib
import math

import pytest

from hardy.core import Call, Cancelled, DeadlineExceeded, Exposed, Operation, Unavailable
from hardy.transport import grpc


@pytest.fixture
def ends(shop):
    """What the chain saw at the end of each call."""
    return []


@pytest.fixture
async def watched(shop, ends, contracts):
    """The shop, its every chain watched from outside."""

    def watch(each):
        async def handler(call):
            try:
                return await each.handler(call)
            except BaseException as error:
                ends.append((each.operation.name, type(error).__name__, type(call.cancelled).__name__))
                raise

        return Exposed(each.operation, each.binding, handler)

    exposed = [watch(each) for each in shop.exposed()]
    async with (
        grpc.Transport(exposed, contracts=contracts) as transport,
        grpc.GrpcClient(transport.target, exposed, contracts=contracts) as client,
    ):
        yield transport, client, {each.operation.name: each for each in exposed}
        shop.gate.set()


async def call(watched, name, timeout=None):
    _, client, known = watched
    each = known[name]
    return await client.call(each.binding, each.operation, each.operation.message(), timeout=timeout)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_call_ends_at_the_clients_deadline_as_deadline_exceeded_on_both_sides(watched, shop, ends):
    with pytest.raises(DeadlineExceeded):
        await call(watched, "wait", timeout=0.1)
    await until(lambda: ends)
    assert ends == [("wait", "CancelledError", "DeadlineExceeded")]


async def test_the_deadline_is_known_to_the_call(caller, shop):
    with pytest.raises(Exception, match="no such order"):
        await caller.call("get_order", order_id="1", timeout=3)
    with pytest.raises(Exception, match="no such order"):
        await caller.call("get_order", order_id="1")
    with_deadline, without = shop.calls
    assert 2.5 < with_deadline.timeout <= 3.1
    assert without.timeout is None


async def test_the_services_own_deadline_is_answered(shop, contracts):
    exposed = shop.exposed(timeout=0.05)
    async with (
        grpc.Transport(exposed, contracts=contracts) as transport,
        grpc.GrpcClient(transport.target, exposed, contracts=contracts) as client,
    ):
        wait = next(each for each in exposed if each.operation.name == "wait")
        with pytest.raises(DeadlineExceeded, match=r"longer than 0\.05 s"):
            await client.call(wait.binding, wait.operation, wait.operation.message())


async def test_a_client_that_gives_up_cancels_the_call(watched, shop, ends):
    task = asyncio.ensure_future(call(watched, "wait"))
    await shop.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: ends)
    assert ends == [("wait", "CancelledError", "Cancelled")]
    assert shop.ends == ["cancelled"]


async def test_a_client_that_disconnects_cancels_the_call(shop, transport, contracts):
    exposed = shop.exposed()
    async with grpc.GrpcClient(transport.target, exposed, contracts=contracts) as client:
        wait = next(each for each in exposed if each.operation.name == "wait")
        task = asyncio.ensure_future(client.call(wait.binding, wait.operation, wait.operation.message()))
        await shop.started.wait()
    with pytest.raises(Cancelled, match="client was closed"):
        await task
    await asyncio.wait_for(shop.over.wait(), 5)
    assert shop.ends == ["cancelled"]


async def test_a_call_told_to_finish_goes_on_without_its_client(watched, shop, ends):
    task = asyncio.ensure_future(call(watched, "wait_on"))
    await shop.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await call(watched, "ping")  # the cancellation has arrived: what came after it was answered
    assert watched[0].statistics().now == 1
    shop.gate.set()
    await asyncio.wait_for(shop.over.wait(), 5)
    assert (shop.ends, ends) == (["finished"], [])


async def test_a_client_stream_that_is_broken_off_is_never_taken_for_whole(shop, transport, words):
    import grpc as grpcio

    async with grpcio.aio.insecure_channel(transport.target) as channel:
        method = channel.stream_unary("/shop.v1.Shop/SumUp")
        for turn in range(150):
            stream = method()
            await stream.write(b"\x08\x01")
            await asyncio.sleep(0.0005 * (turn % 4))
            stream.cancel()
        await channel.unary_unary("/shop.v1.Shop/Ping")(b"")
    await until(lambda: transport.statistics().now == 0)
    assert shop.ends
    assert shop.committed == 0


async def test_a_bidirectional_stream_that_is_broken_off_is_never_taken_for_whole(shop, transport):
    import grpc as grpcio

    async with grpcio.aio.insecure_channel(transport.target) as channel:
        method = channel.stream_stream("/shop.v1.Shop/Double")
        for _ in range(100):
            stream = method()
            await stream.write(b"\x08\x01")
            await stream.read()
            stream.cancel()
        await channel.unary_unary("/shop.v1.Shop/Ping")(b"")
    await until(lambda: transport.statistics().now == 0)
    assert shop.committed == 0


async def test_leaving_a_stream_early_stops_the_service(caller, shop, transport):
    async with contextlib.aclosing(caller.stream("count", upto=10**9)) as items:
        async for item in items:
            if item.number == 3:
                break
    await until(lambda: transport.statistics().now == 0)


async def test_a_client_that_reads_slowly_holds_the_service_back(caller, shop):
    async with contextlib.aclosing(caller.stream("count", upto=10**6, bytes_each=50_000)) as items:
        await anext(items)
        before, stalled = -1, 0
        while stalled < 20:  # it stands still, not by our clock but while other calls come and go
            stalled = stalled + 1 if shop.sent == before else 0
            before = shop.sent
            await caller.call("ping")
        assert before * 50_000 < 16 * 2**20
        assert (await anext(items)).number == 1


async def test_a_call_made_inside_another_inherits_its_deadline_and_id(caller, shop):
    seen = {}

    async def outer(call: Call) -> None:
        call.deadline = call.deadline.after(2)
        with pytest.raises(Exception, match="no such order"):
            await caller.call("get_order", order_id="1", timeout=10)
        seen["inner"] = shop.calls[0]
        call.deadline = call.deadline.after(-1)
        with pytest.raises(DeadlineExceeded, match="no time is left"):
            await caller.call("ping")

    async def use_case() -> None: ...

    await Call(Operation.of(use_case), "direct", id="outer-call").run(outer)
    assert seen["inner"].id == "outer-call"
    assert 1.5 < seen["inner"].timeout <= 2.1
    assert not math.isinf(seen["inner"].deadline.at)


async def test_a_service_that_is_not_there_is_unavailable(shop, free_port, contracts):
    exposed = shop.exposed()
    async with grpc.GrpcClient(f"127.0.0.1:{free_port}", exposed, contracts=contracts) as client:
        ping = next(each for each in exposed if each.operation.name == "ping")
        with pytest.raises(Unavailable):
            await client.call(ping.binding, ping.operation, ping.operation.message())
