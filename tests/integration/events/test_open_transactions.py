"""PostgreSQL: the relay never passes a transaction that is still open, and says what that costs."""

import asyncio

import pytest

from event_sink import AT_ONCE, COUNTED, Counted, Sink
from hardy.adapters.sql.outbox import Outbox, OutboxSettings
from hardy.core import Notices
from hardy.messaging import OutboxHeldBack


@pytest.fixture
def dialect():
    return "postgres"


@pytest.fixture
async def service(database):
    sink, notices = Sink(), Notices()
    async with database() as opened:
        outbox = Outbox({Counted: COUNTED}, OutboxSettings(relay=False), retry=AT_ONCE)
        outbox.wire(database=opened, publisher=sink, notices=notices)
        async with outbox:
            yield opened, outbox, sink


async def test_what_was_committed_first_waits_for_what_was_written_first(service):
    database, outbox, sink = service
    async with database.transaction() as early:
        await outbox.events(early).publish(Counted("a", 1))
        async with database.transaction() as late:
            await outbox.events(late).publish(Counted("a", 2))
        assert await outbox.flush() == 0
    await outbox.flush()
    assert sink.by_key == {"a": [1, 2]}


async def test_an_older_transaction_that_writes_later_does_not_overtake(service):
    database, outbox, sink = service
    async with database.transaction() as older:
        await older.execute("insert into orders values (1, 'x')")  # takes its number before the other
        async with database.transaction() as younger:
            await outbox.events(younger).publish(Counted("a", 1))
            await outbox.events(older).publish(Counted("a", 2))
            await older.execute("update orders set buyer = 'y'")
            blocked = asyncio.create_task(outbox.flush())
            assert await blocked == 0
    await outbox.flush()
    assert sink.by_key == {"a": [1, 2]}


async def test_an_older_transaction_that_commits_first_does_not_overtake(service):
    database, outbox, sink = service
    younger_wrote, older_kept = asyncio.Event(), asyncio.Event()

    async def older() -> None:
        async with database.transaction() as session:
            await session.execute("insert into orders values (1, 'x')")
            young = asyncio.create_task(younger())
            await younger_wrote.wait()
            await outbox.events(session).publish(Counted("a", 2))
        older_kept.set()
        await young

    async def younger() -> None:
        async with database.transaction() as session:
            await outbox.events(session).publish(Counted("a", 1))
            younger_wrote.set()
            await older_kept.wait()
            assert await outbox.flush() == 0

    await older()
    await outbox.flush()
    assert sink.by_key == {"a": [1, 2]}


async def test_a_transaction_that_only_reads_holds_nothing_back(service):
    database, outbox, sink = service
    async with database.transaction() as reader:
        await reader.all(int, "select id from orders")
        async with database.transaction() as session:
            await outbox.events(session).publish(Counted("a", 1))
        await outbox.flush()
        assert sink.by_key == {"a": [1]}


async def test_what_was_written_while_no_relay_ran_is_not_held_back(database):
    sink, notices, held = Sink(), Notices(), []
    notices.listen(held.append, OutboxHeldBack)
    async with database() as opened:
        outbox = Outbox({Counted: COUNTED}, OutboxSettings(relay=False))
        outbox.wire(database=opened, publisher=sink)
        async with outbox, opened.transaction() as session:
            await outbox.events(session).publish(Counted("a", 1))
            await session.execute("update hardy_outbox set written = written - 3600")
        outbox = Outbox({Counted: COUNTED}, retry=AT_ONCE)
        outbox.wire(database=opened, publisher=sink, notices=notices)
        async with outbox:
            async with asyncio.timeout(20):
                while not sink.taken:
                    await asyncio.sleep(0.005)
            assert outbox.statistics().held_for == 0
    assert held == []


async def test_what_is_held_back_is_counted_and_told(database):
    sink, notices, told = Sink(), Notices(), asyncio.Event()
    notices.listen(lambda notice: told.set(), OutboxHeldBack)
    async with database() as opened:
        outbox = Outbox({Counted: COUNTED}, OutboxSettings(poll=0.02, warn_after=0.05), retry=AT_ONCE)
        outbox.wire(database=opened, publisher=sink, notices=notices)
        async with outbox:
            async with opened.transaction() as long:
                await long.execute("insert into orders values (1, 'x')")
                async with opened.transaction() as session:
                    await outbox.events(session).publish(Counted("a", 1))
                async with asyncio.timeout(20):
                    await told.wait()
                assert outbox.statistics().held_back == 1
                assert outbox.statistics().held_for > 0.05
                assert sink.taken == []
            async with asyncio.timeout(20):
                while not sink.taken:
                    await asyncio.sleep(0.005)
