"""What the engine tells."""

from dataclasses import dataclass

from hardy.core import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerListening(Notice):
    """The server accepts connections there."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStopped(Notice):
    """The server accepts no more connections; the accepted ones go on."""

    connections: int
    """Still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRefused(Notice):
    """One connection too many."""

    peer: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Notice):
    """The engine answered a request itself, with an error; no handler saw it."""

    peer: str
    status: int
    detail: str
