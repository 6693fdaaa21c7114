"""The outermost middleware: sees every call end, says so, and lets nothing but our errors out."""

import time
from asyncio import CancelledError, current_task

from hardy.core import (
    Call,
    CallEnded,
    Cancelled,
    Clock,
    Code,
    Emit,
    Error,
    Handler,
    Internal,
    Layer,
    Logger,
    Operation,
)
from hardy.telemetry._logger import BoundLogger, Level
from hardy.telemetry._prepared import Ended

DEFECTS = frozenset({Code.INTERNAL, Code.UNKNOWN, Code.DATA_LOSS})
"""Codes that mean somebody has to look: logged with a traceback."""

_TROUBLE = DEFECTS | {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}


def observe(logger: Logger, emit: Emit | None = None, clock: Clock | None = None) -> Layer:
    """Make the middleware that stands around all others.

    For each call, of whatever transport and kind, it

    - gives the call its logger (``call.log``);
    - writes one line ``call`` with operation, transport, code, milliseconds,
      call id, principal and peer: a warning for UNAVAILABLE, DEADLINE_EXCEEDED
      and defects, info for all else, for an error the caller made is no trouble here;
    - writes one more line ``call failed`` with the traceback when the code is
      INTERNAL, UNKNOWN or DATA_LOSS, and for nothing else;
    - emits `CallEnded`;
    - turns whatever is no `hardy.Error` into ``Internal("internal error")``,
      the original as its ``__cause__``. That includes `RecursionError`,
      `MemoryError`, groups, and a `SystemExit` or `KeyboardInterrupt` of the use case:
      it ends the call, not the process (signals reach a service by other ways);
    - turns a `CancelledError` that nobody asked for into ``Cancelled``: the use
      case awaited something that was cancelled.

    What passes through untouched: a `CancelledError` that was asked for (logged with the
    reason of ``call.cancel``, which `Call.run` raises), a `GeneratorExit` where
    the call is thrown away unfinished, for nothing can be awaited then, and the
    `KeyboardInterrupt` of a command, where somebody sits at the terminal.

    Args:
        logger: Where the lines go.
        emit: Takes the notice; must be quick and must not raise.
        clock: Measures; the machine's own when none is given.

    Example:
        >>> import asyncio, io
        >>> from hardy.core import Call, Operation, compose
        >>> from hardy.telemetry import make_logger
        >>> async def broken() -> str: ...
        >>> async def handler(call):
        ...     raise SystemExit(1)
        >>> chain = compose([observe(make_logger(stream=io.StringIO()))], handler)
        >>> asyncio.run(chain(Call(Operation.of(broken), "direct")))
        Traceback (most recent call last):
        hardy.core.Internal: internal error
    """
    monotonic, now = time.monotonic if clock is None else clock.monotonic, time.time
    lines = _AccessLog(logger)
    known = lines.known

    def ended(call: Call, code: Code | None, started: float) -> None:
        seconds = monotonic() - started
        if emit:
            emit(CallEnded(call=call, code=code, seconds=seconds))
        write = known.get((call.operation, call.transport, code)) or lines.prepare(call, code)
        principal = call.principal
        write(
            now(), int(seconds * 1_000_000) / 1000, call.id, None if principal is None else principal.subject, call.peer
        )

    def around(proceed: Handler) -> Handler:
        async def observing(call: Call) -> object:
            call.logger = logger
            started = monotonic()
            try:
                reply = await proceed(call)
            except Error as error:
                if error.code in DEFECTS:
                    call.log.exception("call failed", code=error.code.name)
                ended(call, error.code, started)
                raise
            except CancelledError as error:
                ended(call, call.cancelled.code if call.cancelled else Code.CANCELLED, started)
                if call.cancelled is None and _is_made_up(call):
                    raise Cancelled("the call was cancelled") from error
                raise
            except BaseException as error:
                if _is_the_end(error, call):
                    raise
                call.log.exception("call failed", code=Code.INTERNAL.name)
                ended(call, Code.INTERNAL, started)
                raise Internal("internal error") from error
            ended(call, None, started)
            return reply

        return observing

    return Layer(around)


class _AccessLog:
    """What writes the line of a call that has ended: one for each operation, transport and code.

    Most of such a line is the same each time, so it is prepared at the first one.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self.known: dict[tuple[Operation, str, Code | None], Ended] = {}

    def prepare(self, call: Call, code: Code | None) -> Ended:
        """Prepare the line of calls like this one."""
        kind = call.operation, call.transport, code
        self.known[kind] = write = self._prepare(*kind)
        return write

    def _prepare(self, operation: Operation, transport: str, code: Code | None) -> Ended:
        level: Level = "warning" if code in _TROUBLE else "info"
        common = {"operation": operation.name, "transport": transport, "code": "OK" if code is None else code.name}
        if isinstance(self._logger, BoundLogger):
            return self._logger.prepared(level, "call", **common)
        plain = self._logger.warning if level == "warning" else self._logger.info

        def write(at: float, ms: float, call: str, principal: str | None, peer: str) -> None:
            plain("call", **common, ms=ms, call=call, principal=principal, peer=peer)

        return write


def _is_the_end(error: BaseException, call: Call) -> bool:
    """Whether the call is thrown away unfinished, or the operator interrupts a command at the terminal."""
    if isinstance(error, KeyboardInterrupt):
        return call.transport == "command"
    return isinstance(error, GeneratorExit) and not call.stepping


def _is_made_up(call: Call) -> bool:
    """Whether nobody asked for this cancellation: it came out of something the use case awaited."""
    task = current_task() if call.stepping else None
    return task is not None and not task.cancelling()
