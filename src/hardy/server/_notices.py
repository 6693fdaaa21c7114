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
class HandshakeFailed(Notice):
    """A client and the server did not agree on TLS."""

    peer: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatesReloaded(Notice):
    """The files of TLS have changed; new connections are shown what they say now."""

    certificate: str
    """The path of the certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatesRefused(Notice):
    """The files of TLS have changed and cannot be used; new connections are shown what was there before."""

    certificate: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Notice):
    """A request was answered with an error and reached no operation: it could not be read, or leads nowhere."""

    peer: str
    status: int
    detail: str
    request: str = ""
    """Its method and path; empty where it could not be read."""
    call: str = ""
    """The id in the answer, where it has one."""
