"""The component: one connection that all callers share."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from hardy.adapters.redis._address import address_of
from hardy.adapters.redis._channels import Channels, Gap, Message, Subscription
from hardy.adapters.redis._connect import connect
from hardy.adapters.redis._errors import RedisError, translate
from hardy.adapters.redis._hiredis import ReplyError, Word, pack_command
from hardy.adapters.redis._link import Link
from hardy.adapters.redis._script import Script
from hardy.adapters.redis._settings import RedisSettings
from hardy.adapters.redis._statistics import RedisStatistics
from hardy.adapters.redis._wait import Wait, expire, minded, noted, too_late
from hardy.adapters.redis._wire import Wire
from hardy.core import (
    BuildFailed,
    DeadlineExceeded,
    Diagnostic,
    Emit,
    Notice,
    Notices,
    Unavailable,
    shielded,
)


class Redis:
    """A Redis or Valkey server, over one connection that all callers share.

    Commands issued in one turn of the event loop leave in one write, and their
    replies come in one read, so that a command costs microseconds and not a
    round trip of its own; nothing is configured for that. Nothing is sent a
    second time either: when a connection is lost, whoever waits is told, for
    only the caller knows whether repeating does harm.

    Managed by an app it is opened before serving and closed last. Unless the
    settings say ``required``, a server that is down keeps nothing from starting
    and nobody from being ready: what uses it decides what its absence means.

    Cancelling a caller, or its deadline, ends that caller's wait and nothing
    else. Blocking commands (``BLPOP`` and its like) and transactions over
    several commands (``MULTI``) do not belong on a shared connection: use a `Script`.

    Args:
        settings: Where it is.
        emit: Takes the notices `RedisConnected` and `RedisLost`.

    Example:
        >>> async def main(url: str) -> object:
        ...     async with Redis(RedisSettings(url=url)) as redis:
        ...         await redis.execute("SET", "tea", "green", "EX", 60)
        ...         return await redis.execute("GET", "tea")
    """

    def __init__(self, settings: RedisSettings, *, emit: Emit | None = None) -> None:
        self._address = address_of(settings)
        self._settings = settings
        self._emit: Emit = emit or _unheard
        self._channels = Channels()
        self._link: Link | None = None
        self._commands = self._failures = 0

    def wire(self, *, notices: Notices | None = None) -> None:
        """Tell *notices* what happens to the connection; called by the app."""
        if notices is not None and self._emit is _unheard:
            self._emit = notices

    async def __aenter__(self) -> Self:
        """Connect, or begin to try when there is no server.

        Raises:
            BuildFailed: The server does not let us in; or it cannot be reached and is required.
        """
        address, settings = self._address, self._settings
        link = Link(
            lambda: connect(address, settings, self._channels.receive),
            server=str(address),
            follower=self._channels,
            emit=self._emit,
        )
        link.start()
        try:
            await link.ready(settings.connect_timeout * 2)
        except Unavailable as error:
            if settings.required or isinstance(link.error, RedisError):
                await shielded(link.close())
                raise BuildFailed([_unusable(str(address), link.error or error)]) from link.error
        except BaseException:
            await shielded(link.close())
            raise
        self._link = link
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; whoever still waits is told that it was lost."""
        link, self._link = self._link, None
        if link is not None:
            await shielded(link.close())

    async def execute(self, *words: Word, timeout: float | None = None) -> object:
        """Send a command and return its reply: ``bytes``, ``int``, ``None``, or a list or dict of replies.

        Args:
            words: The command and its arguments.
            timeout: Seconds it may take, instead of the settings'; the call's deadline bounds it in any case.

        Raises:
            Unavailable: There is no connection, it was lost, the answer did not come in time, or the server says
                that it cannot now. The command may or may not have been carried out.
            DeadlineExceeded: The deadline of the call came first.
            RedisError: The server refuses the command.
        """
        return await self._ask(words, Wait(timeout))

    async def execute_many(
        self, commands: Sequence[Sequence[Word]], *, timeout: float | None = None
    ) -> Sequence[object]:
        """Send several commands at once and return their replies in order; no transaction, others may come between.

        Raises:
            Unavailable: As in `execute`; some may have been carried out.
            RedisError: The server refuses one of them; the others are carried out all the same.
        """
        packed = [pack_command(tuple(words)) for words in commands]
        wait = Wait(timeout)
        wire = await self._connected(wait)
        replies = await self._answers([wire.send(command) for command in packed], wait)
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise translate(str(reply))
        return replies

    async def run(
        self, script: Script, keys: Sequence[Word], words: Sequence[Word] = (), *, timeout: float | None = None
    ) -> object:
        """Run *script* in one round trip; two when the server has not seen it yet.

        Raises:
            Unavailable: As in `execute`.
            RedisError: The script fails.
        """
        return await self._run(script, keys, words, Wait(timeout))

    def subscribe(self, channel: str, message: Message, *, gap: Gap) -> Subscription:
        """Hand what is published on *channel* to *message*, from the moment at which *gap* is called.

        *gap* is called whenever messages may have been missed: at the
        beginning, when the connection ends, and when there is one again.
        """
        return self._channels.join(channel, message, gap)

    async def ping(self) -> None:
        """Ask the server for a sign of life, when it is required.

        Raises:
            Unavailable: It gives none.
        """
        if self._settings.required:
            await self.execute("PING")

    def statistics(self) -> RedisStatistics:
        """Return what happened so far and how it is now."""
        link = self._link
        return RedisStatistics(
            connected=link is not None and link.wire is not None,
            connections=0 if link is None else link.connections,
            commands=self._commands,
            writes=0 if link is None else link.writes,
            failures=self._failures,
        )

    async def _run(self, script: Script, keys: Sequence[Word], words: Sequence[Word], wait: Wait) -> object:
        tail = (len(keys), *keys, *words)
        try:
            return await self._ask(("EVALSHA", script.digest, *tail), wait)
        except RedisError as error:
            if error.code != "NOSCRIPT":
                raise
        return await self._ask(("EVAL", script.source, *tail), wait)

    async def _ask(self, words: tuple[Word, ...], wait: Wait) -> object:
        command = pack_command(words)
        wire = await self._connected(wait)
        reply = wire.send(command)
        answer = await self._answer(reply if wait.late is None else minded(reply, wait.late), wait)
        if isinstance(answer, ReplyError):
            raise translate(str(answer))
        return answer

    def _tell(self, *words: Word) -> None:
        """Send a command if there is a connection, and wait for nothing."""
        link = self._link
        if link is not None and link.wire is not None and not link.wire.lost.done():
            self._commands += 1
            link.wire.send(pack_command(words)).add_done_callback(noted)

    async def _connected(self, wait: Wait) -> Wire:
        link = self._link
        if link is None:
            raise Unavailable("the shared store is not open")
        wire = link.wire
        if wire is None or wire.lost.done():
            wire = await self._reconnected(link, wait)
        if wait.timeout is not None and wait.timeout > self._settings.timeout:
            wire.be_patient(wait.timeout)
        return wire

    async def _reconnected(self, link: Link, wait: Wait) -> Wire:
        limit, by_deadline = wait.limit(self._settings.timeout)
        try:
            return await link.ready(limit)
        except Unavailable:
            self._failures += 1
            if by_deadline and link.error is None:
                raise too_late(by_deadline=True) from None
            raise

    async def _answer(self, reply: "asyncio.Future[object]", wait: Wait) -> object:
        limit, by_deadline = wait.limit(self._settings.timeout)
        self._commands += 1
        timer = reply.get_loop().call_later(limit, expire, reply, by_deadline)
        try:
            return await reply
        except (Unavailable, DeadlineExceeded):
            self._failures += 1
            raise
        finally:
            timer.cancel()

    async def _answers(self, replies: "list[asyncio.Future[object]]", wait: Wait) -> list[object]:
        if not replies:
            return []
        *others, last = replies
        self._commands += len(others)
        try:
            # Replies come in order: when the last is there, all are.
            answer = await self._answer(last, wait)
            return [*(reply.result() for reply in others), answer]
        finally:
            for reply in others:
                if not reply.cancel():
                    noted(reply)


def _unheard(notice: Notice) -> None:
    """Nobody listens."""


def _unusable(server: str, error: Exception) -> Diagnostic:
    return Diagnostic(
        code="H0404",
        title=f"the Redis server at {server} cannot be used: {error or type(error).__name__}",
        helps=("check the address, the user and the password, and that the server speaks RESP3 (Redis 6, Valkey)",),
    )
