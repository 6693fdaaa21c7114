"""Calls that come again, over real sockets, on every store: one effect each, and the same answer."""

import asyncio
from contextlib import AsyncExitStack

import pytest

KEYS = [pytest.param(20, id="twenty keys"), pytest.param(1000, id="a thousand keys", marks=pytest.mark.slow)]
CALLERS = 100


async def insist(caller, key, **message):
    """Call until the answer is one; return it and how often it was told to come back."""
    refused, pause = 0, 0.02
    async with asyncio.timeout(60):
        while (answer := await caller.pay(key, **message)).status == 409:
            refused += 1
            await asyncio.sleep(pause)
            pause = min(0.5, 2 * pause)  # a hundred that come back at once keep the first from ending
    return answer, refused


@pytest.mark.timeout(600)
@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("transport", ["http", "grpc"])
async def test_a_hundred_identical_calls_at_once_have_one_effect(tills, transport, keys):
    if transport == "grpc":
        keys = max(5, keys // 10)  # each call costs ten times as much as one by HTTP
    async with AsyncExitStack() as stack:
        if transport == "http":
            callers = [await stack.enter_async_context(tills.http(number)) for number in range(CALLERS)]
        else:
            channels = [await stack.enter_async_context(tills.grpc(number)) for number in range(2)]
            callers = [channels[number % 2] for number in range(CALLERS)]
        conflicts = 0
        for key in range(keys):
            answers = await asyncio.gather(*[insist(each, f"key-{key}", amount=key) for each in callers])
            assert {answer.status for answer, _ in answers} == {201}
            assert len({answer.body for answer, _ in answers}) == 1
            assert len({tuple(answer.told.items()) for answer, _ in answers}) == 1
            assert sum(not answer.replayed for answer, _ in answers) == 1
            conflicts += sum(refused for _, refused in answers)
    assert await tills.payments() == keys
    assert conflicts > 0


@pytest.mark.parametrize("transport", ["http", "grpc"])
async def test_the_answers_of_the_standard(tills, transport):
    async with getattr(tills, transport)() as caller:
        first = await caller.pay("k", amount=5)
        again = await caller.pay('"k"', amount=5)
        other = await caller.pay("k", amount=6)
        missing = await caller.pay(None, amount=5)
        malformed = await caller.pay("a b", amount=5)
    assert (first.status, again.status, again.body, again.told) == (201, 201, first.body, first.told)
    assert (first.replayed, again.replayed) == (False, True)
    assert other.status == (422 if transport == "http" else 400)
    assert (missing.status, malformed.status) == (400, 400)
    assert await tills.payments() == 1
    if transport == "http":
        assert first.headers["location"].startswith("/payments/")
        assert first.headers["etag"] == '"1"'
        assert [
            b'"reason":"' + reason in answer.body
            for answer, reason in [
                (other, b"idempotency_key_reused"),
                (missing, b"idempotency_key_missing"),
                (malformed, b"idempotency_key_malformed"),
            ]
        ] == [True] * 3


async def test_one_key_by_both_transports_is_one_call(tills):
    async with tills.http() as http, tills.grpc() as grpc:
        by_http = await http.pay("one", amount=5)
        by_grpc = await grpc.pay("one", amount=5)
        again = await http.pay("one", amount=5)
        of_grpc = await grpc.pay("two", amount=6)
        as_http = await http.pay("two", amount=6)
        same = await grpc.pay("two", amount=6)
    assert (by_grpc.replayed, again.body, again.told) == (True, by_http.body, by_http.told)
    assert (as_http.replayed, as_http.told["location"].startswith("/payments/"), same.body) == (
        True,
        True,
        of_grpc.body,
    )
    assert await tills.payments() == 2


async def test_an_error_of_the_operations_own_is_answered_again_and_has_no_effect(tills):
    async with tills.http() as caller, tills.http(1) as other:
        first = await caller.pay("k", amount=5, note="broke")
        again = await other.pay("k", amount=5, note="broke")
    assert (first.status, again.status, first.replayed, again.replayed) == (409, 409, False, True)
    assert b'"reason":"broke"' in again.body
    assert await tills.payments() == 0


async def test_what_is_refused_before_it_is_carried_out_uses_no_key_up(tills):
    async with tills.http() as caller:
        assert (await caller.pay("k", amount="five")).status == 422
        assert (await caller.pay("k", amount=5)).status == 201
