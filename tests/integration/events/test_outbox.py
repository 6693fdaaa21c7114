"""The outbox on real databases: kept with the transaction, sent once, in order, retried, given up, replayed."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from event_sink import AT_ONCE, COUNTED, Counted, Sink
from hardy.adapters.sql.outbox import Outbox, OutboxSettings
from hardy.cache import LeadershipGained, MemoryLock
from hardy.core import InvalidArgument, Notices, PermissionDenied, Unavailable
from hardy.messaging import EventDied, PublisherBack, PublisherLost, Retry

BY_HAND = OutboxSettings(relay=False)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def open_outbox(database, sink):
    """Open a database and an outbox on it that hands events to the sink."""

    @asynccontextmanager
    async def open_outbox(settings=BY_HAND, *, retry=AT_ONCE, tables=True, notices=None, lock=None):
        async with database(tables=tables) as opened:
            outbox = Outbox({Counted: COUNTED}, settings, retry=retry)
            outbox.wire(database=opened, publisher=sink, notices=notices, lock=lock)
            async with outbox:
                yield opened, outbox

    return open_outbox


async def say(database, outbox, *events) -> None:
    async with database.transaction() as session:
        await outbox.events(session).publish(*events)


async def test_what_was_committed_is_sent_and_what_was_undone_is_not(open_outbox, sink):
    async with open_outbox() as (database, outbox):
        await say(database, outbox, Counted("a", 1))
        with pytest.raises(RuntimeError, match="no"):
            async with database.transaction() as session:
                await outbox.events(session).publish(Counted("a", 2))
                raise RuntimeError("no")
        assert await outbox.flush() == 1
        assert await outbox.flush() == 0
    assert sink.taken == [("a", 1)]


async def test_events_of_a_key_are_sent_in_order(open_outbox, sink):
    async with open_outbox(OutboxSettings(relay=False, batch=7)) as (database, outbox):
        for n in range(40):
            await say(database, outbox, *(Counted(key, n) for key in "abc"))
        assert await outbox.flush() == 120
    assert sink.by_key == {key: list(range(40)) for key in "abc"}


async def test_a_background_relay_is_woken_by_the_commit(open_outbox, sink):
    async with open_outbox(OutboxSettings(poll=3600)) as (database, outbox):
        await say(database, outbox, Counted("a", 1))
        async with asyncio.timeout(20):
            while not sink.taken:
                await asyncio.sleep(0.005)
        await outbox.drain()
        assert outbox.statistics().sent == 1


async def test_what_a_relay_did_not_send_the_next_one_does(open_outbox, sink):
    async with open_outbox() as (database, outbox):
        await say(database, outbox, Counted("a", 1))
    async with open_outbox(OutboxSettings(poll=0.01), tables=False):
        async with asyncio.timeout(20):
            while not sink.taken:
                await asyncio.sleep(0.005)


async def test_an_event_that_fails_holds_its_key_back_and_no_other(open_outbox, sink):
    sink.refuse["a", 2] = Unavailable("not now")
    retry = Retry(first=3600, most=3600)
    async with open_outbox(retry=retry) as (database, outbox):
        await say(database, outbox, *(Counted(key, n) for n in (1, 2, 3) for key in "ab"))
        await outbox.flush()
        assert sink.by_key == {"a": [1], "b": [1, 2, 3]}
        await say(database, outbox, Counted("a", 4), Counted("b", 4))
        await outbox.flush()
    assert sink.by_key == {"a": [1], "b": [1, 2, 3, 4]}


async def test_an_event_that_failed_is_tried_again_and_then_those_behind_it(open_outbox, sink):
    sink.refuse_once["a", 2] = Unavailable("not now")
    async with open_outbox() as (database, outbox):
        await say(database, outbox, *(Counted("a", n) for n in (1, 2, 3)))
        await outbox.flush()
        assert outbox.statistics().retried == 1
    assert sink.by_key == {"a": [1, 2, 3]}


async def test_what_is_refused_too_often_is_a_dead_letter_that_holds_its_key(open_outbox, sink):
    told = []
    notices = Notices()
    notices.listen(told.append, EventDied)
    sink.refuse["a", 1] = PermissionDenied("not allowed")
    async with open_outbox(notices=notices) as (database, outbox):
        await say(database, outbox, Counted("a", 1), Counted("a", 2), Counted("b", 1))
        await outbox.flush()
        assert sink.by_key == {"b": [1]}
        [letter] = await outbox.dead_letters()
        assert (letter.key, letter.attempts, letter.group) == ("a", 3, "outbox")
        assert "not allowed" in letter.reason
        assert [each.id for each in told] == [letter.id]
        sink.refuse.clear()
        assert await outbox.replay(letter.id) == 1
        await outbox.flush()
        assert await outbox.dead_letters() == []
    assert sink.by_key == {"a": [1, 2], "b": [1]}


async def test_a_dead_letter_that_is_discarded_lets_its_key_go_on(open_outbox, sink):
    sink.refuse["a", 1] = InvalidArgument("too large")
    async with open_outbox() as (database, outbox):
        await say(database, outbox, Counted("a", 1), Counted("a", 2))
        await outbox.flush()
        [letter] = await outbox.dead_letters()
        assert letter.attempts == 1
        assert await outbox.discard(letter.id) == 1
        await outbox.flush()
    assert sink.by_key == {"a": [2]}


async def test_where_the_policy_says_skip_a_dead_letter_holds_nothing(open_outbox, sink):
    sink.refuse["a", 1] = InvalidArgument("too large")
    async with open_outbox(OutboxSettings(relay=False, on_dead="skip")) as (database, outbox):
        await say(database, outbox, Counted("a", 1), Counted("a", 2))
        await outbox.flush()
        assert sink.by_key == {"a": [2]}
        sink.refuse.clear()
        assert await outbox.replay() == 1
        await outbox.flush()
    assert sink.by_key == {"a": [2, 1]}


async def test_while_the_broker_is_away_nothing_is_counted_against_the_events(open_outbox, sink):
    told = []
    notices = Notices()
    notices.listen(told.append, PublisherLost, PublisherBack)
    sink.down = True
    async with open_outbox(notices=notices) as (database, outbox):
        await say(database, outbox, Counted("a", 1), Counted("a", 2))
        for _ in range(10):
            assert await outbox.flush() == 0
        assert await outbox.dead_letters() == []
        sink.down = False
        assert await outbox.flush() == 2
    assert sink.by_key == {"a": [1, 2]}
    assert {type(each) for each in told} == {PublisherLost, PublisherBack}


async def test_a_broker_that_is_slower_than_a_lease_gets_everything_all_the_same(open_outbox, sink):
    class Slow(Sink):
        async def publish(self, envelopes, /) -> None:
            for each in envelopes:
                await asyncio.sleep(0.02)
                await super().publish([each])

    slow = Slow()
    async with open_outbox(OutboxSettings(relay=False, lease=0.2)) as (database, outbox):
        outbox.wire(database=database, publisher=slow)
        async with outbox:
            await say(database, outbox, *(Counted("a", n) for n in range(20)))
            async with asyncio.timeout(50):
                while len(set(slow.taken)) < 20:
                    await outbox.flush()
    assert [n for _, n in dict.fromkeys(slow.taken)] == list(range(20))


async def test_relays_share_the_work_without_reordering_a_key(open_outbox, sink):
    relays = 4
    async with open_outbox(OutboxSettings(relay=False, batch=10)) as (database, outbox):
        others = []
        for _ in range(relays - 1):
            other = Outbox({Counted: COUNTED}, OutboxSettings(relay=False, batch=10), retry=AT_ONCE)
            other.wire(database=database, publisher=sink)
            others.append(await other.__aenter__())
        for n in range(20):
            await say(database, outbox, *(Counted(f"k{key}", n) for key in range(12)))
        while len(sink.taken) < 240:
            await asyncio.gather(*(each.flush() for each in (outbox, *others)))
    assert sink.by_key == {f"k{key}": list(range(20)) for key in range(12)}
    assert len(set(sink.ids)) == len(sink.ids)


async def test_what_was_sent_is_kept_for_a_while_and_then_deleted(open_outbox):
    async with open_outbox(OutboxSettings(relay=False, keep=3600)) as (database, outbox):
        await say(database, outbox, Counted("a", 1))
        await outbox.flush()
        async with database.transaction() as session:
            assert await session.first(str, "select state from hardy_outbox") == "sent"
    async with open_outbox(OutboxSettings(relay=False, keep=0), tables=False) as (database, outbox):
        await say(database, outbox, Counted("a", 2))
        await outbox.flush()
        async with database.transaction() as session:
            assert await session.all(str, "select data from hardy_outbox where state <> 'sent'") == []
            assert await session.first(int, "select count(*) from hardy_outbox") == 1


async def kept(database) -> int:
    async with database.transaction() as session:
        return await session.first(int, "select count(*) from hardy_outbox")


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_of_several_outboxes_the_leader_deletes_what_was_sent(open_outbox, sink):
    """When it stops, the next one leads."""
    lock, notices, gained = MemoryLock(), Notices(), []
    notices.listen(gained.append, LeadershipGained)
    settings = OutboxSettings(keep=0.001)
    async with open_outbox() as (database, outbox):
        for n in range(2):
            await say(database, outbox, Counted("a", n))
        await outbox.flush()
        assert await kept(database) == 2
        first = open_outbox(settings, tables=False, notices=notices, lock=lock)
        async with AsyncExitStack() as leading:
            await leading.enter_async_context(first)
            await until(lambda: zero(database))
            async with open_outbox(settings, tables=False, notices=notices, lock=lock):
                await say(database, outbox, Counted("a", 2))
                await until(lambda: took(sink, 3))
                assert len(gained) == 1
                await leading.aclose()
                await until(lambda: zero(database))
    assert [each.name for each in gained] == [gained[0].name] * 2
    assert lock.statistics().held == 0


async def zero(database) -> bool:
    return await kept(database) == 0


class Elsewhere(MemoryLock):
    """Another replica holds every name, for good."""

    async def take(self, name, *, ttl, wait):
        await asyncio.Event().wait()


async def test_who_does_not_lead_deletes_nothing(open_outbox, sink):
    async with open_outbox() as (database, outbox):
        await say(database, outbox, Counted("a", 1))
        await outbox.flush()
    async with open_outbox(OutboxSettings(keep=0.001), tables=False, lock=Elsewhere()) as (database, outbox):
        await say(database, outbox, Counted("a", 2))
        await until(lambda: took(sink, 2))  # by a relay that looked after the house before
        assert await kept(database) == 2


async def took(sink, count) -> bool:
    return len(sink.taken) == count


async def test_an_event_without_a_topic_is_refused_with_the_remedy(open_outbox):
    @dataclass
    class Unheard:
        n: int

    async with open_outbox() as (database, outbox):
        with pytest.raises(TypeError, match=r"`Unheard` has no topic.*`Counted`"):
            await say(database, outbox, Unheard(1))
