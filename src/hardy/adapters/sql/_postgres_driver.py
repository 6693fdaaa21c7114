"""PostgreSQL, spoken to with asyncpg."""

import time
from typing import ClassVar

from hardy.adapters.sql._asyncpg import FAILURES
from hardy.adapters.sql._postgres_pool import PostgresPool, open_first
from hardy.adapters.sql._postgres_transaction import PostgresTransaction
from hardy.adapters.sql._settings import DatabaseSettings
from hardy.adapters.sql._statistics import Counts
from hardy.adapters.sql._terms import Dialect, Terms
from hardy.adapters.sql._watch import Watch
from hardy.core import BuildFailed, Diagnostic, Unavailable, shielded

_OPENING = 10.0
"""Seconds to wait for the database at the start."""
_LOCK = 4_921_316_087
"""The advisory lock under which a schema is executed: several processes that start at once take turns."""


class PostgresDriver:
    """The PostgreSQL database at *url*."""

    dialect: ClassVar[Dialect] = "postgresql"

    def __init__(self, url: str, settings: DatabaseSettings, counts: Counts, watch: Watch) -> None:
        self._url = url
        self._settings = settings
        self._counts = counts
        self._watch = watch
        self._pool = self._new_pool(url)
        self._replicas: list[PostgresPool] = []
        self._next = 0
        self._writing: set[str] = set()

    def _new_pool(self, url: str) -> PostgresPool:
        settings = self._settings
        return PostgresPool(url, self._counts, most=settings.connections, timeout=settings.acquire_timeout)

    @property
    def connections(self) -> int:
        """How many are open."""
        return sum(each.connections for each in (self._pool, *self._replicas))

    @property
    def idle(self) -> int:
        """How many of them nobody uses."""
        return sum(each.idle for each in (self._pool, *self._replicas))

    async def open(self, schema: str | None) -> None:
        """Open the first connection and execute *schema*.

        Raises:
            BuildFailed: The database cannot be reached, or the schema is wrong.
        """
        self._pool = self._new_pool(self._url)
        # Copies are connected to when they are needed: the service starts without them.
        self._replicas = [self._new_pool(url) for url in self._settings.replica_urls]
        script = f"begin read write; select pg_advisory_xact_lock({_LOCK});\n{schema}\n;commit" if schema else ""
        try:
            await open_first(self._pool, script, _OPENING)
        except (Unavailable, *FAILURES, ValueError) as error:
            await shielded(self.close())
            raise BuildFailed([_unusable(error)]) from error
        except BaseException:
            await shielded(self.close())
            raise

    def begin(self, terms: Terms) -> PostgresTransaction:
        """Return a transaction that has not begun yet."""
        pools = self._readable() if terms.replica and self._replicas else (self._pool,)
        return PostgresTransaction(pools, self._counts, self._watch, terms, writing=self._writing)

    def _readable(self) -> list[PostgresPool]:
        """Return the copies in turn, those that answer first, and the database itself last."""
        self._next = (self._next + 1) % len(self._replicas)
        now = time.monotonic()
        copies = [*self._replicas[self._next :], *self._replicas[: self._next]]
        return [*(each for each in copies if each.unreachable_until < now), self._pool]

    async def close(self) -> None:
        """Stop what still runs and close every connection."""
        for each in (*self._replicas, self._pool):
            await each.close()


def _unusable(error: BaseException) -> Diagnostic:
    reason = error.__cause__ if isinstance(error, Unavailable) and error.__cause__ is not None else error
    return Diagnostic(
        code="H0401",
        title=f"the PostgreSQL database cannot be used: {reason}",
        helps=("check host, port, name, user and password of its URL, that it runs, and that the schema is valid SQL",),
    )
