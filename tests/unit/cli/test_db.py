"""`hardy db` looks at a database and changes it, and says what it did or what is wrong, and how to mend it."""

import json
import re
import sqlite3

import pytest

SERVICE = """
    from dataclasses import dataclass, field
    from pathlib import Path
    from typing import ClassVar

    import hardy
    from hardy import App
    from hardy.adapters.sql import Database, DatabaseSettings
    from hardy.adapters.sql.migrations import Migrations


    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings(hardy.Settings):
        prefix: ClassVar[str] = "SHOP"
        database: DatabaseSettings = field(default_factory=lambda: DatabaseSettings(url="sqlite:///shop.db"))


    def build(settings: Settings) -> App:
        app = App("shop", settings)
        app.manage(Database(settings.database, migrations=Path(__file__).parent / "migrations"))
        return app
"""
ORDERS = "create table orders (id bigint primary key, sku text not null);\n\n-- down\ndrop table orders;\n"
NOTE = "alter table orders add column note text;\n\n-- down\nalter table orders drop column note;\n"
FOLDER = "src/shop/migrations"


@pytest.fixture
def shop(project):
    """A service with two migrations, and no database yet."""
    project.write("src/shop/app.py", SERVICE)
    project.write(f"{FOLDER}/0001_orders.sql", ORDERS)
    project.write(f"{FOLDER}/0002_note.sql", NOTE)
    return project


def rows(sql):
    raw = sqlite3.connect("shop.db")
    try:
        return raw.execute(sql).fetchall()
    finally:
        raw.close()


def test_every_db_command_is_listed_and_has_help(hardy):
    listed = hardy("db", "--help").out
    for name in ("status", "migrate", "revision", "rollback", "reset", "seed", "lint"):
        assert re.search(rf"^  {name} ", listed, re.MULTILINE)
        done = hardy("db", name, "--help")
        assert (done.code, done.err) == (0, "")


def test_a_mistyped_db_command_is_told_the_closest(hardy):
    done = hardy("db", "migrat")
    assert (done.code, done.err.splitlines()[0]) == (2, 'error: no db command "migrat"; the closest is "migrate"')


def test_status_tells_what_is_pending(shop, hardy):
    done = hardy("db", "status")
    assert done.code == 6
    assert done.out.splitlines() == [
        "migration     state     applied at   source",
        f"0001_orders   pending                {FOLDER}/0001_orders.sql",
        f"0002_note     pending                {FOLDER}/0002_note.sql",
    ]
    assert done.err.splitlines() == [
        "sqlite:///shop.db: 0 applied, 2 pending",
        "apply what is pending with: hardy db migrate",
    ]
    assert not (shop.path / "shop.db").exists()  # looking makes no database


def test_migrate_applies_and_status_agrees(shop, hardy):
    done = hardy("db", "migrate")
    assert done.code == 0
    assert re.fullmatch(r"applied 0001_orders   \d+ ms\napplied 0002_note   \d+ ms\n", done.out)
    assert done.err == "sqlite:///shop.db: 2 migrations applied\n"
    assert hardy("db", "migrate").err == "sqlite:///shop.db: nothing to do\n"
    done = hardy("db", "status", "--json")
    told = json.loads(done.out)
    assert (done.code, told["current"]) == (0, True)
    assert [each["state"] for each in told["migrations"]] == ["applied", "applied"]


def test_migrate_can_stop_on_the_way(shop, hardy):
    assert hardy("db", "migrate", "--to", "0001_orders").code == 0
    assert [each[0] for each in rows("select name from hardy_migrations")] == ["0001_orders"]
    done = hardy("db", "migrate", "--to", "0002_not")
    assert (done.code, done.err.splitlines()[0]) == (2, 'error: no migration "0002_not"; the closest is "0002_note"')


def test_migrate_can_print_instead(shop, hardy):
    assert hardy("db", "migrate", "--to", "1").code == 0
    done = hardy("db", "migrate", "--sql")
    assert (done.code, done.out) == (0, "-- 0002_note\nalter table orders add column note text;\n")
    assert len(rows("select * from hardy_migrations")) == 1


def test_rollback_undoes_the_newest_first(shop, hardy):
    hardy("db", "migrate")
    assert hardy("db", "rollback").out == "undone 0002_note\n"
    assert hardy("db", "rollback", "5").out == "undone 0001_orders\n"
    assert rows("select name from sqlite_master where name = 'orders'") == []


def test_rollback_in_production_has_to_be_confirmed(shop, hardy, monkeypatch):
    hardy("db", "migrate")
    monkeypatch.setenv("SHOP_ENVIRONMENT", "production")
    done = hardy("db", "rollback")
    assert done.code == 2
    assert "say --yes where nobody can be asked" in done.err
    assert hardy("db", "rollback", "--yes").code == 0


def test_a_failing_migration_is_told_with_place_and_remedy(shop, hardy):
    shop.write(f"{FOLDER}/0003_broken.sql", "select 1;\nselect nowhere;\n")
    done = hardy("db", "migrate")
    assert done.code == 6
    assert done.err.splitlines() == [
        "error[H0505]: `0003_broken` failed: no such column: nowhere",
        f"  --> {FOLDER}/0003_broken.sql:2",
        "  |",
        "2 | select nowhere;",
        "  | ^^^^^^^^^^^^^^^",
        "  note: nothing of it is kept",
        "  help: correct it and run it again: hardy db migrate",
        "  more: hardy explain H0505",
    ]


def test_status_tells_drift_by_name(shop, hardy):
    hardy("db", "migrate")
    shop.write(f"{FOLDER}/0002_note.sql", NOTE.replace("note", "remark"))
    done = hardy("db", "status")
    assert done.code == 6
    assert re.search(r"^0002_note     changed   \d{4}-", done.out, re.MULTILINE)
    assert "error[H0503]: `0002_note` was changed after it was applied" in done.err
    assert f"git checkout -- {FOLDER}/0002_note.sql" in done.err


def test_check_looks_at_the_folder_too(shop, hardy):
    shop.write(f"{FOLDER}/0002_other.sql", "select 1;")
    done = hardy("check")
    assert done.code == 1
    assert "error[H0502]: `0002_note.sql` and `0002_other.sql` have the same number" in done.out
    assert f"mv {FOLDER}/0002_other.sql {FOLDER}/0003_other.sql" in done.out


@pytest.mark.parametrize(("flags", "name"), [((), "0003_add_a_note.sql"), (("--python",), "0003_add_a_note.py")])
def test_revision_writes_the_next_file(shop, hardy, flags, name):
    done = hardy("db", "revision", "add a note", *flags)
    assert (done.code, done.out) == (0, f"{FOLDER}/{name}\n")
    assert (shop.path / FOLDER / name).is_file()


def test_a_new_revision_in_python_can_be_applied_as_it_is(shop, hardy):
    hardy("db", "revision", "nothing yet", "--python")
    assert hardy("db", "migrate").code == 0
    assert hardy("db", "rollback", "3").code == 0


def test_autogenerate_needs_models(shop, hardy):
    done = hardy("db", "revision", "guess", "--autogenerate")
    assert done.code == 2
    assert "Migrations(folder, metadata=Base.metadata)" in done.err


def test_autogenerate_writes_what_leads_to_the_models(shop, hardy):
    models = """
    import sqlalchemy as sa

    METADATA = sa.MetaData()
    sa.Table("orders", METADATA, sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("price", sa.Integer))
"""
    shop.write("src/shop/models.py", models)
    named = 'Migrations(Path(__file__).parent / "migrations", metadata=METADATA)'
    service = SERVICE.replace('Path(__file__).parent / "migrations"', named)
    shop.write(
        "src/shop/app.py", service.replace("import hardy\n", "import hardy\n    from shop.models import METADATA\n", 1)
    )
    assert hardy("db", "revision", "price", "--autogenerate").code == 6  # the database has to be current
    assert hardy("db", "migrate").code == 0
    assert hardy("db", "revision", "price", "--autogenerate").out == f"{FOLDER}/0003_price.py\n"
    text = shop.read(f"{FOLDER}/0003_price.py")
    assert "batch_op.add_column(sa.Column('price', sa.Integer(), nullable=True))" in text
    assert "###" not in text
    assert hardy("db", "migrate").code == 0
    assert hardy("db", "revision", "again", "--autogenerate").err.endswith("nothing was written\n")


def test_reset_is_refused_where_nobody_says_that_it_is_no_production(shop, hardy):
    done = hardy("db", "reset", "--yes")
    assert done.code == 2
    assert done.err.startswith("error: a database is reset in dev and test only, and this is production")


def test_reset_has_to_be_confirmed(shop, hardy):
    done = hardy("db", "reset", "--environment", "dev")
    assert done.code == 2
    assert "all data of sqlite:///shop.db will be lost; say --yes" in done.err


def test_reset_begins_anew(shop, hardy):
    hardy("db", "migrate")
    shop.write(f"{FOLDER}/0002_note.sql", NOTE.replace("note", "remark"))
    assert hardy("db", "reset", "--environment", "dev", "--yes").code == 0
    assert rows("select name from pragma_table_info('orders')") == [("id",), ("sku",), ("remark",)]


def test_seed_runs_sql_in_one_transaction(shop, hardy):
    assert "there is no seed.sql and no seed.py in " in hardy("db", "seed").err
    hardy("db", "migrate")
    shop.write(f"{FOLDER}/seed.sql", "insert into orders (id, sku) values (1, 'tea');\ninsert into orders values (2);")
    done = hardy("db", "seed")
    assert done.code == 6
    assert "help: correct it and run it again: hardy db seed" in done.err
    shop.write(f"{FOLDER}/seed.sql", "insert into orders (id, sku) values (1, 'tea'), (2, 'cup');")
    assert hardy("db", "seed").code == 0
    assert rows("select sku from orders") == [("tea",), ("cup",)]


def test_seed_runs_a_function_with_a_session(shop, hardy):
    seed = """
        async def seed(session):
            await session.execute("insert into orders (id, sku) values (:id, :sku)", id=1, sku="tea")
    """
    shop.write(f"{FOLDER}/seed.py", seed)
    assert hardy("db", "seed").code == 0  # in dev opening the database applies what is pending
    assert rows("select sku from orders") == [("tea",)]
    shop.write(f"{FOLDER}/seed.py", "x = 1")
    assert "seed.py has no function `async def seed(session: Session) -> None`" in hardy("db", "seed").err


def test_lint_tells_what_speaks_against_a_migration(shop, hardy):
    assert hardy("db", "lint").out == "nothing is wrong\n"
    shop.write(f"{FOLDER}/0003_more.sql", "alter table orders add column more text not null;")
    done = hardy("db", "lint")
    assert done.code == 1
    assert done.out.startswith("warning[H0510]: `0003_more`: adding a new column that is `NOT NULL`")
    assert f"--> {FOLDER}/0003_more.sql:1" in done.out


def test_without_squawk_the_remedy_is_named(shop, hardy, monkeypatch):
    import sys

    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    done = hardy("db", "lint")
    assert (done.code, done.err.splitlines()[-1]) == (
        2,
        "error: hardy db lint needs squawk-cli. Install it with: pip install 'hardy[dev]'",
    )


@pytest.mark.parametrize(
    ("manages", "told"),
    [
        pytest.param("pass", "shop manages no Database; app.manage(Database(settings.database))", id="none"),
        pytest.param(
            "[app.manage(Database(DatabaseSettings(url=f'sqlite:///{n}.db'))) for n in 'ab']",
            "say --database N, where 1 is sqlite:///a.db, 2 is sqlite:///b.db",
            id="several",
        ),
        pytest.param(
            "app.manage(Database(DatabaseSettings(url='sqlite:///:memory:')))", "name a file or a server", id="memory"
        ),
    ],
)
def test_it_is_said_which_database_is_meant(shop, hardy, manages, told):
    one = 'app.manage(Database(settings.database, migrations=Path(__file__).parent / "migrations"))'
    shop.write("src/shop/app.py", SERVICE.replace(one, manages))
    done = hardy("db", "status")
    assert (done.code, told in done.err) == (2, True)


def test_one_of_several_databases_is_chosen_by_number(shop, hardy):
    one = 'app.manage(Database(settings.database, migrations=Path(__file__).parent / "migrations"))'
    shop.write("src/shop/app.py", SERVICE.replace(one, f"app.manage(Database(DatabaseSettings()))\n        {one}"))
    assert hardy("db", "status", "--database", "2").code == 6
    assert hardy("db", "status", "--database", "1").code == 0
    assert "there is no database 3" in hardy("db", "status", "--database", "3").err
