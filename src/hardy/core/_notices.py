"""What the framework did, told as frozen facts in the past tense.

Logs, metrics, dashboard and tests read the same notices. A mechanism takes an
`Emit`; `Notices` is the one that several listeners share.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hardy.core._call import Call
from hardy.core._codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the framework did. Each kind is a subclass named in the past tense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Notice):
    """A call is over, its reply not necessarily on the wire yet."""

    call: Call
    code: Code | None
    """``None`` when it succeeded."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentOpened(Notice):
    """A component was opened."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentClosed(Notice):
    """A component was closed, or failed to."""

    name: str
    seconds: float
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed(Notice):
    """A supervised background task ended with an error."""

    name: str
    error: BaseException
    restart_in: float | None
    """Seconds until it is started again; ``None`` when it is given up."""


Emit = Callable[[Notice], None]
"""Takes a notice. It must be quick and must not raise."""


class Notices:
    """Hands each notice to every listener, in the order they came.

    Example:
        >>> seen = []
        >>> notices = Notices()
        >>> notices.listen(seen.append)
        >>> notices(ComponentOpened(name="database", seconds=0.1))
        >>> seen[0].name
        'database'
    """

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: tuple[Emit, ...] = ()

    def listen(self, listener: Emit) -> None:
        """Add a *listener*; the same one twice hears twice."""
        self._listeners = (*self._listeners, listener)

    def __bool__(self) -> bool:
        """Whether anybody listens: on a hot path ``if emit:`` saves making a notice for nobody."""
        return bool(self._listeners)

    def __call__(self, notice: Notice) -> None:
        """Hand *notice* to every listener."""
        for listener in self._listeners:
            listener(notice)
