"""Replies find those who asked, whoever leaves, is late, or lies."""

import asyncio

import pytest

from hardy.core import Call, Deadline, DeadlineExceeded, Operation, Unavailable


async def nap() -> None: ...


def task(work):
    return asyncio.ensure_future(work)


async def test_commands_of_one_turn_leave_together(redis):
    before = redis.statistics().writes
    replies = await asyncio.gather(*(redis.execute("ECHO", n) for n in range(500)))
    assert replies == [b"%d" % n for n in range(500)]
    assert redis.statistics().writes == before + 1


async def test_a_late_reply_is_skipped_and_not_mixed_up(peer, at_peer):
    late, patient = task(at_peer.execute("GET", "a", timeout=0.02)), task(at_peer.execute("GET", "b"))
    with pytest.raises(Unavailable, match="did not answer in time"):
        await late
    assert [await peer.heard(), await peer.heard()] == [[b"a"], [b"b"]]
    peer.say(b"+for a\r\n+for b\r\n")
    assert await patient == b"for b"
    assert peer.connections == 1


async def test_a_cancelled_caller_is_skipped_and_not_mixed_up(peer, at_peer):
    leaving, staying = task(at_peer.execute("GET", "a")), task(at_peer.execute("GET", "b"))
    await peer.heard()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    peer.say(b"+for a\r\n+for b\r\n")
    assert await staying == b"for b"


async def test_who_leaves_before_the_turn_ends_is_not_served_at_all(peer, at_peer):
    leaving, staying = task(at_peer.execute("GET", "a")), task(at_peer.execute("GET", "b"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await peer.heard() == [b"b"]
    peer.say(b"+for b\r\n")
    assert await staying == b"for b"


async def test_replies_in_pieces_are_put_together(peer, at_peer):
    asking = [task(at_peer.execute("GET", n)) for n in range(3)]
    for _ in asking:
        await peer.heard()
    for byte in b"$5\r\nfirst\r\n*2\r\n:1\r\n_\r\n:3\r\n":
        peer.say(bytes([byte]))
        await asyncio.sleep(0)
    assert await asyncio.gather(*asking) == [b"first", [1, None], 3]


@pytest.mark.parametrize("lie", [b"?what\r\n", b"+for b\r\n+for nobody\r\n"], ids=["no protocol", "one too many"])
async def test_a_peer_that_cannot_be_trusted_is_left(peer, at_peer, lie, until):
    asking = task(at_peer.execute("GET", "b"))
    await peer.heard()
    peer.say(lie)
    await asyncio.gather(asking, return_exceptions=True)
    await until(lambda: peer.connections == 2)
    asking = task(at_peer.execute("GET", "c"))
    await peer.heard(b"GET", b"c")
    peer.say(b"+for c\r\n")
    assert await asking == b"for c"


async def test_when_the_connection_ends_everybody_is_told_and_the_next_one_is_served(peer, at_peer, until):
    asking = [task(at_peer.execute("GET", n)) for n in range(3)]
    await peer.heard()
    peer.writers[-1].transport.abort()
    for each in asking:
        with pytest.raises(Unavailable, match="was lost"):
            await each
    await until(lambda: at_peer.statistics().connections == 2)
    asking = task(at_peer.execute("GET", "c"))
    await peer.heard(b"GET", b"c")
    peer.say(b"+for c\r\n")
    assert await asking == b"for c"


async def test_the_deadline_of_the_call_ends_its_wait_only(peer, at_peer):
    async def body(call):
        call.deadline = Deadline.after(0.02)
        return await at_peer.execute("GET", "a")

    other = task(at_peer.execute("GET", "b"))
    with pytest.raises(DeadlineExceeded):
        await Call(Operation.of(nap), "direct").run(body)
    assert not other.done()
    peer.say(b"+for a\r\n+for b\r\n")
    assert await other == b"for b"


async def test_a_command_that_may_take_long_is_waited_for(valkey_server, valkey_url, until):
    from hardy.adapters.redis import Redis, RedisSettings

    async with Redis(RedisSettings(url=valkey_url, timeout=0.1)) as redis:
        valkey_server.pause()
        asking = task(redis.execute("PING", timeout=20))
        await asyncio.sleep(0.3)  # several times what silence is given otherwise
        assert not asking.done()
        valkey_server.resume()
        assert await asking == b"PONG"
        assert redis.statistics().connections == 1


async def test_published_messages_are_no_replies(peer, at_peer):
    asking = task(at_peer.execute("GET", "a"))
    await peer.heard()
    peer.say(b">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n+for a\r\n")
    assert await asking == b"for a"


async def test_much_and_many_at_once_come_back_as_they_went(redis):
    values = {f"k{n}": bytes([n]) * 300_000 for n in range(40)}
    await asyncio.gather(*(redis.execute("SET", key, value) for key, value in values.items()))
    found = await asyncio.gather(*(redis.execute("GET", key) for key in values))
    assert found == list(values.values())


async def test_callers_that_come_and_go_at_random_get_their_own(redis):
    from random import Random

    random = Random(7)
    await redis.execute_many([("SET", f"k{n}", n) for n in range(100)])

    async def ask(n):
        assert await redis.execute("GET", f"k{n}") == b"%d" % n
        return n

    for _ in range(20):
        asking = [task(ask(n)) for n in range(100)]
        leaving = random.sample(asking, 50)
        for each in leaving:
            if random.random() < 0.3:
                await asyncio.sleep(random.choice([0, 0, 0.0005]))
            each.cancel()
        done = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(each, int | asyncio.CancelledError) for each in done)
        assert sum(isinstance(each, int) for each in done) >= 50
    assert redis.statistics().connections == 1
