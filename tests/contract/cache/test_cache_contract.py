"""What holds for every adapter of the port `Cache`."""

import asyncio

import pytest


async def value_of(cache, key):
    entry = (await cache.get_many([key]))[0]
    return entry and entry.value


async def test_what_was_set_is_returned_in_the_order_asked_for(cache):
    await cache.set_many({"a": b"1", "b": b"2"}, 60)
    found = await cache.get_many(["b", "missing", "a"])
    assert [entry and entry.value for entry in found] == [b"2", None, b"1"]


async def test_nothing_asked_for_is_nothing_returned(cache):
    assert list(await cache.get_many([])) == []
    await cache.set_many({}, 60)
    await cache.delete_many([])


@pytest.mark.parametrize(
    "value", [b"", b"\x00\xff\r\n$-1\r\n", bytes(range(256)) * 4096], ids=["empty", "binary", "large"]
)
async def test_a_value_comes_back_byte_for_byte(cache, value):
    await cache.set_many({"k": value}, 60)
    assert await value_of(cache, "k") == value


@pytest.mark.parametrize("key", ["", "with space", "line\r\nbreak", "käse/☕", "{tag}", "x" * 5000])
async def test_any_text_is_a_key(cache, key):
    await cache.set_many({key: b"1"}, 60)
    await cache.set_many({key + "2": b"2"}, 60)
    assert await value_of(cache, key) == b"1"


async def test_the_time_left_is_told(cache):
    await cache.set_many({"k": b"1"}, 60)
    assert 50 < (await cache.get_many(["k"]))[0].ttl <= 60


async def test_an_entry_is_gone_after_its_time(cache):
    await cache.set_many({"short": b"1"}, 0.05)
    await cache.set_many({"long": b"1"}, 60)
    async with asyncio.timeout(10):
        while await value_of(cache, "short") is not None:
            await asyncio.sleep(0.01)
    assert await value_of(cache, "long") == b"1"


async def test_setting_again_begins_a_new_time(cache):
    await cache.set_many({"k": b"1"}, 5)
    await cache.set_many({"k": b"2"}, 60)
    entry = (await cache.get_many(["k"]))[0]
    assert entry.value == b"2"
    assert entry.ttl > 50


async def test_what_was_deleted_is_gone(cache):
    await cache.set_many({"a": b"1", "b": b"2", "c": b"3"}, 60)
    await cache.delete_many(["a", "b", "missing"])
    assert [await value_of(cache, key) for key in "abc"] == [None, None, b"3"]


async def test_every_write_has_another_version(cache):
    versions = set()
    for _ in range(20):
        await cache.set_many({"k": b"same"}, 60)
        versions.add((await cache.get_many(["k"]))[0].version)
    assert len(versions) == 20


async def test_reading_leaves_the_version_alone(cache):
    await cache.set_many({"k": b"1"}, 60)
    assert len({(await cache.get_many(["k"]))[0].version for _ in range(5)}) == 1


async def test_replace_writes_over_what_was_read(cache):
    await cache.set_many({"k": b"1"}, 60)
    entry = (await cache.get_many(["k"]))[0]
    assert await cache.replace("k", b"2", 60, version=entry.version) is True
    assert await value_of(cache, "k") == b"2"


async def test_replace_leaves_alone_what_was_written_since(cache):
    await cache.set_many({"k": b"1"}, 60)
    entry = (await cache.get_many(["k"]))[0]
    await cache.set_many({"k": b"1"}, 60)
    assert await cache.replace("k", b"2", 60, version=entry.version) is False
    assert await value_of(cache, "k") == b"1"


async def test_replace_without_a_version_writes_only_where_nothing_is(cache):
    assert await cache.replace("k", b"1", 60, version=None) is True
    assert await cache.replace("k", b"2", 60, version=None) is False
    assert await value_of(cache, "k") == b"1"


async def test_replace_of_what_has_gone_since_writes_nothing(cache):
    await cache.set_many({"k": b"1"}, 60)
    entry = (await cache.get_many(["k"]))[0]
    await cache.delete_many(["k"])
    assert await cache.replace("k", b"2", 60, version=entry.version) is False
    assert await value_of(cache, "k") is None


async def test_of_many_replacing_at_once_one_wins(cache):
    won = await asyncio.gather(*(cache.replace("k", str(n).encode(), 60, version=None) for n in range(50)))
    assert won.count(True) == 1
    assert await value_of(cache, "k") == str(won.index(True)).encode()


async def test_many_tasks_each_get_their_own_answer(cache):
    await asyncio.gather(*(cache.set_many({f"k{n}": str(n).encode()}, 60) for n in range(200)))
    found = await asyncio.gather(*(cache.get_many([f"k{n}", "missing"]) for n in range(200)))
    assert [(first.value, second) for first, second in found] == [(str(n).encode(), None) for n in range(200)]


async def test_a_cancelled_caller_mixes_up_no_answers(cache):
    await cache.set_many({f"k{n}": str(n).encode() for n in range(50)}, 60)
    for turns in range(10):
        tasks = [asyncio.create_task(value_of(cache, f"k{n}")) for n in range(50)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [await task for task in tasks[1::2]] == [str(n).encode() for n in range(1, 50, 2)]
        assert await value_of(cache, "k7") == b"7"
