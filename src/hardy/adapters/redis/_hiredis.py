"""The one place that imports hiredis, and says how to get it.

The protocol is parsed and written by hiredis, the C parser of the Redis
project. redis-py is not used: its pipeline waits for all replies before it
sends again, and one command that is given up takes the connection and the
replies of everybody else with it.
"""

try:
    from hiredis import ProtocolError, PushNotification, Reader, ReplyError, pack_command
except ModuleNotFoundError as error:
    raise ImportError("hardy.adapters.redis needs hiredis. Install it with: pip install 'hardy[redis]'") from error

__all__ = ["ProtocolError", "PushNotification", "Reader", "ReplyError", "pack_command"]
