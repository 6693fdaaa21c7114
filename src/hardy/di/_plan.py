"""How one operation's needs are met: a call runs what was prepared and looks nothing up."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from hardy.core import Call, shielded
from hardy.di._closing import Opened, abort, finish, start
from hardy.di._provider import show
from hardy.di._registry import Getter

Body = Callable[[Call, dict[str, object]], Awaitable[object]]
"""What runs inside the scope, with the needs by parameter name."""

Frame = list[object]
"""The objects of one call, each at its own index."""

CLOSE_LIMIT = 5.0
"""Seconds that closing a call's scope may take once somebody wants the call to end."""


class Step(NamedTuple):
    """Makes one call-scoped port."""

    at: int
    """Where in the frame it goes."""
    build: Callable[[Frame], object]
    awaited: bool
    """Whether *build* returns a coroutine."""
    generator: bool
    """Whether *build* returns an async generator."""
    name: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the calls of one operation have in common."""

    needs: Callable[[Frame], dict[str, object]]
    """Picks the needs of the use case from a frame, by parameter name."""
    frame: Frame
    """What is the same for every call; copied at the start of each."""
    late: tuple[tuple[int, object], ...]
    """Ports of the app's scope, to be put into *frame* once they are open."""
    getters: tuple[tuple[int, Getter, Callable[[], Exception] | None], ...]
    """Built-in needs, and what to raise where one has no value in a call."""
    steps: tuple[Step, ...]


class Plan:
    """Meets the needs of one operation, call after call.

    Call-scoped ports are made in the order of their needs, once per call, and
    ended in reverse when the body is over, before its reply is handed on. A
    body that fails is thrown into each open generator; the call fails with that
    error even if a generator swallows it or fails in turn (that is logged and
    noted on the error). A generator that fails while ending, as a commit does,
    makes the call fail. Ending happens in the call's task and is not
    interrupted by cancellation for 5 seconds.

    Made by `Container.plan`.

    Attributes:
        run: Opens the call's scope, awaits ``body(call, needs)`` in it, closes it, and returns the reply.
            Raises `Unauthenticated` when the operation needs a `Principal` and nobody is signed in, and
            `RuntimeError` when it needs a port of the app's scope and the container is not open, or a
            provider does not yield exactly once. Look it up for each call: after the first it is another,
            with nothing left to decide.
    """

    __slots__ = ("_constants", "_frame", "_prepared", "_values", "run")

    def __init__(self, prepared: Prepared, values: Mapping[object, object]) -> None:
        self._prepared = prepared
        self._values = values
        self._frame = prepared.frame
        self._constants: dict[str, object] = {}
        self.run: Callable[[Call, Body], Awaitable[object]] = self._bind

    @property
    def is_empty(self) -> bool:
        """Whether the operation needs nothing: its calls may do without the plan."""
        prepared = self._prepared
        return not (prepared.steps or prepared.getters or prepared.late or prepared.needs(prepared.frame))

    def unbind(self) -> None:
        """Forget what lives as long as the app: it was closed."""
        self.run = self._bind

    def _bind(self, call: Call, body: Body) -> Awaitable[object]:
        """Run the first call: by now everything that is made once per app is there."""
        for index, port in self._prepared.late:
            if port not in self._values:
                raise RuntimeError(f"`{show(port)}` is not there yet: open the container before the first call")
            self._frame[index] = self._values[port]
        self._constants = self._prepared.needs(self._frame)
        if self._prepared.steps:
            self.run = self._scoped
        else:
            self.run = self._direct if self._prepared.getters else self._constant
        return self.run(call, body)

    def _constant(self, call: Call, body: Body) -> Awaitable[object]:
        return body(call, self._constants.copy())

    def _direct(self, call: Call, body: Body) -> Awaitable[object]:
        frame = self._read(call)
        return body(call, self._prepared.needs(frame))

    def _read(self, call: Call) -> Frame:
        frame = self._frame.copy()
        for index, get, absent in self._prepared.getters:
            value = get(call)
            if value is None and absent is not None:
                raise absent()
            frame[index] = value
        return frame

    async def _scoped(self, call: Call, body: Body) -> object:
        frame = self._read(call)
        opened: Opened = []
        try:
            for index, build, awaited, generator, name in self._prepared.steps:
                made = build(frame)
                if generator:
                    running = cast("AsyncGenerator[object, None]", made)
                    made = await start(name, running)
                    opened.append((name, running))
                elif awaited:
                    made = await cast("Awaitable[object]", made)
                frame[index] = made
            reply = await body(call, self._prepared.needs(frame))
        except GeneratorExit as error:
            if not call.stepping:  # the loop is gone: nothing can be awaited any more
                raise
            raised = RuntimeError("a GeneratorExit was raised")
            await shielded(abort(opened, raised, call), limit=CLOSE_LIMIT)
            raise raised from error
        except BaseException as error:
            if opened:
                await shielded(abort(opened, error, call), limit=CLOSE_LIMIT)
            raise
        if opened:
            await shielded(finish(opened, call), limit=CLOSE_LIMIT)
        return reply
