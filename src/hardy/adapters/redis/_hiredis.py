"""The one place that imports hiredis, and says how to get it.

The protocol is parsed and written by hiredis, the C parser of the Redis
project. redis-py is not used: its pipeline waits for all replies before it
sends again, and one command that is given up takes the connection and the
replies of everybody else with it.
"""

from collections.abc import Callable
from typing import cast

try:
    import hiredis
    from hiredis import ProtocolError, PushNotification, Reader, ReplyError
except ModuleNotFoundError as error:
    raise ImportError("hardy.adapters.redis needs hiredis. Install it with: pip install 'hardy[redis]'") from error

__all__ = ["ProtocolError", "PushNotification", "Reader", "ReplyError", "Word", "pack_command"]

Word = str | bytes | int | float
"""A part of a command; text is sent as UTF-8."""

# hiredis says that a command has exactly one word, and not what comes back.
pack_command = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]
