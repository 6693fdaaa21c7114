"""What a project gets from the plugin: real servers, clean for each test."""

import asyncpg
import nats
import pytest
import redis.asyncio as redis


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_has_a_database_of_its_own(postgres_url, time):
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("create table colours (name text)")
    await connection.close()


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_has_an_empty_valkey(valkey_url, time):
    async with redis.from_url(valkey_url) as client:
        assert await client.get("colour") is None
        await client.set("colour", "blue")


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_has_a_nats_without_streams(nats_url, time):
    async with await nats.connect(nats_url) as client:
        jetstream = client.jetstream()
        assert await jetstream.streams_info() == []
        await jetstream.add_stream(name="colours", subjects=["colours.>"])
        assert (await jetstream.publish("colours.blue", b"")).seq == 1


@pytest.mark.parametrize("harm", ["stop", "kill", "pause"])
async def test_a_test_may_leave_a_server_in_any_state(postgres_server, valkey_server, nats_server, harm):
    for each in postgres_server, valkey_server, nats_server:
        each.resume()
        each.start()
        getattr(each, harm)()


@pytest.mark.parametrize("time", ["first", "second"])
async def test_the_next_test_finds_the_servers_well(postgres_url, valkey_url, nats_url, time):
    connection = await asyncpg.connect(postgres_url)
    assert await connection.fetchval("select 1") == 1
    await connection.close()
    async with redis.from_url(valkey_url) as client:
        assert await client.ping()
    await (await nats.connect(nats_url)).close()


async def test_a_proxy_stands_before_a_server(fault_proxy, postgres_url):
    proxy = await fault_proxy(postgres_url)
    connection = await asyncpg.connect(proxy.url_for(postgres_url), ssl=False)
    await proxy.down()
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.execute("select 1")
    await proxy.up()
    connection = await asyncpg.connect(proxy.url_for(postgres_url), ssl=False)
    assert await connection.fetchval("select 1") == 1
    await connection.close()
