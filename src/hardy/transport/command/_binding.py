"""An operation as a command of the service's own program."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hardy.core import Diagnostic, Operation

_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")


@dataclass(frozen=True, slots=True)
class Command:
    """A binding: ``python -m orders NAME --flag value``.

    Each member of the message is a flag; the reply is printed as JSON.

    Its caller is the service itself, without scopes or roles: `internal` and
    `signed_in` let it in, ``has_scope("...")`` alone never does. What people
    and a command may both call is ``allow=any_of(internal, has_scope("..."))``.
    """

    name: str
    transport: str = "command"
    raw: bool = False

    def check(self, operation: Operation) -> Sequence[Diagnostic]:
        """Refuse a name no shell can take and an operation whose message is a stream."""
        faults: list[Diagnostic] = []
        if not _NAME.match(self.name):
            title = f"`{self.name}` is no name for a command"
            helps = ('use lower-case words with dashes: `command("expire-orders")`',)
            faults.append(Diagnostic(code="H0650", title=title, place=operation.place, helps=helps))
        if operation.kind.streams_in:
            title = f"`{operation.name}` takes a stream, which a command line cannot send"
            helps = (f"remove `command({self.name!r})` from its `expose` line",)
            faults.append(Diagnostic(code="H0651", title=title, place=operation.place, helps=helps))
        return faults

    def describe(self) -> dict[str, object]:
        """Return the binding as plain data."""
        return {"transport": "command", "name": self.name}


def command(name: str) -> Command:
    """Bind an operation to ``python -m service NAME``; it calls as ``Principal("command:NAME", kind="service")``.

    Example:
        >>> command("reindex").describe()
        {'transport': 'command', 'name': 'reindex'}
    """
    return Command(name)
