"""A managed database is given the tables of the components that come after it, and looks after them when it is opened."""

import pytest

from hardy.adapters.sql import Database, DatabaseSettings, SchemaStep, Session
from hardy.app import App, Assembly, Service, databases_of
from hardy.auth import internal
from hardy.config import Settings
from hardy.core import BuildFailed


def step(name):
    return SchemaStep(name=name, sqlite=f"create table {name} (id)", postgresql=f"create table {name} (id bigint)")


class Things:
    """A component with a table of its own."""

    def __init__(self, *names):
        self.schema_steps = [step(name) for name in names]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        pass


class Others(Things):
    """Another one."""


async def count_tables(*, session: Session) -> int:
    """Count the tables of components."""
    return await session.first(int, "select count(*) from sqlite_master where name like 'hardy_t_%'") or 0


def app_of(*components, environment="test"):
    app = App("shop", Settings(environment=environment))
    for each in components:
        app.manage(each)
    return app


def file(tmp_path, name="orders", migrate="apply"):
    return Database(DatabaseSettings(url=f"sqlite:///{tmp_path}/{name}.db", migrate=migrate))


async def test_the_steps_of_all_components_are_applied_before_the_first_is_opened(tmp_path):
    database = file(tmp_path)
    app = app_of(database, Things("hardy_t_a", "hardy_t_b"), Others("hardy_t_b", "hardy_t_c"))
    app.expose(count_tables, allow=internal)
    async with Service(Assembly(app)), database.transaction() as session:
        assert await count_tables(session=session) == 3


async def test_a_component_belongs_to_the_database_before_it(tmp_path):
    app = app_of(
        Things("first"), file(tmp_path, "a"), Things("one"), file(tmp_path, "b"), Things("two"), Things("three")
    )
    found = [[each.name for each in database.migrations.steps] for database in databases_of(app)]
    assert found == [["first", "one"], ["two", "three"]]


async def test_a_service_does_not_open_behind_its_schema(tmp_path):
    app = app_of(file(tmp_path, migrate="verify"), Things("hardy_t_a"))
    with pytest.raises(BuildFailed) as failed:
        async with Service(Assembly(app)):
            pass
    assert failed.value.exit_code == 6


def test_a_component_without_a_database_is_left_alone():
    assert databases_of(app_of(Things("hardy_t_a"))) == []


@pytest.mark.parametrize(
    ("environment", "policy"), [("dev", "apply"), ("test", "apply"), ("production", "verify")], ids=str
)
def test_what_opening_does_depends_on_the_environment(environment, policy):
    from dataclasses import dataclass, field
    from typing import ClassVar

    from hardy.config import load

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Shop(Settings):
        prefix: ClassVar[str] = "SHOP"
        database: DatabaseSettings = field(default_factory=DatabaseSettings)

    assert load(Shop, environ={"SHOP_ENVIRONMENT": environment}).settings.database.migrate == policy
