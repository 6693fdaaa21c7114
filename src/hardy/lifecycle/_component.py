"""What a component is: an async context manager, and what it may offer besides."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, runtime_checkable

from hardy.core import Diagnostic


class Component(Protocol):
    """Something opened before the service serves, and closed after.

    Any async context manager will do. It may offer more, by these names, each
    looked for and used when it is there:

    - ``async ping()``: raises when what it stands for cannot be reached; asked by the ready probe (`Pings`);
    - ``async drain()``: finishes what is in flight and takes nothing new (`Drains`);
    - ``statistics()``: a frozen record of what it did (`Counts`);
    - ``process_local``: true when replicas cannot share it, so that production refuses it beside several of them;
    - ``instead``: what to use there, a text for whoever is refused;
    - ``worker_local``: true when not even the workers of one machine can share it;
    - ``port``: the type under which what it yields is injected, when that is not its class;
    - ``providers()``: providers it brings along (`Brings`);
    - ``check()``: everything that is wrong with it, told at build (`Checks`);
    - ``wire(*, database: Database, ...)``: called before it is opened with what components managed before it
      yielded, by type, or ``None`` where the annotation allows it.
    """

    async def __aenter__(self) -> object:
        """Open it; what is returned is provided to use cases and providers."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> bool | None:
        """Close it."""
        ...


@runtime_checkable
class Pings(Protocol):
    """A component that can tell whether what it stands for is there."""

    async def ping(self) -> object:
        """Return when it is there; raise when it is not."""
        ...


@runtime_checkable
class Drains(Protocol):
    """A component that has work of its own in flight."""

    async def drain(self) -> object:
        """Finish what is in flight; take nothing new from now on."""
        ...


@runtime_checkable
class Counts(Protocol):
    """A component that counts what it does."""

    def statistics(self) -> object:
        """Return a frozen record."""
        ...


@runtime_checkable
class Brings(Protocol):
    """A component that brings providers, as a database brings its sessions."""

    def providers(self) -> Sequence[Callable[..., object]]:
        """Return them."""
        ...


@runtime_checkable
class Checks(Protocol):
    """A component that can tell before it is opened that it cannot work."""

    def check(self) -> Sequence[Diagnostic]:
        """Return everything that is wrong with it; nothing is opened for that."""
        ...
