"""From what the server refuses to what a call ends with."""

from hardy.core import Unavailable

_LATER = frozenset({"LOADING", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS", "MISCONF"})
_TOO_MANY = "ERR max number of clients"


class RedisError(Exception):
    """The server refuses a command: a defect of the service or of its setup, answered as INTERNAL.

    Args:
        text: What the server said, beginning with its own code.

    Example:
        >>> RedisError("WRONGTYPE Operation against a key holding the wrong kind of value").code
        'WRONGTYPE'
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.partition(" ")[0]


def translate(text: str) -> Unavailable | RedisError:
    """Return the error for what the server said.

    What passes is Unavailable: a server that loads its data, one that became a
    replica, one without memory left. The rest is a defect.
    """
    code = text.partition(" ")[0]
    if code in _LATER or text.startswith(_TOO_MANY):
        return Unavailable("the shared store cannot be used now", retry_after=1)
    if code == "OOM":
        return Unavailable("the shared store is full", retry_after=1)
    return RedisError(text)
