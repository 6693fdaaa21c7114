"""squawk finds nothing in what hardy itself does to a PostgreSQL, and something where there is something."""

import importlib
import pkgutil

import pytest

import hardy.adapters
from hardy.adapters.sql import SchemaStep
from hardy.adapters.sql.migrations import Migrations
from hardy.adapters.sql.migrations._postgres import LEDGER


def steps_in(thing):
    """The steps that a module's name stands for: one, a list of them, or those of a component."""
    thing = getattr(thing, "schema_steps", thing) if isinstance(thing, type) else thing
    found = thing if isinstance(thing, list | tuple) else [thing]
    return [each for each in found if isinstance(each, SchemaStep)]


def all_steps():
    """Every step that hardy brings along, wherever it is written."""
    found = {}
    for package in pkgutil.walk_packages(hardy.adapters.__path__, "hardy.adapters."):
        module = importlib.import_module(package.name)
        for thing in list(vars(module).values()):
            found |= {each.name: each for each in steps_in(thing)}
    return list(found.values())


def lint(*steps):
    migrations = Migrations()
    migrations.require(steps)
    return [each.render() for each in migrations.lint()]


def test_every_step_of_hardy_is_clean():
    ledger = SchemaStep(name="hardy_migrations_0001", sqlite="", postgresql=LEDGER)
    assert lint(ledger, *all_steps()) == []


def test_steps_are_found_wherever_they_are_written():
    class Things:
        schema_steps = [SchemaStep(name="one", sqlite="", postgresql="")]

    assert [len(steps_in(each)) for each in (Things, Things.schema_steps, Things.schema_steps[0], 7)] == [1, 1, 1, 0]


@pytest.mark.parametrize("python", [False, True], ids=["sql", "python"])
def test_a_new_migration_is_clean(folder, python):
    path = folder.migrations.write('Add "a" note\\', python=python)
    assert path.name == ("0001_add_a_note.py" if python else "0001_add_a_note.sql")
    text = path.read_text()
    if python:
        compile(text, path, "exec")
    else:
        path.write_text(text.replace("\n\n\n", "\n\nalter table orders add column note text;\n\n"))
    assert folder.migrations.lint() == ()


def test_findings_name_the_line_and_the_rule(folder):
    folder.write("0001_a.sql", "create table orders (id bigint primary key);\n-- down\ndrop table orders;")
    folder.write("0002_b.sql", "-- add\n\nalter table orders\n  add column note text not null;")
    folder.write(
        "0003_c.sql", "-- squawk-ignore adding-required-field\nalter table orders add column more text not null;"
    )
    (found,) = folder.migrations.lint()
    assert (found.code, found.place.line, found.severity) == ("H0510", 4, "warning")
    assert found.notes == ("https://squawkhq.com/docs/adding-required-field",)


def test_what_is_no_transaction_is_looked_at_as_such(folder):
    folder.write("0001_a.sql", "create index concurrently if not exists a on orders (sku);")
    assert folder.migrations.lint() == ()
    folder.write("0001_a.sql", "create index a on orders (sku);")
    assert [each.notes[0].rpartition("/")[2] for each in folder.migrations.lint()] == [
        "require-concurrent-index-creation"
    ]
