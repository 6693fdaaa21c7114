"""What is used of asyncpg, with its types, of which it has none itself."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, cast

try:
    import asyncpg
except ModuleNotFoundError as error:
    raise ImportError("hardy.adapters.sql needs asyncpg. Install it with: pip install 'hardy[postgres]'") from error


class Kind(Protocol):
    """A type of PostgreSQL's."""

    name: str
    kind: str
    """``scalar``, ``array``, ``composite`` or ``range``."""


class Column(Protocol):
    """A column of an answer."""

    name: str
    type: Kind


class RawStatement(Protocol):
    """A prepared statement."""

    def get_parameters(self) -> tuple[Kind, ...]: ...
    def get_attributes(self) -> tuple[Column, ...]: ...
    def get_statusmsg(self) -> str | None: ...
    async def fetch(self, *args: object, timeout: float | None = None) -> list[tuple[object, ...]]: ...
    async def fetchrow(self, *args: object, timeout: float | None = None) -> tuple[object, ...] | None: ...


class RawConnection(Protocol):
    """A connection."""

    def is_closed(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...
    def terminate(self) -> None: ...
    async def prepare(self, query: str, *, timeout: float | None = None) -> RawStatement: ...
    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str: ...
    async def reset(self, *, timeout: float | None = None) -> None: ...
    async def close(self, *, timeout: float | None = None) -> None: ...
    async def copy_records_to_table(
        self,
        table_name: str,
        *,
        records: Iterable[Sequence[object]],
        columns: Sequence[str],
        schema_name: str | None = None,
        timeout: float | None = None,
    ) -> str: ...


if TYPE_CHECKING:

    class PostgresError(Exception):
        """What the server says."""

    class InterfaceError(Exception):
        """What asyncpg says."""

    class DataError(PostgresError):
        """A value that cannot be written."""

    class InvalidCachedStatementError(PostgresError):
        """A prepared statement whose tables have changed."""

    class OutdatedSchemaCacheError(PostgresError):
        """An answer whose types have changed."""

    class ConnectionDoesNotExistError(PostgresError):
        """The connection was lost."""

    class InternalClientError(Exception):
        """The server has said goodbye, and the connection is about to end; nothing was sent."""

else:
    PostgresError = asyncpg.PostgresError
    InterfaceError = asyncpg.InterfaceError
    DataError = asyncpg.DataError
    InvalidCachedStatementError = asyncpg.InvalidCachedStatementError
    OutdatedSchemaCacheError = asyncpg.exceptions.OutdatedSchemaCacheError
    ConnectionDoesNotExistError = asyncpg.ConnectionDoesNotExistError
    InternalClientError = asyncpg.InternalClientError

FAILURES = (PostgresError, InterfaceError, InternalClientError, OSError, TimeoutError)
"""What a conversation with the server may raise, other than cancellation."""
STALE = (InvalidCachedStatementError, OutdatedSchemaCacheError)
"""A prepared statement no longer fits the schema."""


async def connect(url: str, timeout: float, settings: dict[str, str]) -> RawConnection:
    """Open a connection; raises `FAILURES`."""
    # We keep our own prepared statements, and asyncpg's cache stays empty. It is left on all the same: without it
    # asyncpg gives prepared statements no name and has them parsed again at each execution, ours and SQLAlchemy's.
    opened = await asyncpg.connect(  # pyright: ignore[reportUnknownVariableType]  # untyped
        url,
        timeout=timeout,  # pyright: ignore[reportArgumentType]  # it takes fractions
        server_settings=settings,
    )
    return cast("RawConnection", opened)
