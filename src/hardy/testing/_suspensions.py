"""Counts the suspensions of a call and says where each is."""

import types
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import cast

from hardy.core import Call, Handler

_HERE = Path.cwd()


class Suspensions:
    """A middleware around whole calls that does something when one is suspended for the n-th time.

    It looks at the calls of one operation only, and at none unless it is armed.
    """

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._at = 0
        self._act: Callable[[Call], None] | None = None
        self.met = False
        """Whether the suspension was reached."""
        self.where: tuple[str, ...] = ()
        """The lines that awaited there, the innermost first."""

    def arm(self, at: int, act: Callable[[Call], None]) -> None:
        """Have ``act(call)`` called when the next call is suspended for the *at*-th time."""
        self._at, self._act, self.met, self.where = at, act, False, ()

    def disarm(self) -> None:
        """Look at no call."""
        self._act = None

    async def __call__(self, call: Call, proceed: Handler) -> object:
        """Carry the call out, counting."""
        act, self._act = (self._act, None) if call.operation.name == self._operation else (None, self._act)
        if act is None:
            return await proceed(call)
        return await self._count(call, cast("Coroutine[object, object, object]", proceed(call)), act)

    @types.coroutine
    def _count(
        self, call: Call, work: Coroutine[object, object, object], act: Callable[[Call], None]
    ) -> Generator[object, object, object]:
        seen = 0
        error: BaseException | None = None
        while True:
            try:
                awaited = work.send(None) if error is None else work.throw(error)
            except StopIteration as stop:
                return cast("object", stop.value)
            seen += 1
            if seen == self._at:
                self.met, self.where = True, _where(work)
                act(call)
            error = None
            try:
                yield awaited
            except BaseException as thrown:  # whatever it is, it is for the call
                error = thrown


def _where(awaitable: object) -> tuple[str, ...]:
    lines: list[str] = []
    at: object = awaitable
    while at is not None:
        frame: object = next(
            (found for name in ("cr_frame", "gi_frame", "ag_frame") if (found := getattr(at, name, None))), None
        )
        if isinstance(frame, types.FrameType):
            lines.append(f"{_short(frame.f_code.co_filename)}:{frame.f_lineno} in {frame.f_code.co_name}")
        at = next(
            (found for name in ("cr_await", "gi_yieldfrom", "ag_await") if (found := getattr(at, name, None))), None
        )
    return tuple(reversed(lines))


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(_HERE)) if path.is_relative_to(_HERE) else file
