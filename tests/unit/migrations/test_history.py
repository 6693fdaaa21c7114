"""A folder becomes one line of migrations, or everything that is wrong with it."""

import pytest

from hardy.adapters.sql.migrations._history import read_folder


def names(folder, dialect="sqlite"):
    return [each.name for each in read_folder(folder.path, dialect)[0]]


def faults(folder, dialect="postgresql"):
    return [(each.code, each.title) for each in folder.migrations.check(dialect)]


def test_migrations_are_ordered_by_number(folder):
    for name in ["10_c.sql", "0002_b.py", "1_a.sql"]:
        folder.write(name, "select 1")
    assert names(folder) == ["1_a", "0002_b", "10_c"]


def test_what_is_no_migration_is_left_alone(folder):
    for name in ["README.md", "_draft.sql", "__init__.py", ".hidden.sql", "seed.sql", "seed.postgresql.sql", "seed.py"]:
        folder.write(name, "")
    assert names(folder) == []
    assert faults(folder) == []


def test_a_database_gets_the_variant_for_it(folder):
    folder.write("0001_a.sql", "select 1")
    folder.write("0001_a.postgresql.sql", "select 2")
    one = {dialect: read_folder(folder.path, dialect)[0][0].up[0].text for dialect in ("sqlite", "postgresql")}
    assert one == {"sqlite": "select 1", "postgresql": "select 2"}


def test_a_variant_for_one_database_is_nothing_on_the_other(folder):
    folder.write("0001_a.postgresql.sql", "select 2\n-- down\nselect 3")
    (there,), (here,) = (read_folder(folder.path, dialect)[0] for dialect in ("postgresql", "sqlite"))
    assert (len(there.up), len(there.down), here.up, here.down) == (1, 1, (), ())


def test_the_way_down_is_no_part_of_the_checksum(folder):
    folder.write("0001_a.sql", "select 1")
    before = read_folder(folder.path, "sqlite")[0][0]
    folder.write("0001_a.sql", "-- what it does\nselect 1;\n\n-- down\ndrop table a;")
    after = read_folder(folder.path, "sqlite")[0][0]
    assert (before.checksum, before.down, len(after.down)) == (after.checksum, None, 1)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("create index concurrently if not exists a on b (c)", id="create"),
        pytest.param("CREATE UNIQUE INDEX\n  CONCURRENTLY if not exists a on b (c)", id="create-unique"),
        pytest.param("select 1;\n-- down\ndrop index concurrently if exists a", id="on-the-way-down"),
        pytest.param("-- no transaction\nvacuum", id="as-told"),
        pytest.param("reindex table concurrently a", id="reindex"),
    ],
)
def test_what_cannot_be_in_a_transaction_is_in_none(folder, text):
    folder.write("0001_a.sql", text)
    assert faults(folder) == []
    assert not read_folder(folder.path, "postgresql")[0][0].atomic


@pytest.mark.parametrize("text", ["comment on table a is 'done concurrently'", "select 1 -- no transaction needed"])
def test_the_word_alone_changes_nothing(folder, text):
    folder.write("0001_a.sql", text)
    assert read_folder(folder.path, "postgresql")[0][0].atomic


@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        pytest.param("create index concurrently a on b (c)", "if not exists", id="index"),
        pytest.param("create table a (b int)", "if not exists", id="table"),
        pytest.param("drop table a", "if exists", id="drop"),
        pytest.param("alter table a add column b int", "if not exists", id="add-column"),
        pytest.param("insert into a values (1)", "on conflict do nothing", id="insert"),
    ],
)
def test_outside_of_a_transaction_every_statement_must_bear_repetition(folder, statement, remedy):
    folder.write("0001_a.sql", f"-- no transaction\nselect 1;\n{statement};")
    (fault,) = folder.migrations.check("postgresql")
    assert (fault.code, fault.place.line, fault.helps) == ("H0506", 3, (f"say `{remedy}` in it",))


@pytest.mark.parametrize("statement", ["begin", "BEGIN transaction", "commit", "rollback", "end", "start transaction"])
def test_a_migration_does_not_begin_or_end_transactions(folder, statement):
    folder.write("0001_a.sql", f"select 1;\n{statement};")
    (fault,) = folder.migrations.check("postgresql")
    assert (fault.place.line, fault.title.split("` ")[1][:28]) == (2, "begins or ends a transaction")


def test_a_migration_may_have_savepoints(folder):
    folder.write("0001_a.sql", "savepoint a; select 1; rollback to a; release a;")
    assert faults(folder) == []


def test_everything_wrong_is_told_at_once(folder):
    folder.write("orders.sql", "select 1")
    folder.write("0001_a.sql", "select 1")
    folder.write("0001_b.sql", "select 1")
    folder.write("0002_c.sql", "-- nothing")
    folder.write("0003_d.sql", "select 1;\n-- down\nselect 2;\n-- down")
    folder.write("0004_e.sql", "select 1")
    folder.write("0004_e.py", "")
    assert faults(folder) == [
        ("H0502", "`orders.sql` is no name of a migration"),
        ("H0502", "`0001_a.sql` and `0001_b.sql` have the same number"),
        ("H0502", "`0002_c.sql` has no statement"),
        ("H0502", "`0003_d.sql` has two parts `-- down`"),
        ("H0502", "`0004_e.sql` is there as SQL and as Python; keep one"),
    ]
    assert folder.migrations.check("sqlite")[1].helps[0].endswith("0005_b.sql")


def test_a_folder_that_is_not_there_is_named(tmp_path, folder):
    folder.path.rmdir()
    assert faults(folder)[0][1].startswith("the folder of migrations ")
