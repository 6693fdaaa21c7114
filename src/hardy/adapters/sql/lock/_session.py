"""The session that holds the locks: a connection of its own, asked one thing at a time."""

import asyncio
from typing import Self

from hardy.adapters.sql._asyncpg import FAILURES, PostgresError, RawConnection, RawStatement, connect
from hardy.adapters.sql._postgres_errors import is_loss, state_of, translate
from hardy.adapters.sql.lock._statements import ALIVE, ALIVE_OF_OLD, RELEASE, TAKE, key_of
from hardy.core import Unavailable

_UNKNOWN_SETTING = "42704"
"""Of ``idle_session_timeout`` before PostgreSQL 14."""


class LockSession:
    """One connection; what it holds is free again when it ends, however it ends.

    Args:
        timeout: Seconds that one statement may take.
    """

    def __init__(self, raw: RawConnection, timeout: float) -> None:
        self._raw = raw
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._prepared: dict[str, RawStatement] = {}
        self._can_idle = True

    @classmethod
    async def open(cls, url: str, timeout: float) -> Self:
        """Connect.

        Raises:
            OSError: Nobody answers; its subclass TimeoutError: not in time.
            PostgresError: The server does not let us in.
        """
        return cls(await connect(url, timeout, {"application_name": "hardy lock"}), timeout)

    @property
    def gone(self) -> bool:
        """Whether the connection is known to be over, and all that it held with it."""
        return self._raw.is_closed()

    async def take(self, name: str, idle: float) -> int | None:
        """Take *name* unless another session holds it, and return the token; end after *idle* silent seconds from now.

        Raises:
            Unavailable: The server does not answer; nothing is held.
        """
        try:
            found = await self._ask_alive(TAKE, key_of(name), idle)
        except BaseException:
            # The lock may be held without a token; statements do not fail in passing, so all is given up.
            self.terminate()
            raise
        return found if isinstance(found, int) else None

    async def stay(self, idle: float) -> None:
        """Show a sign of life; the server ends the session after *idle* seconds without another.

        Raises:
            Unavailable: The server does not answer.
        """
        await self._ask_alive("select $1::bigint, {alive}", 0, idle)

    async def _ask_alive(self, sql: str, number: int, idle: float) -> object:
        text = f"{max(1, round(idle * 1000))}"
        if self._can_idle:
            try:
                return await self._ask(sql.format(alive=ALIVE), number, text)
            except PostgresError as error:
                if state_of(error) != _UNKNOWN_SETTING:
                    raise
                self._can_idle = False
        return await self._ask(sql.format(alive=ALIVE_OF_OLD), number, text)

    async def release(self, name: str) -> bool:
        """Let go of *name*; return whether it was held.

        Raises:
            Unavailable: The server does not answer; whether it is held is not known.
        """
        return await self._ask(RELEASE, key_of(name)) is True

    def terminate(self) -> None:
        """End it without asking anybody."""
        self._raw.terminate()

    async def close(self) -> None:
        """End it politely, if that does not take long."""
        try:
            await self._raw.close(timeout=self._timeout)
        except Exception:  # it is over in any case, and nobody can do anything about how
            self._raw.terminate()

    async def _ask(self, sql: str, *words: object) -> object:
        async with self._turn:
            try:
                prepared = self._prepared.get(sql)
                if prepared is None:
                    prepared = self._prepared[sql] = await self._raw.prepare(sql, timeout=self._timeout)
                row = await prepared.fetchrow(*words, timeout=self._timeout)
            except TimeoutError as error:
                raise Unavailable("the database did not answer in time", retry_after=1) from error
            except FAILURES as error:
                if self.gone or is_loss(error):
                    self._raw.terminate()
                    raise Unavailable("the database cannot be reached", retry_after=1) from error
                known = translate(error)
                if known is error:
                    raise
                raise known from error
        return None if row is None else row[0]
