"""What a database must be able to do to be migrated."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Protocol

from hardy.adapters.sql.migrations._history import Dialect
from hardy.adapters.sql.migrations._migration import Migration, Record
from hardy.adapters.sql.migrations._statements import Statement

KEPT_NOTHING = "nothing of it is kept"
KEPT_SOME = "what it did before is kept, and not done again"


class Driver(Protocol):
    """One database, seen by whoever migrates it. Whatever it cannot do is a `BuildFailed`."""

    dialect: ClassVar[Dialect]

    async def records(self) -> Sequence[Record]:
        """Return what was applied; one query."""
        ...

    def alone(self, patience: float) -> AbstractAsyncContextManager[None]:
        """Be the only process that migrates this database inside the block; wait up to *patience* seconds for it."""
        ...

    async def apply(self, migration: Migration) -> bool:
        """Apply *migration* and remember it; return ``False`` when somebody else has done so meanwhile."""
        ...

    async def undo(self, migration: Migration) -> None:
        """Undo *migration* and forget it."""
        ...

    async def execute(self, statements: Sequence[Statement], source: Migration) -> None:
        """Execute *statements* in one transaction, remembering nothing."""
        ...

    async def wipe(self) -> None:
        """Remove everything that is in the database."""
        ...

    async def draft(self, metadata: object) -> tuple[str, str]:
        """Return the bodies of ``upgrade`` and ``downgrade`` that lead from the database to *metadata*."""
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...
