"""One connection to PostgreSQL and the statements prepared on it."""

import socket
import time
from typing import NamedTuple, cast

from hardy.adapters.sql._asyncpg import FAILURES, PostgresError, RawConnection, RawStatement, connect
from hardy.adapters.sql._postgres_errors import state_of
from hardy.adapters.sql._postgres_statement import PostgresStatement
from hardy.adapters.sql._postgres_values import Writer, writer_for

_MOST = 512
"""Statements kept prepared on a connection, the latest prepared."""
_SETTINGS = {
    # A read outside of a transaction can do nothing else, whatever functions it calls; transactions say what they are.
    "default_transaction_read_only": "on",
    # A statement whose client is gone ends, too.
    "client_connection_check_interval": "1000",
}

_UNKNOWN_SETTING = frozenset({"22023", "42704", "55P02"})


class Prepared(NamedTuple):
    """A statement that one connection knows."""

    statement: RawStatement
    writers: tuple[Writer, ...]
    columns: tuple[str, ...]


class Link:
    """A connection of the pool.

    What it lives through is decided by the transaction that uses it and by the pool.
    """

    __slots__ = ("checked_at", "dirty", "kept", "prepared", "raw")

    def __init__(self, raw: RawConnection) -> None:
        self.raw = raw
        self.prepared: dict[str, Prepared] = {}
        self.dirty = False
        """Whether something may be left behind in it that others must not find."""
        self.checked_at = time.monotonic()
        """When it last answered."""
        self.kept: dict[str, object] = {}
        """What others keep as long as it lives."""

    @property
    def gone(self) -> bool:
        """Whether it is known to be closed."""
        return self.raw.is_closed()

    async def prepare(self, what: PostgresStatement, timeout: float | None) -> Prepared:
        """Have the server prepare a statement that is not prepared yet."""
        statement = await self.raw.prepare(what.text, timeout=timeout)
        if not self.raw.is_in_transaction():
            # Outside of a transaction preparing begins one, which executing ends; but a value that cannot be sent
            # is noticed here, in between, and whoever had the connection next would be in that transaction.
            await self.script("select 1", timeout)
        found = Prepared(
            statement,
            tuple(writer_for(each) for each in statement.get_parameters()),
            tuple(each.name for each in statement.get_attributes()),
        )
        self.prepared[what.sql] = found
        if len(self.prepared) > _MOST:
            del self.prepared[next(iter(self.prepared))]
        return found

    async def script(self, sql: str, timeout: float | None) -> str:
        """Execute statements of our own in one round trip; returns the last one's tag."""
        return await self.raw.execute(sql, timeout=timeout)

    def terminate(self) -> None:
        """Close it without asking anybody."""
        self.prepared.clear()
        self.raw.terminate()

    async def close(self, timeout: float) -> None:
        """Close it, politely for so many seconds."""
        self.prepared.clear()
        try:
            await self.raw.close(timeout=timeout)
        except FAILURES:
            self.raw.terminate()


async def open_link(url: str, timeout: float) -> Link:
    """Open a connection.

    Raises:
        OSError: Nobody answers.
        TimeoutError: Nobody answers in time.
        PostgresError: The server does not let us in.
    """
    try:
        raw = await connect(url, timeout, _SETTINGS)
    except PostgresError as error:
        if state_of(error) not in _UNKNOWN_SETTING:
            raise
        # A platform on which the server cannot watch its clients.
        raw = await connect(url, timeout, {"default_transaction_read_only": "on"})
    _keep_alive(raw)
    return Link(raw)


def _keep_alive(raw: RawConnection) -> None:
    """Have the system notice a peer that vanished without a word."""
    transport = getattr(raw, "_transport", None)
    found = cast("socket.socket | None", None if transport is None else transport.get_extra_info("socket"))
    if found is None or found.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 25_000)):
        option = getattr(socket, name, None)  # not on every system
        if option is not None:
            found.setsockopt(socket.IPPROTO_TCP, option, value)
