"""``hardy db migrate``, ``rollback``, ``reset`` and ``seed``: what changes a database."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from hardy.app import run_loop
from hardy.core import Notice, Notices
from hardy.tools.cli._db_chosen import Chosen, choose, database_options, no_such_migration, told
from hardy.tools.cli._style import note

if TYPE_CHECKING:
    from hardy.adapters.sql import Session
    from hardy.adapters.sql.migrations import Migration, Migrator


def _tell(chosen: Chosen) -> None:
    """Print each migration when it is applied."""
    from hardy.adapters.sql.migrations import MigrationApplied

    def tell(notice: Notice) -> None:
        assert isinstance(notice, MigrationApplied)
        print(f"applied {notice.name}   {notice.seconds * 1000:.0f} ms", flush=True)

    notices = Notices()
    notices.listen(tell, MigrationApplied)
    chosen.database.migrations.notices = notices


@click.command("migrate")
@database_options
@click.option("--to", metavar="NAME", help="The last one to apply, by name or number; all that are pending otherwise.")
@click.option("--sql", "as_sql", is_flag=True, help="Print what would be executed; execute nothing.")
def migrate(*, to: str | None, as_sql: bool, **given: object) -> int:
    """Apply what is pending.

    Any number of processes may do so at once: each migration is applied once.
    On PostgreSQL a migration waits at most a second for locks, then lets others
    go first and tries again, for two minutes.
    """
    chosen = choose(given)

    async def apply(migrator: "Migrator") -> "Sequence[Migration]":
        known = [each.name for each in migrator.history if each.path is not None]
        if to is not None and to not in known and all(to != str(int(name.split("_")[0])) for name in known):
            no_such_migration(to, known)
        if as_sql:
            return (await migrator.standing()).pending
        return await migrator.apply(to=to)

    if as_sql:
        print("\n".join(_as_sql(each) for each in chosen.run(apply)), end="")
        return 0
    _tell(chosen)
    told(len(chosen.run(apply)), chosen, "applied")
    return 0


def _as_sql(migration: "Migration") -> str:
    if migration.kind == "python":
        return f"-- {migration.name}: written in Python, see {migration.source}\n"
    how = "" if migration.atomic else ", outside of a transaction"
    return "".join([f"-- {migration.name}{how}\n", *(f"{each.text};\n" for each in migration.up)])


@click.command("rollback", short_help="Undo the last N migrations.")
@click.argument("count", type=click.IntRange(min=1), default=1, metavar="[N]")
@database_options
@click.option("--yes", is_flag=True, help="Do not ask, in production.")
def rollback(*, count: int, yes: bool, **given: object) -> int:
    """Undo the last N migrations, one when N is left out; hardy's own tables stay.

    When one of them does not say how it is undone, none is.
    """
    chosen = choose(given)
    if chosen.environment == "production":
        chosen.confirm(f"this undoes {count} of {chosen.shown} in production", yes=yes)

    async def undo(migrator: "Migrator") -> "Sequence[Migration]":
        return await migrator.rollback(count)

    undone = chosen.run(undo)
    for each in undone:
        print(f"undone {each.name}")
    told(len(undone), chosen, "undone")
    return 0


@click.command("reset", short_help="Empty the database and apply every migration; not in production.")
@database_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(*, yes: bool, **given: object) -> int:
    """Remove everything that is in the database, then apply every migration. Not in production.

    Here the environment has to be said: by the project, or by --environment dev.
    """
    chosen = choose(given, develop=False)
    if chosen.environment not in {"dev", "test"}:
        prefix = chosen.target.settings_class.prefix
        raise click.UsageError(
            f"a database is reset in dev and test only, and this is {chosen.environment}; "
            f"say that it is not: {prefix}_ENVIRONMENT=dev"
        )
    chosen.confirm(f"all data of {chosen.shown} will be lost", yes=yes)

    async def begin_anew(migrator: "Migrator") -> "Sequence[Migration]":
        return await migrator.reset()

    told(len(chosen.run(begin_anew)), chosen, "applied to an empty database")
    return 0


@click.command("seed", short_help="Fill the database by seed.sql or seed.py.")
@database_options
@click.option("--yes", is_flag=True, help="Do not ask, in production.")
def seed(*, yes: bool, **given: object) -> int:
    """Fill the database by seed.sql, or by seed.py, beside the migrations, in one transaction.

    seed.py has a function `async def seed(session: Session) -> None`.
    """
    chosen = choose(given)
    folder = chosen.database.migrations.folder
    names = ["seed.py", f"seed.{chosen.database.dialect}.sql", "seed.sql"]
    found = [folder / name for name in names if (folder / name).is_file()] if folder else []
    if not found:
        where = f"in {folder}" if folder else "for there are no migrations"
        raise click.UsageError(f"there is no seed.sql and no seed.py {where}")
    if chosen.environment == "production":
        chosen.confirm(f"this writes {found[0].name} into {chosen.shown} in production", yes=yes)
    _seed(chosen, found[0])
    note(f"{chosen.shown}: seeded by {found[0].name}")
    return 0


def _seed(chosen: Chosen, file: Path) -> None:
    from hardy.adapters.sql.migrations import Migration

    if file.suffix == ".py":
        run_loop(_call(chosen, _function_of(file)))
        return
    script = file.read_text(encoding="utf-8")

    async def execute(migrator: "Migrator") -> None:
        await migrator.verify()
        await migrator.execute(script, Migration(name=file.name, kind="sql", checksum="", path=file))

    chosen.run(execute)


async def _call(chosen: Chosen, function: "Callable[[Session], Awaitable[object]]") -> None:
    async with chosen.database as database, database.transaction(write=True) as session:
        await function(session)


def _function_of(file: Path) -> "Callable[[Session], Awaitable[object]]":
    import runpy

    function: object = runpy.run_path(str(file)).get("seed")
    if not inspect.iscoroutinefunction(function):
        raise click.UsageError(f"{file.name} has no function `async def seed(session: Session) -> None`")
    return cast("Callable[[Session], Awaitable[object]]", function)
