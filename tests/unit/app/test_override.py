"""A test says what stands in for a port, and cannot do so in vain."""

import io
from typing import Protocol

import pytest

from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.app import App, Assembly
from hardy.auth import public
from hardy.config import Settings
from hardy.core import BuildFailed, NotFound, Principal
from hardy.testing import client


class Orders(Protocol):
    async def get(self, number: int) -> str: ...


class SqlOrders:
    def __init__(self, session: Session) -> None:
        self.session = session

    async def get(self, number: int) -> str:
        found = await self.session.first(str, "select what from orders where number = :number", number=number)
        if found is None:
            raise NotFound("no such order")
        return found


class MemoryOrders:
    async def get(self, number: int) -> str:
        return f"remembered {number}"


def orders(session: Session) -> Orders:
    return SqlOrders(session)


async def get(number: int, *, orders: Orders) -> str:
    return await orders.get(number)


async def raw(*, session: Session) -> int | None:
    return await session.first(int, "select 1")


@pytest.fixture
def app(tmp_path) -> App:
    app = App("shop", Settings(environment="test"))
    app.manage(
        Database(DatabaseSettings(url=f"sqlite:///{tmp_path}/orders.db"), schema="create table orders (number, what)")
    )
    app.provide(orders)
    app.expose(get, allow=public)
    return app


async def test_without_an_override_the_real_thing_serves(app, tmp_path):
    async with client(app) as shop:
        with pytest.raises(NotFound):
            await shop.call(get, 1)
    assert (tmp_path / "orders.db").exists()


async def test_what_only_the_replaced_port_needed_is_not_opened(app, tmp_path):
    with app.override({Orders: MemoryOrders()}):
        async with client(app) as shop:
            assert await shop.call(get, 1) == "remembered 1"
    assert not (tmp_path / "orders.db").exists()


async def test_what_somebody_else_still_needs_is_opened(app, tmp_path):
    app.expose(raw, allow=public)
    with app.override({Orders: MemoryOrders()}):
        async with client(app) as shop:
            assert await shop.call(raw) == 1
    assert (tmp_path / "orders.db").exists()


def test_an_override_that_nothing_needs_is_an_error(app):
    with app.override({Principal: Principal("alice"), dict: {}}), pytest.raises(BuildFailed) as failed:
        Assembly(app, log=io.StringIO())
    assert {fault.code for fault in failed.value.diagnostics} == {"H0705"}
    assert app.check() == ()


async def test_the_last_of_two_overrides_wins_and_leaving_brings_the_first_back(app):
    class Other(MemoryOrders):
        async def get(self, number: int) -> str:
            return "other"

    first, second = {Orders: MemoryOrders()}, {Orders: Other()}
    with app.override(first):
        with app.override(second):
            async with client(app) as shop:
                assert await shop.call(get, 1) == "other"
        assert app.overrides == [first]
        async with client(app) as shop:
            assert await shop.call(get, 1) == "remembered 1"
    assert app.overrides == []


async def test_equal_overrides_leave_one_by_one(app):
    equal = {Orders: MemoryOrders()}
    outer, inner = app.override(equal), app.override(dict(equal))
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert [each is equal for each in app.overrides] == [False]
    inner.__exit__(None, None, None)
    assert app.overrides == []
