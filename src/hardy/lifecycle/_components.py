"""Opens components in order and closes them in reverse, whatever fails on the way."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

from hardy.core import ComponentClosed, ComponentOpened, Emit, shielded
from hardy.lifecycle._component import Component

Fill = Callable[[object], object]
"""Takes what a component yielded."""


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    component: Component
    wire: Callable[[], object]
    fill: Fill


class Components:
    """The components of one app, in the order of opening.

    When one cannot be opened, those before it are closed and its error is
    raised. Closing closes all of them, in reverse, though some fail; it is not
    interrupted by cancellation until its time is over. Both happen in one task.

    A component that swallows its cancellation cannot be stopped from within the
    process: closing waits for it, and a second signal ends the process.

    Args:
        emit: Told of each `ComponentOpened` and `ComponentClosed`.
        each: Seconds that closing one component may take.
        total: Seconds that closing all of them may take.

    Example:
        >>> import asyncio
        >>> from contextlib import asynccontextmanager
        >>> @asynccontextmanager
        ... async def database():
        ...     print("open")
        ...     yield "pool"
        ...     print("close")
        >>> components = Components()
        >>> components.add("database", database(), fill=print)
        >>> async def serve():
        ...     async with components:
        ...         print("serving")
        >>> asyncio.run(serve())
        open
        pool
        serving
        close
    """

    def __init__(self, emit: Emit = lambda notice: None, *, each: float = 5.0, total: float = 5.0) -> None:
        self._emit = emit
        self._each = each
        self._total = total
        self._entries: list[_Entry] = []
        self._open: list[_Entry] = []

    def add(
        self,
        name: str,
        component: Component,
        *,
        wire: Callable[[], object] = lambda: None,
        fill: Fill = lambda value: None,
    ) -> None:
        """Add a *component* behind those that are there.

        Args:
            wire: Called right before it is opened, when those before it are open.
            fill: Called with what the component yields, as soon as it does.
        """
        self._entries.append(_Entry(name, component, wire, fill))

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order of opening."""
        return tuple(entry.name for entry in self._entries)

    async def __aenter__(self) -> Self:
        """Open them all.

        Raises:
            BaseException: Whatever kept a component from opening, with a note of its name.
        """
        for entry in self._entries:
            started = monotonic()
            try:
                entry.wire()
                value = await entry.component.__aenter__()
                self._open.append(entry)
                entry.fill(value)
            except BaseException as error:
                error.add_note(f"while opening component `{entry.name}`")
                for failure in await self._close_all(error):
                    error.add_note(f"and then, while closing what was open: {failure!r}")
                raise
            self._emit(ComponentOpened(name=entry.name, seconds=monotonic() - started))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close them all.

        Raises:
            ExceptionGroup: Whatever failed while closing, each with a note of its component.
        """
        failures = await self._close_all(error)
        if failures:
            raise BaseExceptionGroup("some components failed to close", failures)

    async def _close_all(self, error: BaseException | None) -> list[BaseException]:
        failures: list[BaseException] = []
        try:
            await shielded(self._close_in_turn(error, failures), limit=self._total)
        except asyncio.CancelledError as cancelled:
            for failure in failures:
                cancelled.add_note(f"and a component failed to close: {failure!r}")
            raise
        return failures

    async def _close_in_turn(self, error: BaseException | None, failures: list[BaseException]) -> None:
        end = monotonic() + self._total
        while self._open:
            entry = self._open.pop()
            started = monotonic()
            failure = await self._close_one(entry, error, min(self._each, max(0.0, end - started)))
            if failure is not None:
                failure.add_note(f"while closing component `{entry.name}`")
                failures.append(failure)
            self._emit(ComponentClosed(name=entry.name, seconds=monotonic() - started, error=failure))

    async def _close_one(self, entry: _Entry, error: BaseException | None, seconds: float) -> BaseException | None:
        try:
            async with asyncio.timeout(seconds):
                if error is None:
                    await entry.component.__aexit__(None, None, None)
                else:
                    await entry.component.__aexit__(type(error), error, error.__traceback__)
        except (TimeoutError, asyncio.CancelledError) as late:
            reason = TimeoutError(f"not closed within {seconds:.3g} s")
            return late if isinstance(late, TimeoutError) and str(late) else reason
        except BaseException as failure:  # collected: the others are to be closed too
            return None if failure is error else failure
        return None
