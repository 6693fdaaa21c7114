"""The same on asyncio's own loop and on uvloop, one loop after the other in one process."""

import asyncio
import gc
import warnings

import pytest
import uvloop

from hardy.transport import grpc

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


async def session(make_shop, contracts, words):
    shop = make_shop()
    exposed = shop.exposed()
    known = {each.operation.name: each for each in exposed}

    async def numbers():
        for number in range(5):
            yield words["Item"](number=number)

    async with (
        grpc.Transport(exposed, contracts=contracts, reflection=True) as transport,
        grpc.GrpcClient(transport.target, exposed, contracts=contracts) as client,
    ):

        def call(name, message):
            return client.call(known[name].binding, known[name].operation, message)

        count, double = known["count"], known["double"]
        down = client.stream(count.binding, count.operation, words["Count"](upto=3))
        both = client.stream(double.binding, double.operation, numbers())
        return (
            (await call("place_order", words["PlaceOrder"](sku="tea", quantity=1))).sku,
            [item.number async for item in down],
            await call("sum_up", numbers()),
            [item.number async for item in both],
            transport.statistics(),
        )


@pytest.mark.parametrize("name", [*LOOPS])
def test_every_kind_works_and_nothing_is_left_behind(name, shop_class, contracts, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
            answers = runner.run(session(shop_class, contracts, words))
            left = runner.run(others())
        gc.collect()
    assert answers[:4] == ("tea", [0, 1, 2], 10, [0, 2, 4, 6, 8])
    assert answers[4] == grpc.TransportStatistics(now=0, started=4)
    assert left == 0


async def others():
    return len(asyncio.all_tasks()) - 1
