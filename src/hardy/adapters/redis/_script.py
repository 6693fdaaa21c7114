"""A Lua script: several steps on the server in one round trip, with nothing in between."""

from hashlib import sha1


class Script:
    """A script and the name by which a server that has seen it knows it.

    Args:
        source: Lua, as ``EVAL`` takes it. It names every key it touches in ``KEYS``.

    Example:
        >>> Script("return 1").digest
        'e0e1f9fabfc9d4800c877a703b823ac0578ff8db'
    """

    __slots__ = ("digest", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
