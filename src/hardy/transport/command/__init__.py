"""Operations as commands of the service's own program: ``python -m orders reindex --since 2026-01-01``.

Floor 3. A command runs in the wired service, without its listeners.

Example:
    >>> from hardy.core import Operation
    >>> async def reindex(limit: int = 100) -> int: ...
    >>> parse(Operation.of(reindex), "orders reindex", ["--limit", "5"])
    Reindex(limit=5)
"""

from hardy.core import publish
from hardy.transport.command._binding import Command, command
from hardy.transport.command._carry_out import carry_out
from hardy.transport.command._flags import parse
from hardy.transport.command._parser import Help, Parser, WrongUsage

__all__ = ["Command", "Help", "Parser", "WrongUsage", "carry_out", "command", "parse"]

publish(__name__, globals())
