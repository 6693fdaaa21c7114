"""One operation in flight."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from math import inf
from random import getrandbits
from typing import TYPE_CHECKING, cast

from hardy.core._certificate import ClientCertificate
from hardy.core._deadline import Deadline
from hardy.core._errors import Error
from hardy.core._logger import Logger, SilentLogger
from hardy.core._metadata import Metadata
from hardy.core._principal import Principal

if TYPE_CHECKING:
    from hardy.core._operation import Operation

_current: ContextVar["Call"] = ContextVar("hardy.call")
_SILENT = SilentLogger()


class _Unset:
    def __repr__(self) -> str:
        return "unset"


_UNSET = _Unset()
NOT_YET = _Unset()
"""What `Call.receive_now` returns where the message has to be waited for."""


@dataclass(frozen=True, slots=True)
class Written:
    """A reply as one transport has written it."""

    form: str
    """Names the transport and the binding: bytes of another form mean something else."""
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """What was made from the reply beside its body."""


class Call:
    """One operation in flight, from its arrival to its answer.

    Every transport makes its own kind of call, which knows how the message is
    read and the reply written; middleware and use cases see this class. A call
    belongs to one task. `message` and `principal` are written once, by the
    built-in middleware; a middleware never replaces the call itself.

    Args:
        operation: What is called.
        transport: How it came: ``"http"``, ``"grpc"``, ``"direct"``.
        metadata: What travelled beside the message.
        id: Names the call in logs and error answers; random when none is given.
        peer: Who is at the other end of the connection, for logs.
        timeout: Seconds the caller is willing to wait; it can only shorten the
            operation's own.

    Example:
        >>> async def ping(text: str) -> str:
        ...     return text
        >>> from hardy.core import Operation
        >>> Call(Operation.of(ping), "direct").operation.name
        'ping'
    """

    __slots__ = (
        "_identified",
        "_logger",
        "_message",
        "_metadata",
        "_principal",
        "_task",
        "_wish",
        "attached",
        "due",
        "id",
        "logger",
        "operation",
        "peer",
        "timeout",
        "transport",
    )

    def __init__(
        self,
        operation: "Operation",
        transport: str,
        *,
        metadata: Metadata | None = None,
        id: str | None = None,  # the word of the design; a call has an id
        peer: str = "",
        timeout: float | None = None,
    ) -> None:
        self.operation = operation
        self.transport = transport
        self.id = id or getrandbits(128).to_bytes(16).hex()  # as `new_call_id`
        self.peer = peer
        self.timeout = timeout
        self.due: float = inf
        self.attached: tuple[tuple[str, str], ...] = ()
        self.logger: Logger = _SILENT
        self._metadata = metadata
        self._message: object = _UNSET
        self._principal: Principal | None = None
        self._identified = False
        self._task: asyncio.Task[object] | None = None
        self._wish: Error | None = None
        self._logger: Logger | None = None

    def __repr__(self) -> str:
        return f"<Call {self.operation.name} {self.transport} {self.id}>"

    @property
    def deadline(self) -> Deadline:
        """The moment after which nobody waits for the call; ``due`` is the same as a number."""
        return Deadline(self.due)

    @deadline.setter
    def deadline(self, value: Deadline) -> None:
        self.due = value.at

    @property
    def metadata(self) -> Metadata:
        """What travelled beside the message."""
        if self._metadata is None:
            self._metadata = self.read_metadata()
        return self._metadata

    @property
    def message(self) -> object:
        """The message; of a client stream, the iterator over its items.

        Raises:
            RuntimeError: It has not been read yet: rules of ``allow=`` run before.
        """
        if self._message is _UNSET:
            raise RuntimeError("the message of this call is not read yet; rules and authenticators run before it is")
        return self._message

    @message.setter
    def message(self, value: object) -> None:
        if self._message is not _UNSET:
            raise RuntimeError("the message of a call is written once")
        self._message = value

    @property
    def principal(self) -> Principal | None:
        """Who is calling; ``None`` for nobody in particular, and before authentication."""
        return self._principal

    @principal.setter
    def principal(self, value: Principal | None) -> None:
        if self._identified:
            raise RuntimeError("the principal of a call is written once")
        self._principal = value
        self._identified = True

    @property
    def identified(self) -> bool:
        """Whether `principal` has been written: authenticators leave such a call alone."""
        return self._identified

    @property
    def certificate(self) -> ClientCertificate | None:
        """What the caller's verified TLS certificate says; ``None`` without one."""
        return self.read_certificate()

    @property
    def log(self) -> Logger:
        """A logger whose lines carry the call id and the operation."""
        if self._logger is None:
            self._logger = self.logger.bind(call=self.id, operation=self.operation.name)
        return self._logger

    @property
    def cancelled(self) -> Error | None:
        """Why the call was cancelled; ``None`` when it was not."""
        return self._wish

    @property
    def stepping(self) -> bool:
        """Whether the call's own task runs right now.

        Not so for code that is thrown away unfinished, when the loop has ended or the collector
        comes by: it gets a ``GeneratorExit`` and cannot await any more.
        """
        try:
            return self._task is not None and asyncio.current_task() is self._task
        except RuntimeError:  # no loop runs
            return False

    def cancel(self, reason: Error) -> None:
        """End the call with *reason* as its answer; the first reason counts.

        The use case and everything under it is cancelled at its next await.
        While the call's scope is closing the request is kept and delivered when
        the close is over. A call that has not started yet ends before its use
        case begins; one that has ended is left alone.
        """
        if self._wish is None:
            self._wish = reason
            if self._task is not None:
                self._task.cancel()

    def attach(self, name: str, value: str) -> None:
        """Send *name* with *value* beside the answer, be it a reply or an error.

        Over HTTP it is a header, over gRPC trailing metadata; what is attached
        after a stream's first item is out comes too late for HTTP.

        Args:
            name: In lower case.
            value: Printable ASCII.
        """
        self.attached = (*self.attached, (name, value))

    async def run(
        self, handler: "Callable[[Call], Awaitable[object]]", task: "asyncio.Task[object] | None" = None
    ) -> object:
        """Run *handler* in the current task as the body of this call.

        Transports call this once. A call that was cancelled by `cancel` ends
        with that reason, whatever *handler* made of it; a foreign
        ``task.cancel()`` stays a ``CancelledError``.

        Args:
            handler: The composed chain.
            task: The current task, from a transport that knows it: up to
                Python 3.11 asking asyncio costs a system call (``getpid``).
        """
        wish = self._wish  # by another name, for it may be made while the handler runs
        if wish is not None:
            raise wish
        if task is None:
            task = cast("asyncio.Task[object]", asyncio.current_task())
        self._task = task
        before = task.cancelling()
        token: Token[Call] = _current.set(self)
        try:
            reply = await handler(self)
        except (Exception, asyncio.CancelledError) as error:
            if self.cancelled is None:
                raise
            await self._settle(task, before)
            raise self.cancelled from (None if isinstance(error, asyncio.CancelledError) else error)
        finally:
            self._task = None
            _current.reset(token)
        if self._wish is None:
            return reply
        await self._settle(task, before)
        raise self._wish

    async def _settle(self, task: "asyncio.Task[object]", before: int) -> None:
        """Take back the request of `cancel`, which would hit what the task does next."""
        task.uncancel()
        try:
            await asyncio.sleep(0)  # where a request nobody has met yet is delivered
        except asyncio.CancelledError:
            if task.cancelling() > before:
                raise
        if task.cancelling() > before:  # somebody else wants the task gone as well
            raise asyncio.CancelledError

    def read_metadata(self) -> Metadata:
        """Return what travelled beside the message; asked once, at the first use."""
        return Metadata()

    def read_certificate(self) -> ClientCertificate | None:
        """Return what TLS has proved about the caller. A transport's own call does this."""
        return None

    async def receive(self) -> object:
        """Read and decode the message. A transport's own call does this.

        Raises:
            Malformed: The bytes are no message.
            InvalidMessage: The message breaks its rules.
        """
        return self.message

    def receive_now(self) -> object:
        """Decode the message when all of it is here; `NOT_YET` when it has to be waited for, with `receive`.

        Raises:
            Malformed: The bytes are no message.
            InvalidMessage: The message breaks its rules.
        """
        return NOT_YET

    def encode(self, reply: object) -> None:
        """Encode *reply* while the scope is still open. A transport's own call does this.

        A reply that cannot be encoded raises here, so the transaction rolls back.
        """

    def written(self) -> "Written | None":
        """Return what `encode` has made of the reply, to be sent again one day; ``None`` where nothing is sent."""
        return None

    def rewrite(self, reply: object, written: "Written") -> bool:
        """Answer with the very bytes of an earlier call, when they are in this call's form.

        Args:
            reply: What they stand for: middleware sees it, and may put another in its place.
            written: What `written` of the earlier call returned.

        Returns:
            Whether they are; otherwise *reply* is to be encoded.
        """
        return False

    async def send(self, item: object) -> None:
        """Send one *item* of a streaming reply; waits while the receiver is slow.

        Raises:
            RuntimeError: The operation does not stream its reply.
        """
        raise RuntimeError(f"{self.operation.name} does not stream its reply")


def new_call_id() -> str:
    """Return a random id for a call: 32 hexadecimal digits.

    It names a call and guards nothing, so the system's own randomness, which
    costs as much as all the rest of making a call, is not asked for.

    Example:
        >>> len(new_call_id())
        32
    """
    return getrandbits(128).to_bytes(16).hex()


def current_call() -> Call | None:
    """Return the call the running code works for; ``None`` outside of one.

    Tasks started inside a call see it too. A call to another service is a
    `Call` of its own and does not become the current one.
    """
    return _current.get(None)
