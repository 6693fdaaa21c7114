"""What lives as long as the app: made once, in order, ended in reverse."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hardy.core import Call, Operation, shielded
from hardy.di import Container


class Url: ...


class Pool:
    def __init__(self, url: Url | None = None) -> None:
        self.url = url


class Cache: ...


class Journal(list):
    def pool(self):
        async def pool(url: Url) -> AsyncIterator[Pool]:
            self.append("open pool")
            try:
                yield Pool(url)
            finally:
                await asyncio.sleep(0)
                self.append("close pool")

        return pool

    def cache(self, *, fails: str = ""):
        async def cache(pool: Pool) -> AsyncIterator[Cache]:
            if fails == "opening":
                raise ConnectionError("cache refused")
            self.append("open cache")
            yield Cache()
            self.append("close cache")
            if fails == "closing":
                raise ConnectionError("cache lost")

        return cache


async def look(*, cache: Cache, pool: Pool) -> None: ...


async def look_only(*, pool: Pool) -> None: ...


async def answer(call: Call, needs: dict[str, object]) -> object:
    return needs


LOOK, LOOK_ONLY = Operation.of(look), Operation.of(look_only)


def call() -> Call:
    return Call(LOOK, "direct")


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def container(journal: Journal) -> Container:
    container = Container({}, {Url: Url()})
    container.provide(journal.pool(), scope="app")
    container.provide(journal.cache(), scope="app")
    return container


async def test_what_lives_as_long_as_the_app_is_made_once_and_ended_in_reverse(container: Container, journal: Journal):
    plan = container.plan(LOOK)
    async with container:
        first, second = await plan.run(call(), answer), await plan.run(call(), answer)
    assert first == second
    assert journal == ["open pool", "open cache", "close cache", "close pool"]


async def test_only_what_operations_need_is_made(container: Container, journal: Journal):
    container.plan(LOOK_ONLY)
    async with container:
        assert journal == ["open pool"]


async def test_two_operations_share_it(container: Container):
    one, two = container.plan(LOOK), container.plan(LOOK_ONLY)
    async with container:
        assert (await one.run(call(), answer))["pool"] is (await two.run(call(), answer))["pool"]


async def test_every_way_of_making_it_works():
    async def pool() -> Pool:
        return Pool()

    def cache(pool: Pool, *, url: Url | None) -> Cache:
        assert url is None
        return Cache()

    container = Container({})
    container.provide(pool, scope="app")
    container.provide(cache, scope="app")
    plan = container.plan(LOOK)
    async with container:
        needs = await plan.run(call(), answer)
    assert isinstance(needs["cache"], Cache)


async def test_a_call_before_the_container_is_open_is_told_so(container: Container):
    with pytest.raises(RuntimeError, match="`Cache` is not there yet: open the container before the first call"):
        await container.plan(LOOK).run(call(), answer)


async def test_what_a_component_filled_in_is_given_to_calls_and_to_providers():
    def cache(pool: Pool) -> Cache:
        assert pool is filled
        return Cache()

    container, filled = Container({}), Pool()
    container.declare(Pool, "component `database`")
    container.provide(cache, scope="app")
    plan = container.plan(LOOK)
    container.fill(Pool, filled)
    async with container:
        assert (await plan.run(call(), answer))["pool"] is filled


async def test_a_component_that_fills_in_nothing_is_named(container: Container):
    container = Container({})
    container.declare(Pool, "component `database`")
    container.provide(Journal().cache(), scope="app")
    container.plan(LOOK)
    with pytest.raises(RuntimeError, match="component `database` declared `Pool` and has not filled it in"):
        await container.open()


def test_only_what_was_declared_is_filled_in(container: Container):
    with pytest.raises(KeyError, match="`Url` was not declared"):
        container.fill(Url, Url())


async def test_one_that_cannot_be_made_ends_those_before_it(journal: Journal):
    container = Container({}, {Url: Url()})
    container.provide(journal.pool(), scope="app")
    container.provide(journal.cache(fails="opening"), scope="app")
    container.plan(LOOK)
    with pytest.raises(ConnectionError, match="cache refused"):
        await container.open()
    assert journal == ["open pool", "close pool"]
    await container.close()
    assert journal == ["open pool", "close pool"]


async def test_what_fails_while_it_is_ended_again_is_noted_on_the_error(journal: Journal):
    async def pool() -> AsyncIterator[Pool]:
        try:
            yield Pool()
        finally:
            raise OSError("socket")

    container = Container({})
    container.provide(pool, scope="app")
    container.provide(journal.cache(fails="opening"), scope="app")
    container.plan(LOOK)
    with pytest.raises(ConnectionError, match="cache refused") as caught:
        await container.open()
    assert caught.value.__notes__ == ["when it was thrown into provider `pool`, that raised OSError('socket')"]


async def test_a_start_that_is_cancelled_ends_what_was_made(container: Container, journal: Journal):
    class Slow: ...

    async def slow(pool: Pool) -> Slow:
        await asyncio.Event().wait()

    slow.__annotations__["return"] = Slow

    async def wait(*, slow) -> None: ...

    wait.__annotations__["slow"] = Slow
    container.provide(slow, scope="app")
    container.plan(Operation.of(wait))
    task = asyncio.create_task(container.open())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal == ["open pool", "close pool"]


async def test_all_is_ended_though_one_fails_and_what_failed_is_collected(journal: Journal):
    container = Container({}, {Url: Url()})
    container.provide(journal.pool(), scope="app")
    container.provide(journal.cache(fails="closing"), scope="app")
    container.plan(LOOK)
    await container.open()
    with pytest.raises(ExceptionGroup) as caught:
        await container.close()
    assert journal[-1] == "close pool"
    assert caught.value.exceptions[0].__notes__ == ["while ending what provider `cache` made"]


async def test_a_provider_of_the_app_that_yields_twice_is_named():
    ended = []

    async def twice() -> AsyncIterator[Pool]:
        try:
            yield Pool()
            yield Pool()
        finally:
            ended.append(1)

    container = Container({})
    container.provide(twice, scope="app")
    container.plan(LOOK_ONLY)
    await container.open()
    with pytest.raises(ExceptionGroup) as caught:
        await container.close()
    assert caught.group_contains(RuntimeError, match="provider `twice` yields more than once")
    assert ended == [1]


async def test_closing_is_not_interrupted(container: Container, journal: Journal):
    container.plan(LOOK)

    async def body() -> None:
        await container.open()
        asyncio.current_task().cancel()
        await container.close()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(body())
    assert journal[-1] == "close pool"


async def test_a_container_can_be_opened_again(container: Container, journal: Journal):
    plan = container.plan(LOOK)
    async with container:
        first = await plan.run(call(), answer)
    async with container:
        second = await plan.run(call(), answer)
    assert first["pool"] is not second["pool"]
    with pytest.raises(RuntimeError, match="not there yet"):
        await plan.run(call(), answer)


async def test_an_override_stands_in_and_what_it_replaces_is_not_opened(container: Container, journal: Journal):
    memory = Cache()
    with container.override({Cache: memory, Pool: Pool()}):
        plan = container.plan(LOOK)
        async with container:
            assert (await plan.run(call(), answer))["cache"] is memory
    assert journal == []


async def test_an_override_is_given_to_providers_too(container: Container):
    seen, pool = [], Pool()

    class Reader: ...

    def reader(pool: Pool): ...

    def read(pool: Pool):
        seen.append(pool)
        return Reader()

    read.__annotations__["return"] = Reader

    async def use(*, reader) -> None: ...

    use.__annotations__["reader"] = Reader
    container.provide(read, scope="app")
    with container.override({Pool: pool}):
        container.plan(Operation.of(use))
        async with container:
            assert seen == [pool]


async def test_an_open_container_is_not_overridden(container: Container):
    async with container:
        with pytest.raises(RuntimeError, match="override before the app is started"), container.override({}):
            pass


async def test_a_need_of_the_call_is_overridden_too():
    container = Container({Pool: lambda call: None})
    pool = Pool()
    with container.override({Pool: pool}):
        assert await container.plan(LOOK_ONLY).run(call(), answer) == {"pool": pool}


async def test_a_constant_is_for_calls_and_for_the_app():
    url = Url()

    async def use(*, url: Url, pool: Pool) -> None: ...

    def pool(url: Url, size: int = 3) -> Pool:
        return Pool(url)

    container = Container({}, {Url: url})
    container.provide(pool, scope="app")
    plan = container.plan(Operation.of(use))
    async with container:
        needs = await plan.run(call(), answer)
    assert needs["url"] is needs["pool"].url is url


def test_the_graph_is_plain_data(journal: Journal):
    def cache(pool: Pool) -> Cache: ...

    container = Container({Call: lambda call: call}, {Url: Url()})
    container.declare(Pool, "component `database`")
    container.provide(cache)
    with container.override({Url: Url()}):
        graph = container.describe()
    assert graph["Cache"].pop("place").rpartition("/")[2].startswith("test_container.py:")
    assert graph == {
        "Call": {"scope": "call", "source": "built in"},
        "Url": {"scope": "app", "source": "override"},
        "Pool": {"scope": "app", "source": "component `database`"},
        "Cache": {"scope": "call", "source": "cache", "make": "function", "needs": {"pool": "Pool"}},
    }


async def test_a_container_closes_inside_a_larger_close(container: Container, journal: Journal):
    container.plan(LOOK)
    await container.open()
    await shielded(container.close())
    assert journal[-1] == "close pool"
