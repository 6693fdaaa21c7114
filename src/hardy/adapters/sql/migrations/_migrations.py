"""Where a database's migrations are, and what becomes of them when it is opened."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from hardy.adapters.sql._schema_step import SchemaStep
from hardy.adapters.sql.migrations._driver import Driver
from hardy.adapters.sql.migrations._history import Dialect, own_steps, read_folder
from hardy.adapters.sql.migrations._lint import lint
from hardy.adapters.sql.migrations._migration import Migration
from hardy.adapters.sql.migrations._migrator import PATIENCE, MigrationApplied, Migrator, SchemaAhead
from hardy.adapters.sql.migrations._sqlite import Run, SqliteDriver
from hardy.adapters.sql.migrations._templates import next_path, python_text, sql_text
from hardy.core import BuildFailed, Diagnostic, Notices

Policy = Literal["apply", "verify", "ignore"]

_SQLITE = "sqlite:///"
_MEMORY = ":memory:"


class Migrations:
    """The migrations of one database: a folder of SQL files and Python revisions, after the steps of hardy's own parts.

    A folder belongs into the service's package, so that it is there wherever
    the service is installed: ``Path(__file__).parent / "migrations"``.

    Args:
        folder: The folder; without one there are only the steps that components bring.
        metadata: SQLAlchemy's ``MetaData`` of the service's ORM models, for ``hardy db revision --autogenerate``.

    Example:
        >>> Migrations().check("postgresql")
        ()
    """

    def __init__(self, folder: Path | None = None, *, metadata: object | None = None) -> None:
        self.folder = folder
        self.metadata = metadata
        self.steps: list[SchemaStep] = []
        """What managed components need; the app adds them before the database is opened."""
        self.notices: Notices | None = None

    def require(self, steps: Iterable[SchemaStep]) -> None:
        """Add *steps* that are not there yet."""
        known = {each.name for each in self.steps}
        self.steps += [each for each in steps if each.name not in known]

    def check(self, dialect: Dialect) -> Sequence[Diagnostic]:
        """Return everything that is wrong with the folder; no database is asked."""
        return () if self.folder is None else tuple(read_folder(self.folder, dialect)[1])

    def history(self, dialect: Dialect) -> Sequence[Migration]:
        """Return every migration in order, as *dialect* has it.

        Raises:
            BuildFailed: The folder is wrong (H0502, H0506).
        """
        found, faults = ([], []) if self.folder is None else read_folder(self.folder, dialect)
        if faults:
            raise BuildFailed(faults)
        return [*own_steps(self.steps, dialect), *found]

    def at(self, url: str, *, run: Run | None = None, patience: float = PATIENCE) -> Migrator:
        """Return what migrates the database at *url*.

        Args:
            url: ``sqlite:///...`` or ``postgresql://...``.
            run: What runs a function on the one connection of a database in memory.
            patience: Seconds to wait for another process that migrates.

        Raises:
            BuildFailed: The folder is wrong, or the URL is of no known database.
            ImportError: PostgreSQL is wanted and asyncpg is not installed.
        """
        driver = _driver(url, run)
        return Migrator(driver, self.history(driver.dialect), patience=patience, emit=self._applied)

    def lint(self) -> Sequence[Diagnostic]:
        """Return what squawk holds against the way up on PostgreSQL, hardy's own steps included.

        Raises:
            BuildFailed: The folder is wrong.
            ImportError: squawk is not installed.
        """
        return lint(self.history("postgresql"))

    def write(self, message: str, *, python: bool = False, bodies: Sequence[str] | None = None) -> Path:
        """Write a new migration with the next free number and return its file.

        Args:
            message: What it does, in a few words.
            python: A revision in Python instead of SQL.
            bodies: What ``upgrade`` and ``downgrade`` of a revision in Python do.

        Raises:
            ValueError: There is no folder to write to.
        """
        if self.folder is None:
            raise ValueError("these migrations have no folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = next_path(self.folder, message, ".py" if python else ".sql")
        path.write_text(python_text(message, bodies or ("pass", "pass")) if python else sql_text(message))
        return path

    async def bring_up(self, url: str, policy: Policy | None, *, run: Run | None = None) -> None:
        """Apply, verify, or leave alone: what a database does with its schema when it is opened.

        A database in memory is new each time, so there is nothing to verify in it.

        Raises:
            BuildFailed: The schema is behind and *policy* is ``"verify"``, or a migration failed (exit code 6).
        """
        if policy == "ignore" or (self.folder is None and not self.steps):
            return
        async with self.at(url, run=run) as migrator:
            if policy == "verify" and run is None:
                standing = await migrator.verify()
            else:
                standing = await migrator.standing()
                if not standing.is_current:
                    await migrator.apply()
        if standing.ahead:
            self._ahead(tuple(standing.ahead))

    def _applied(self, notice: MigrationApplied) -> None:
        if self.notices is not None:
            self.notices(notice)

    def _ahead(self, names: tuple[str, ...]) -> None:
        if self.notices is not None:
            self.notices(SchemaAhead(migrations=names))


def dialect_of(url: str) -> Dialect:
    """Return what the database at *url* speaks.

    Raises:
        BuildFailed: It is none that migrations are known for (H0282).
    """
    scheme = url.partition(":")[0]
    if scheme in {"postgresql", "postgres"}:
        return "postgresql"
    if url.startswith(_SQLITE):
        return "sqlite"
    raise BuildFailed([_unknown(scheme)])


def in_memory(url: str) -> bool:
    """Tell whether the database at *url* ends with its connection."""
    return url.removeprefix(_SQLITE) == _MEMORY


def _driver(url: str, run: Run | None) -> Driver:
    if dialect_of(url) == "sqlite":
        return SqliteDriver(url.removeprefix(_SQLITE), run)
    from hardy.adapters.sql.migrations._postgres import PostgresDriver

    return PostgresDriver(url)


def _unknown(scheme: str) -> Diagnostic:
    return Diagnostic(
        code="H0282",
        title=f"`{scheme}` is no database that hardy.adapters.sql speaks to",
        helps=("sqlite:///orders.db", "postgresql://orders@localhost/orders"),
    )
