"""Which database a ``hardy db`` command works on."""

import sys
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from hardy.app import databases_of, run_loop
from hardy.config import redact_url
from hardy.tools.cli._group import no_such
from hardy.tools.cli._options import options_of, service_options
from hardy.tools.cli._style import note
from hardy.tools.cli._target import Target

if TYPE_CHECKING:
    from hardy.adapters.sql import Database
    from hardy.adapters.sql.migrations import Migrator

P = ParamSpec("P")
R = TypeVar("R")


def database_options(function: Callable[..., R]) -> Callable[..., R]:
    """Add what says which database is meant: ``--service --database``, and where settings come from."""
    which = click.option("--database", metavar="N", type=click.IntRange(1), help="Which, of several that it manages.")
    return service_options(which(function))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A database of a service, nothing opened yet."""

    target: Target
    database: "Database"

    @property
    def url(self) -> str:
        """Where it is."""
        return self.database.settings.url

    @property
    def shown(self) -> str:
        """Where it is, for people."""
        return redact_url(self.url)

    @property
    def environment(self) -> str:
        """Where the service would run."""
        return self.target.loaded.settings.environment

    def run(self, work: "Callable[[Migrator], Coroutine[object, object, R]]") -> R:
        """Do *work* with what migrates the database, and close it.

        Raises:
            UsageError: The database is in memory: nobody else would see it.
        """
        if self.database.worker_local:
            raise click.UsageError(
                f"{self.shown} is gone when its process ends; name a file or a server in the settings"
            )

        async def main() -> R:
            async with self.database.migrations.at(self.url) as migrator:
                return await work(migrator)

        return run_loop(main())

    def confirm(self, what: str, *, yes: bool) -> None:
        """Ask on a terminal whether to do *what*; elsewhere ``--yes`` has to say so.

        Raises:
            UsageError: Nobody can be asked.
            Abort: The answer is no.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError(f"{what}; say --yes where nobody can be asked")
        click.confirm(f"{what}: go on?", abort=True, err=True)


def choose(given: dict[str, object], *, develop: bool = True) -> Chosen:
    """Return the database that the options of a command mean.

    Args:
        given: The options, taken out of it.
        develop: Whether the environment is dev unless the project says another.

    Raises:
        UsageError: The service manages none, or several.
    """
    number = given.pop("database", None)
    target = options_of(given).target()
    if develop:
        target = target.for_development()
    databases = databases_of(target.app)
    if not databases:
        raise click.UsageError(f"{target.app.name} manages no Database; app.manage(Database(settings.database))")
    if number is None and len(databases) > 1:
        listed = ", ".join(f"{index} is {redact_url(each.settings.url)}" for index, each in enumerate(databases, 1))
        raise click.UsageError(f"{target.app.name} manages several databases; say --database N, where {listed}")
    if number is None:
        return Chosen(target=target, database=databases[0])
    assert isinstance(number, int)
    if number > len(databases):
        raise click.UsageError(f"there is no database {number}; {target.app.name} manages {len(databases)}")
    return Chosen(target=target, database=databases[number - 1])


def no_such_migration(name: str, known: Iterable[str]) -> None:
    """Refuse a name that no migration has.

    Raises:
        UsageError: Always.
    """
    no_such("migration", name, known, None)


def told(number: int, chosen: Chosen, done: str) -> None:
    """Say in one line what was done to how many migrations."""
    note(
        f"{chosen.shown}: {number} migration{'' if number == 1 else 's'} {done}"
        if number
        else f"{chosen.shown}: nothing to do"
    )
