"""Every byte is limited."""

import grpc as grpcio
import pytest

from hardy.core import ResourceExhausted
from hardy.transport import grpc


async def test_a_message_beyond_the_limit_is_refused(caller):
    with pytest.raises(ResourceExhausted, match="larger than max"):
        await caller.call("place_order", sku="x" * 2**20, quantity=1)
    assert await caller.call("ping") is None


async def test_a_message_within_the_limit_passes(caller):
    sku = "x" * (2**20 - 100)
    assert (await caller.call("place_order", sku=sku, quantity=1)).sku == sku


async def test_a_reply_beyond_the_limit_fails_where_it_can_still_roll_back(caller):
    with pytest.raises(ResourceExhausted, match="reply is larger than 1048576 bytes"):
        await caller.call("big", size=2**20)


async def test_an_item_beyond_the_limit_ends_the_stream(caller):
    with pytest.raises(ResourceExhausted, match="reply is larger"):
        async for _ in caller.stream("count", upto=2, bytes_each=2**20):
            pass


async def test_an_item_sent_beyond_the_limit_ends_the_call(caller, shop, words):
    async def items():
        yield words["Item"](number=1)
        yield words["Item"](number=2, padding="x" * 2**20)
        yield words["Item"](number=3)

    with pytest.raises(ResourceExhausted):
        await caller.call("sum_up", items())
    assert shop.committed == 0


async def test_a_client_has_a_limit_of_its_own(shop, transport, contracts):
    exposed = shop.exposed()
    big = next(each for each in exposed if each.operation.name == "big")
    async with grpc.GrpcClient(transport.target, exposed, contracts=contracts, max_message=1000) as client:
        with pytest.raises(ResourceExhausted):
            await client.call(big.binding, big.operation, big.operation.message(size=2000))


async def test_too_much_metadata_is_refused(caller):
    with pytest.raises(ResourceExhausted):
        await caller.call("ping", metadata={"x-long": "x" * 100_000})


async def test_a_message_that_grows_when_it_is_unpacked_is_refused(transport, contracts, words):
    place = contracts.methods()["/shop.v1.Shop/PlaceOrder"]
    bomb = place.message.encode(words["PlaceOrder"](sku="x" * 32 * 2**20, quantity=1))
    async with grpcio.aio.insecure_channel(transport.target, compression=grpcio.Compression.Gzip) as channel:
        with pytest.raises(grpcio.aio.AioRpcError) as caught:
            await channel.unary_unary(place.path)(bomb)
    assert caught.value.code() is grpcio.StatusCode.RESOURCE_EXHAUSTED
