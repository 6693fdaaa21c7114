"""The database goes away, crawls, or hangs: nobody waits for ever, and it is normal again soon after."""

import asyncio

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.core import Call, Deadline, DeadlineExceeded, Error, Operation, Unavailable

SCHEMA = "create table if not exists orders (id bigint generated always as identity, sku text not null)"
PATIENCE = 20.0
"""Seconds to wait for a connection, where waiting is not the point: this machine may have a lot to do."""


async def place_order() -> None: ...


class Load:
    """So many clients that read, or write, again and again."""

    def __init__(self, database, clients, *, deadline=120):
        self.database = database
        self.deadline = deadline
        self.answers = []
        self.tasks = [asyncio.create_task(self.client(number)) for number in range(clients)]

    async def client(self, number):
        async def one(call):
            async with self.database.transaction() as session:
                if number % 2:
                    await session.execute("insert into orders (sku) values (:sku)", sku="tea")
                await session.first(int, "select count(*) from orders where id < 0")

        while True:
            call = Call(Operation.of(place_order), "direct")
            call.deadline = Deadline.after(self.deadline)
            try:
                await call.run(one)
            except Error as error:
                self.answers.append(Unavailable if isinstance(error, Unavailable) else type(error))
                await asyncio.sleep(0.01)
            else:
                self.answers.append(None)
            await asyncio.sleep(0)

    async def until(self, wanted, times=1):
        """Wait until so many answers of a kind have come from now on."""
        self.answers.clear()
        async with asyncio.timeout(100):
            while self.answers.count(wanted) < times:
                await asyncio.sleep(0.005)

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
def patience():
    return PATIENCE


@pytest.fixture
async def database(postgres_url, fault_proxy, patience):
    proxy = await fault_proxy(postgres_url)
    url = proxy.url_for(postgres_url)
    settings = DatabaseSettings(url=url, connections=10, acquire_timeout=patience, migrate="ignore")
    async with Database(settings, schema=SCHEMA) as database:
        database.proxy = proxy
        yield database
        await proxy.up()


async def healthy(database):
    """Every connection is back and works."""
    async with asyncio.timeout(60):
        while database.statistics().idle != database.statistics().connections:
            await asyncio.sleep(0.005)
    numbers = database.statistics()
    assert numbers.waiting == 0

    async def write():
        async with database.transaction() as session:
            await session.execute("insert into orders (sku) values ('x')")
            await arrived.wait()

    arrived = asyncio.Barrier(10)
    await asyncio.gather(*(write() for _ in range(10)))


async def test_two_hundred_clients_share_ten_connections(database):
    load = Load(database, 200)
    await load.until(None, 1000)
    numbers = database.statistics()
    await load.stop()
    assert numbers.connections <= 10
    assert not [kind for kind in load.answers if kind is not None]
    await healthy(database)
    assert database.statistics().lost == 0


@pytest.mark.parametrize("how", ["down", "reset"])
async def test_a_database_that_is_gone_is_unavailable_at_once_and_normal_soon_after(database, how):
    load = Load(database, 40)
    await load.until(None, 100)
    await getattr(database.proxy, how)()
    await load.until(Unavailable, 60)
    assert set(load.answers) <= {Unavailable, None}
    await database.proxy.up()
    await load.until(None, 40)
    await load.until(None, 200)
    assert load.answers[-100:].count(None) == 100
    await load.stop()
    await healthy(database)


@pytest.mark.parametrize("patience", [1.0])
async def test_a_database_that_crawls_costs_nobody_more_than_patience_and_deadline(database):
    load = Load(database, 40)
    await load.until(None, 100)
    await database.proxy.slow(0.6)
    await load.until(Unavailable, 20)  # nobody gets a connection in time
    await database.proxy.up()
    await load.until(None, 200)
    await load.stop()
    await healthy(database)


@pytest.mark.parametrize("patience", [1.0])
async def test_connections_that_hang_are_given_up_and_replaced(database):
    load = Load(database, 20, deadline=2)
    await load.until(None, 100)
    await database.proxy.half_open()
    await load.until(DeadlineExceeded, 5)  # those whose statement hangs
    await load.until(Unavailable, 20)  # those that ask for a connection from then on
    await database.proxy.up()
    await load.until(None, 200)
    await load.stop()
    await healthy(database)


async def test_a_server_that_is_stopped_and_started_is_found_again(postgres_url, postgres_server):
    settings = DatabaseSettings(url=postgres_url, connections=4, acquire_timeout=PATIENCE, migrate="ignore")
    async with Database(settings, schema=SCHEMA) as database:
        load = Load(database, 8)
        await load.until(None, 50)
        await asyncio.to_thread(postgres_server.stop)
        await load.until(Unavailable, 20)
        with pytest.raises(Unavailable):
            await database.ping()
        await asyncio.to_thread(postgres_server.start)
        await load.until(None, 50)
        await load.stop()
        await database.ping()


async def test_a_backend_that_is_terminated_loses_its_transaction_and_nothing_else(postgres_url):
    settings = DatabaseSettings(url=postgres_url, connections=2, acquire_timeout=PATIENCE, migrate="ignore")
    async with Database(settings, schema=SCHEMA) as database:
        with pytest.raises(Unavailable):
            async with database.transaction() as session:
                await session.execute("insert into orders (sku) values ('lost')")
                pid = await session.first(int, "select pg_backend_pid()")
                async with database.transaction(write=True) as other:
                    await other.first(bool, "select pg_terminate_backend(:pid, 5000)", pid=pid)
                await session.execute("insert into orders (sku) values ('lost')")
        # One that was idle is noticed before it is used, and a read is simply asked again.
        async with database.transaction() as session:
            pid = await session.first(int, "select pg_backend_pid()")
            async with database.transaction(write=True) as other:
                await other.first(bool, "select pg_terminate_backend(:pid, 5000)", pid=pid)
            assert await session.first(int, "select count(*) from orders") == 0
        assert database.statistics().lost == 2


async def test_a_caller_that_is_gone_before_its_connection_is_there_leaves_it_to_the_next(postgres_url):
    settings = DatabaseSettings(url=postgres_url, connections=1, acquire_timeout=PATIENCE, migrate="ignore")
    async with Database(settings, schema=SCHEMA) as database:
        pool = database._driver._pool
        pool.drop(await pool.take(Deadline.never()))
        impatient = asyncio.create_task(pool.take(Deadline.never()))
        await asyncio.sleep(0)
        [arriving] = pool._arriving
        impatient.cancel()
        await asyncio.wait([impatient, arriving])
        assert impatient.cancelled()
        await database.ping()
        assert (database.statistics().connections, database.statistics().idle) == (1, 1)
        assert database.statistics().lost == 1


FAREWELL = b"SFATAL\0VFATAL\0C57P05\0Mterminating connection due to idle-session timeout\0\0"


def say_goodbye(links):
    """Have connections hear what a server says that ends them; the end itself is still on its way."""
    for link in links:
        link.raw._protocol.data_received(b"E" + (len(FAREWELL) + 4).to_bytes(4, "big") + FAREWELL)
    return len(links)


async def test_a_connection_that_the_server_is_about_to_end_is_replaced(postgres_url):
    settings = DatabaseSettings(url=postgres_url, connections=2, acquire_timeout=PATIENCE, migrate="ignore")
    async with Database(settings, schema=SCHEMA) as database:
        await database.ping()
        assert say_goodbye(database._driver._pool._idle) == 1
        async with database.transaction() as session:
            await session.execute("insert into orders (sku) values ('tea')")
        assert say_goodbye(database._driver._pool._idle) == 1
        async with database.transaction() as session:
            assert await session.first(int, "select count(*) from orders") == 1
        with pytest.raises(Unavailable):  # what was begun is lost, and nothing else
            async with database.transaction() as session:
                await session.execute("insert into orders (sku) values ('lost')")
                assert say_goodbye([session._transaction._link]) == 1
                await session.execute("insert into orders (sku) values ('lost')")
        async with database.transaction() as session:
            assert await session.first(int, "select count(*) from orders") == 1
        assert (database.statistics().lost, database.statistics().idle) == (3, 1)


async def test_a_cancelled_statement_is_stopped_on_the_server(postgres_url):
    running = "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep%'"
    async with Database(DatabaseSettings(url=postgres_url, connections=3, migrate="ignore")) as database:

        async def sleeping(wanted):
            async with asyncio.timeout(60):
                while True:
                    async with database.transaction() as session:
                        if await session.first(int, running) == wanted:
                            return
                    await asyncio.sleep(0.01)

        async def nap():
            async with database.transaction() as session:
                await session.all(object, "select pg_sleep(600)")

        task = asyncio.create_task(nap())
        await sleeping(1)
        task.cancel()
        await sleeping(0)
        await asyncio.wait([task])


async def test_the_server_stops_what_nobody_asks_for_any_more(postgres_url):
    """The statement's limit is the server's own, too: it counts when the client cannot speak up."""
    async with Database(DatabaseSettings(url=postgres_url, migrate="ignore")) as database:

        async def handler(call):
            async with database.transaction(write=True) as session:
                return await session.first(int, "select setting::int from pg_settings where name = 'statement_timeout'")

        call = Call(Operation.of(place_order), "direct")
        call.deadline = Deadline.after(7)
        limit = await call.run(handler)
    assert 0 < limit <= 8000


async def test_what_one_session_leaves_behind_the_next_does_not_find(postgres_url):
    async with Database(DatabaseSettings(url=postgres_url, connections=1, migrate="ignore")) as database:
        async with database.transaction() as session:
            await session.execute("set search_path to nowhere")
            await session.execute("set application_name to 'left behind'")
            await session.first(object, "select pg_advisory_lock(7)")
        async with database.transaction() as session:
            assert await session.first(str, "show search_path") == '"$user", public'
            assert await session.first(str, "select current_setting('application_name')") != "left behind"
            assert await session.first(int, "select count(*) from pg_locks where locktype = 'advisory'") == 0


async def test_a_changed_table_is_noticed_by_prepared_statements(postgres_url):
    async with Database(DatabaseSettings(url=postgres_url, migrate="ignore"), schema=SCHEMA) as database:
        for _ in range(2):
            async with database.transaction() as session:
                await session.all(object, "select id from orders")
        async with database.transaction() as session:
            await session.execute("alter table orders alter column id type integer")
        async with database.transaction() as session:
            assert await session.all(int, "select id from orders") == []
