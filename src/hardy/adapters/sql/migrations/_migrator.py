"""Brings a database up to a history, and down again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import ClassVar, Self

from hardy.adapters.sql.migrations import _faults
from hardy.adapters.sql.migrations._driver import Driver
from hardy.adapters.sql.migrations._migration import Migration
from hardy.adapters.sql.migrations._standing import Standing
from hardy.adapters.sql.migrations._statements import split
from hardy.core import BuildFailed, Level, Told

PATIENCE = 600.0
"""Seconds to wait for another process that migrates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationApplied(Told):
    """A migration was applied to the database."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "migration applied"

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaAhead(Told):
    """A newer version of the service has migrated the database, as during a rolling update; this one goes on."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "the schema is of a newer version"

    migrations: tuple[str, ...]
    """The names of those that this version does not have."""


class Migrator:
    """A history and one database, while ``async with`` lasts.

    However many processes call `apply` at once, each migration is applied once;
    the others wait and find nothing left to do. A process that is killed leaves
    nothing half done: what was under way is undone by the database, or, where a
    migration is no transaction, done again from the statement that was under way.

    Example:
        >>> import asyncio, tempfile
        >>> from pathlib import Path
        >>> from hardy.adapters.sql.migrations import Migrations
        >>> async def main(folder: Path) -> None:
        ...     (folder / "0001_orders.sql").write_text("create table orders (id integer primary key)")
        ...     async with Migrations(folder).at(f"sqlite:///{folder}/orders.db") as migrator:
        ...         print([each.name for each in await migrator.apply()], await migrator.apply())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     asyncio.run(main(Path(folder)))
        ['0001_orders'] ()
    """

    def __init__(
        self,
        driver: Driver,
        history: Sequence[Migration],
        *,
        patience: float = PATIENCE,
        emit: Callable[[MigrationApplied], object] | None = None,
    ) -> None:
        self._driver = driver
        self._patience = patience
        self._emit = emit
        self.history = history

    async def __aenter__(self) -> Self:
        """Nothing is opened before it is asked for."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self._driver.close()

    async def standing(self) -> Standing:
        """Return how the database stands to the history; one query."""
        return Standing(self.history, await self._driver.records())

    async def verify(self) -> Standing:
        """Return the standing of a schema that is current.

        Raises:
            BuildFailed: It is behind (H0501), was changed (H0503), or left the line (H0504); exit code 6.
        """
        standing = await self.standing()
        faults = [*standing.faults(), *([_faults.behind(standing.pending)] if standing.pending else [])]
        if faults:
            raise BuildFailed(faults)
        return standing

    async def apply(self, *, to: str | None = None) -> tuple[Migration, ...]:
        """Apply what is pending, in order, and return it; when nothing is, one query is all that happens.

        Args:
            to: The name of the last one to apply; all when left out.

        Raises:
            BuildFailed: A migration failed (H0505), was changed (H0503), is late
                or missing (H0504), or others were in the way for too long (H0508).
        """
        if not self._wanted(await self.standing(), to):
            return ()
        async with self._driver.alone(self._patience):
            applied: list[Migration] = []
            for each in self._wanted(await self.standing(), to):  # others may have been here while we waited
                started = monotonic()
                if await self._driver.apply(each):
                    applied.append(each)
                    if self._emit is not None:
                        self._emit(MigrationApplied(name=each.name, seconds=monotonic() - started))
            return tuple(applied)

    def _wanted(self, standing: Standing, to: str | None) -> Sequence[Migration]:
        if faults := standing.faults():
            raise BuildFailed(faults)
        if to is None:
            return standing.pending
        last = self._named(to)
        return [each for each in standing.pending if each.number <= last.number]

    def _named(self, name: str) -> Migration:
        found = [each for each in self.history if each.path is not None and name in {each.name, str(each.number)}]
        if not found:
            raise LookupError(name)
        return found[0]

    async def rollback(self, count: int = 1) -> tuple[Migration, ...]:
        """Undo the last *count* migrations of the folder, newest first, and return them. hardy's own steps stay.

        Raises:
            BuildFailed: One cannot be undone (H0507), in which case none is; or the way down failed (H0505).
        """
        async with self._driver.alone(self._patience):
            standing = await self.standing()
            # A migration that was begun and is no transaction can be undone too: all of it can be repeated.
            begun = [each for each in standing.history if each.path is not None and standing.record_of(each)]
            undone = tuple(reversed(begun[len(begun) - min(count, len(begun)) :]))
            if stuck := [each for each in undone if each.kind == "sql" and each.down is None]:
                raise BuildFailed([_faults.no_way_down(each) for each in stuck])
            for each in undone:
                await self._driver.undo(each)
            return undone

    async def reset(self) -> tuple[Migration, ...]:
        """Remove everything that is in the database, then apply the whole history and return it. All data is lost."""
        async with self._driver.alone(self._patience):
            await self._driver.wipe()
            return tuple([each for each in self.history if await self._driver.apply(each)])

    async def execute(self, script: str, source: Migration) -> None:
        """Execute an SQL *script* that is no migration, in one transaction; *source* is named when it fails."""
        await self._driver.execute(split(script), source)

    async def draft(self, metadata: object) -> tuple[str, str]:
        """Return the bodies of ``upgrade`` and ``downgrade`` that lead from the database to SQLAlchemy's *metadata*."""
        return await self._driver.draft(metadata)
