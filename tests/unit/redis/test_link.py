"""A connection whenever there can be one; and without one nobody waits."""

import asyncio
import ssl

import pytest

from hardy.adapters.redis import Redis, RedisConnected, RedisLost, RedisSettings
from hardy.core import BuildFailed, Unavailable

NOBODY = "redis://127.0.0.1:1"


async def test_a_server_that_is_down_stops_nobody_from_starting():
    heard = []
    async with Redis(RedisSettings(url=NOBODY), emit=heard.append) as redis:
        with pytest.raises(Unavailable, match="the shared store cannot be reached"):
            await redis.execute("PING")
        await redis.ping()
        assert not redis.statistics().connected
    assert [type(notice) for notice in heard] == [RedisLost]


async def test_a_server_that_is_required_has_to_be_there():
    with pytest.raises(BuildFailed) as failed:
        async with Redis(RedisSettings(url=NOBODY, required=True)):
            pytest.fail("it is not there")
    assert [fault.code for fault in failed.value.diagnostics] == ["H0404"]


async def test_a_required_server_that_goes_away_is_told_by_the_ping(peer, until):
    async with Redis(RedisSettings(url=peer.url, required=True)) as redis:
        pinging = asyncio.ensure_future(redis.ping())
        await peer.heard(b"PING")
        peer.say(b"+PONG\r\n")
        await pinging
        peer.server.close()
        peer.writers[-1].transport.abort()
        await until(lambda: not redis.statistics().connected)
        with pytest.raises(Unavailable):
            await redis.ping()


async def test_it_is_told_when_the_connection_comes_and_goes(valkey_server, valkey_url, until):
    heard = []
    async with Redis(RedisSettings(url=valkey_url), emit=heard.append) as redis:
        valkey_server.stop()
        await until(lambda: not redis.statistics().connected)
        valkey_server.start()
        await until(lambda: redis.statistics().connected)
        assert await redis.execute("PING") == b"PONG"
    assert [type(notice) for notice in heard] in (
        [RedisConnected, RedisLost, RedisConnected],
        [RedisConnected, RedisLost, RedisLost, RedisConnected],
    )


async def test_silence_is_taken_for_death_and_answered_by_a_new_connection(peer, until):
    async with Redis(RedisSettings(url=peer.url, timeout=0.1)) as redis:
        with pytest.raises(Unavailable):
            await redis.execute("GET", "a")
        await until(lambda: peer.connections == 2)


async def test_a_peer_that_accepts_and_says_nothing_does_not_hold_anybody_up(peer):
    peer.silent = True
    async with Redis(RedisSettings(url=peer.url, timeout=0.05, connect_timeout=0.1)) as redis:
        with pytest.raises(Unavailable):
            await redis.execute("GET", "a")


async def test_after_the_end_nothing_is_asked_any_more(peer):
    async with Redis(RedisSettings(url=peer.url)) as redis:
        asking = asyncio.ensure_future(redis.execute("GET", "a"))
        await peer.heard()
    with pytest.raises(Unavailable, match="was lost"):
        await asking
    with pytest.raises(Unavailable, match="is not open"):
        await redis.execute("GET", "a")


async def test_it_can_be_opened_again(valkey_url):
    redis = Redis(RedisSettings(url=valkey_url))
    for _ in range(2):
        async with redis:
            assert await redis.execute("PING") == b"PONG"


@pytest.fixture
def ann(valkey_server, valkey_url):
    valkey_server.execute("acl", "setuser", "ann", "on", ">se/cret", "~*", "&*", "+@all")
    yield valkey_url.replace("redis://", "redis://ann:se%2Fcret@")
    valkey_server.execute("acl", "deluser", "ann")


async def test_a_user_is_let_in_with_the_right_password(ann):
    async with Redis(RedisSettings(url=ann)) as redis:
        assert await redis.execute("ACL", "WHOAMI") == b"ann"


async def test_a_user_with_a_wrong_password_is_refused_at_start(ann):
    with pytest.raises(BuildFailed, match="WRONGPASS") as failed:
        async with Redis(RedisSettings(url=ann.replace("cret", "crew"))):
            pytest.fail("it is wrong")
    assert "crew" not in str(failed.value)


async def test_a_server_that_is_too_old_is_refused_at_start(peer):
    peer.hello = b"-ERR unknown command `HELLO`\r\n"
    with pytest.raises(BuildFailed, match="unknown command"):
        async with Redis(RedisSettings(url=peer.url)):
            pytest.fail("it is too old")


async def test_a_server_that_still_loads_its_data_is_waited_for(peer, until):
    peer.hello = b"-LOADING Redis is loading the dataset in memory\r\n"
    async with Redis(RedisSettings(url=peer.url)) as redis:
        with pytest.raises(Unavailable):
            await redis.execute("GET", "a")
        peer.hello = b"%0\r\n"
        await until(lambda: redis.statistics().connected)


async def test_the_database_of_the_url_is_used(valkey_url):
    one, two = valkey_url.removesuffix("/0") + "/1", valkey_url.removesuffix("/0") + "/2"
    async with Redis(RedisSettings(url=one)) as first, Redis(RedisSettings(url=two)) as second:
        await first.execute("SET", "tea", "green")
        assert await second.execute("GET", "tea") is None
        assert await first.execute("GET", "tea") == b"green"


async def test_a_socket_of_the_machine_will_do(peer, tmp_path):
    server = await asyncio.start_unix_server(peer.serve, tmp_path / "s")
    async with server, Redis(RedisSettings(url=f"unix://{tmp_path}/s?db=1")) as redis:
        asking = asyncio.ensure_future(redis.execute("GET", "a"))
        assert await peer.heard(b"SELECT") == [b"1"]
        await peer.heard()
        peer.say(b"+for a\r\n")
        assert await asking == b"for a"


@pytest.mark.parametrize("known", [True, False], ids=["a known authority", "a stranger"])
async def test_over_tls_the_server_is_who_it_says(peer, authority, known):
    certificate, key = authority.issue("localhost", "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=context)
    url = f"rediss://localhost:{server.sockets[0].getsockname()[1]}"
    ca_file = str(authority.path) if known else ""
    async with server, Redis(RedisSettings(url=url, ca_file=ca_file)) as redis:
        asking = asyncio.ensure_future(redis.execute("GET", "a"))
        if known:
            await peer.heard()
            peer.say(b"+for a\r\n")
            assert await asking == b"for a"
        else:
            with pytest.raises(Unavailable):
                await asking
