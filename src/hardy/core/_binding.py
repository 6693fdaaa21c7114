"""An operation attached to one way of reaching it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hardy.core._diagnostics import Diagnostic
from hardy.core._handler import Handler
from hardy.core._operation import Operation


class Binding(Protocol):
    """A route, a method, a topic, a schedule, a queue, a command: given to ``expose``."""

    @property
    def transport(self) -> str:
        """The transport that serves it: ``"http"``, ``"grpc"``, ``"command"``."""
        ...

    @property
    def raw(self) -> bool:
        """Whether its use case takes and returns the transport's own request and response."""
        ...

    def check(self, operation: Operation) -> Sequence[Diagnostic]:
        """Return everything that keeps *operation* from being reached this way."""
        ...

    def describe(self) -> dict[str, object]:
        """Return the binding as plain data, for the CLI, documents and tests."""
        ...


@dataclass(frozen=True, slots=True)
class Exposed:
    """One operation behind one binding, ready to be served."""

    operation: Operation
    binding: Binding
    handler: Handler
    """The whole chain, composed: middleware, scope, use case, encoding."""
