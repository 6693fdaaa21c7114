"""What the framework did, told as frozen facts in the past tense.

Logs, metrics, dashboard and tests read the same notices. A mechanism takes an
`Emit`; `Notices` is the one that several listeners share.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from hardy.core._call import Call
from hardy.core._codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the framework did. Each kind is a subclass named in the past tense."""


Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Notice):
    """A notice that the log tells, with its fields: somebody may have to know of it.

    Example:
        >>> @dataclass(frozen=True, slots=True, kw_only=True)
        ... class WellRanDry(Told):
        ...     level: ClassVar[Level] = "warning"
        ...     says: ClassVar[str] = "there is no more water"
        ...
        ...     depth: float
        >>> WellRanDry(depth=7.5).says
        'there is no more water'
    """

    level: ClassVar[Level] = "info"
    """How loudly."""
    says: ClassVar[str] = ""
    """The event of its line."""


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
    before: int = 0
    """Failures in a row before this one."""
    ran: float = 0.0
    """Seconds that it ran."""


Emit = Callable[[Notice], None]
"""Takes a notice. It must be quick and must not raise."""


class Notices:
    """Hands each notice to whoever listens for its kind, in the order they came.

    Example:
        >>> seen = []
        >>> notices = Notices()
        >>> notices.listen(seen.append)
        >>> notices(ComponentOpened(name="database", seconds=0.1))
        >>> seen[0].name
        'database'
    """

    __slots__ = ("_channels", "_listeners")

    def __init__(self) -> None:
        self._listeners: tuple[tuple[Emit, tuple[type[Notice], ...]], ...] = ()
        self._channels: list[tuple[type[Notice], Channel]] = []

    def listen(self, listener: Emit, *kinds: type[Notice]) -> None:
        """Add a *listener* for some *kinds* of notices, or for all; the same one twice hears twice."""
        self._listeners = (*self._listeners, (listener, kinds or (Notice,)))
        for kind, channel in self._channels:
            if issubclass(kind, kinds or (Notice,)):
                channel.append(listener)

    def __call__(self, notice: Notice) -> None:
        """Hand *notice* to everybody who listens for its kind."""
        for listener, kinds in self._listeners:
            if isinstance(notice, kinds):
                listener(notice)

    def channel(self, kind: type[Notice]) -> "Channel":
        """Return what emits notices of one *kind* only: false while nobody listens for it."""
        channel = Channel(listener for listener, kinds in self._listeners if issubclass(kind, kinds))
        self._channels.append((kind, channel))
        return channel

    def heard(self, kind: type[Notice]) -> bool:
        """Tell whether anybody listens for *kind*."""
        return any(issubclass(kind, kinds) for _, kinds in self._listeners)


class Channel(list[Emit]):
    """Emits notices of one kind. On a hot path ``if emit:`` saves making a notice that nobody hears.

    It is the list of those who listen, for whether a list is empty is known without asking a function.

    Example:
        >>> notices = Notices()
        >>> bool(notices.channel(CallEnded))
        False
    """

    __slots__ = ()

    def __call__(self, notice: Notice) -> None:
        """Hand *notice* to everybody who listens."""
        for listener in self:
            listener(notice)
