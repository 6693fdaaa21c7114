"""All four kinds of method, in the user's types on both sides."""

import asyncio
import contextlib

import pytest

from hardy.core import FailedPrecondition, InvalidMessage


async def items(make, *numbers):
    for number in numbers:
        yield make(number=number)


async def test_a_unary_call_carries_message_and_reply_in_the_users_types(caller, words):
    order = await caller.call("place_order", sku="tea", quantity=2, size=words["Size"].LARGE)
    assert order == words["Order"](id="1", sku="tea", quantity=2, size=words["Size"].LARGE)


async def test_a_call_without_message_and_reply_answers_none(caller):
    assert await caller.call("ping") is None


async def test_a_reply_that_is_none_is_an_answer(caller):
    assert await caller.call("get_order", order_id="none") is None


async def test_a_server_stream_is_iterated(caller):
    numbers = [item.number async for item in caller.stream("count", upto=5)]
    assert numbers == [0, 1, 2, 3, 4]


async def test_a_stream_read_late_is_read_whole(caller):
    numbers = []
    async with contextlib.aclosing(caller.stream("count", upto=300)) as items:
        numbers.append((await anext(items)).number)
        for _ in range(20):  # the rest and the status arrive meanwhile
            await caller.call("ping")
        numbers += [item.number async for item in items]
    assert numbers == list(range(300))


async def test_a_stream_of_nothing_ends_at_once(caller):
    assert [item async for item in caller.stream("count", upto=0)] == []


async def test_an_error_after_items_ends_the_stream(caller, words):
    seen = []
    with pytest.raises(words["OutOfStock"], match="stopped") as caught:
        async for item in caller.stream("count", upto=5, fail_at=3):
            seen.append(item.number)  # noqa: PERF401  # it fails on the way
    assert (seen, caught.value.details) == ([0, 1, 2], {"number": 3})


async def test_a_client_stream_is_taken_item_by_item(caller, shop, words):
    assert await caller.call("sum_up", items(words["Item"], 1, 2, 3)) == 6
    assert (shop.imported, shop.committed) == ([1, 2, 3], 1)


async def test_a_bidirectional_stream_answers_while_it_is_sent(caller, words):
    asked: asyncio.Queue[int | None] = asyncio.Queue()

    async def questions():
        while (number := await asked.get()) is not None:
            yield words["Item"](number=number)

    async with contextlib.aclosing(caller.stream("double", questions())) as answers:
        for number in (1, 21, 300):
            asked.put_nowait(number)
            assert (await anext(answers)).number == number * 2
        asked.put_nowait(None)
        assert [each async for each in answers] == []


async def test_an_item_that_breaks_its_rules_fails_the_client_stream(caller, shop):
    # `Item.number` is an int64; the wire says a text in its place is simply absent.
    each = caller.known["sum_up"]

    class Raw:
        def encode(self, value):
            return value

    async def wrong():
        yield b""

    method = caller.client._methods[each.binding.path]
    caller.client._methods[each.binding.path] = type(method)(
        path=method.path, operation=method.operation, message=Raw(), reply=method.reply
    )
    with pytest.raises(InvalidMessage) as caught:
        await caller.call("sum_up", wrong())
    assert [fault.pointer for fault in caught.value.faults] == ["/number"]
    assert (shop.committed, shop.ends) == (0, ["InvalidMessage"])


async def test_a_service_that_answers_before_the_streams_end_is_heard(caller, words):
    sent = []

    async def endless():
        yield words["Item"](number=1000)
        while True:
            sent.append(1)
            yield words["Item"](number=1)

    for _ in range(50):
        with pytest.raises(FailedPrecondition, match="no thousand") as caught:
            await caller.call("sum_up", endless())
        assert type(caught.value) is words["OutOfStock"]


async def test_items_are_closed_when_the_call_ends_before_them(caller, words):
    closed = asyncio.Event()

    async def endless():
        try:
            yield words["Item"](number=1000)
            await asyncio.Event().wait()
        finally:
            closed.set()

    with pytest.raises(words["OutOfStock"]):
        await caller.call("sum_up", endless())
    assert closed.is_set()


async def test_an_error_among_the_items_is_the_callers_own(caller, shop, words):
    async def broken():
        yield words["Item"](number=1)
        raise RuntimeError("the file ended")

    with pytest.raises(RuntimeError, match="the file ended"):
        await caller.call("sum_up", broken())
    async with asyncio.timeout(5):
        await shop.over.wait()
    assert shop.committed == 0


async def test_an_error_among_the_items_of_a_bidirectional_stream_is_the_callers_own(caller, words):
    async def broken():
        yield words["Item"](number=1)
        raise RuntimeError("the file ended")

    with pytest.raises(RuntimeError, match="the file ended"):
        async for _ in caller.stream("double", broken()):
            pass


async def test_many_calls_at_once_keep_their_replies_apart(caller):
    replies = await asyncio.gather(*[caller.call("place_order", sku=f"sku-{n}", quantity=n + 1) for n in range(200)])
    assert [(reply.sku, reply.quantity) for reply in replies] == [(f"sku-{n}", n + 1) for n in range(200)]


async def test_a_middleware_may_answer_something_else(shop, words, contracts):
    from hardy.core import Exposed
    from hardy.transport import grpc

    exposed = shop.exposed()
    place = next(each for each in exposed if each.operation.name == "place_order")

    async def handler(call):
        reply = await place.handler(call)
        return words["Order"](id="changed", sku=reply.sku, quantity=reply.quantity)

    changed = [Exposed(each.operation, each.binding, handler if each is place else each.handler) for each in exposed]
    async with (
        grpc.Transport(changed, contracts=contracts) as transport,
        grpc.GrpcClient(transport.target, changed, contracts=contracts) as client,
    ):
        message = words["PlaceOrder"](sku="tea", quantity=1)
        reply = await client.call(place.binding, place.operation, message)
    assert reply.id == "changed"
