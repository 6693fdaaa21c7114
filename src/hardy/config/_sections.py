"""The framework's own settings, one class for each part of a service."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from hardy.config._environment import by_environment
from hardy.config._units import Duration, Size

_HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]").fullmatch
_LOOPBACK = "127.0.0.1"
_EVERYWHERE = "0.0.0.0"  # noqa: S104  # a container is reached through its own interface; only production does this

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[Size, Meta(ge=1)]
Length = Annotated[Duration, Meta(gt=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """What is shown to clients; the files are read anew when they change."""

    certificate: Path
    """PEM file with the certificate and those between it and its root."""
    key: Path
    """PEM file with its private key, not encrypted."""
    client_ca: Path | None = None
    """PEM file with the authorities that clients' certificates must be signed by; without it no client is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Where and how REST is served."""

    host: str = by_environment(dev=_LOOPBACK, test=_LOOPBACK, production=_EVERYWHERE)
    """Address to listen on."""
    port: Port = 8080
    """Port to listen on; 0 takes a free one. The plain variable PORT is honoured too."""
    docs: bool = by_environment(dev=True, test=False, production=False)
    """Whether `/openapi.json` and the page `/docs` are served."""
    tls: TlsSettings | None = None
    """Serve https; without it something in front has to."""
    socket: Path | None = None
    """Listen on this path instead of host and port, for a proxy on the same machine."""
    socket_mode: Annotated[str, Meta(pattern="^0?[0-7]{3}$")] = "0660"
    """Permissions of that path: whoever may write to it may connect."""
    hosts: tuple[str, ...] = ()
    """Names that are answered for, such as `*.example.com`; others get 421. Every name when empty."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of proxies that are believed about who asks, such as `10.0.0.0/8`; `unix` for those on a path."""
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """The one header in which those proxies say it."""
    compression: bool = False
    """Whether replies are compressed for clients that ask; not where secrets stand beside what a caller chose."""

    def __post_init__(self) -> None:
        for host in self.hosts:
            if not _HOST(host):
                raise ValueError(f"{host!r} is no host name; write `api.example.com` or `*.example.com`, no port")
        for network in self.trusted_proxies:
            if network != "unix":
                ipaddress.ip_network(network, strict=False)  # raises what is told to the operator


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcSettings:
    """Where and how gRPC is served."""

    host: str = by_environment(dev=_LOOPBACK, test=_LOOPBACK, production=_EVERYWHERE)
    """Address to listen on."""
    port: Port = 9090
    """Port to listen on; 0 takes a free one."""
    reflection: bool = by_environment(dev=True, test=False, production=False)
    """Whether a client may ask which services and messages there are."""
    max_message: Bytes = 4 * 2**20
    """Largest message taken or sent; beyond it RESOURCE_EXHAUSTED."""
    tls: TlsSettings | None = None
    """Serve over TLS; without it something in front has to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSettings:
    """Where probes and facts for operators are served."""

    host: str = by_environment(dev=_LOOPBACK, test=_LOOPBACK, production=_EVERYWHERE)
    """Address to listen on."""
    port: Port = 9000
    """Port to listen on; 0 takes a free one."""
    tls: TlsSettings | None = None
    """Serve https, to probes too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What one call and one client may cost."""

    timeout: Length = 30.0
    """Deadline of a call whose operation and caller set none."""
    shed: bool = by_environment(dev=False, test=False, production=True)
    """Whether calls are refused (503) while there are more than can be carried out."""
    shed_delay: Length = 0.05
    """Standing delay of the event loop beyond which calls are refused."""
    idempotency_lifetime: Length = 86400.0
    """How long the outcome of a call is kept under its Idempotency-Key."""
    body: Bytes = 2**20
    """Largest request body, also after it was decompressed; beyond it 413."""
    body_ratio: Count = 100
    """Most times that a compressed body may grow, beyond its first 64 KiB; then 413."""
    message: Bytes = 2**20
    """Largest item of a stream from the client: a line, or a WebSocket message; beyond it 413 or 1009."""
    form: Bytes = 16 * 2**20
    """Largest body of a form with files; beyond it 413."""
    form_parts: Count = 100
    """Most fields and files in one form; beyond it 413."""
    form_field: Bytes = 64 * 2**10
    """Bytes of one field of a form that is no file; beyond it 413."""
    form_headers: Bytes = 4 * 2**10
    """Bytes of the header of one part of a form; beyond it 413."""
    file_memory: Bytes = 256 * 2**10
    """Bytes of one file that are kept in memory; the rest is on disk."""
    request_line: Bytes = 8 * 2**10
    """Longest request line; beyond it 414."""
    headers: Count = 100
    """Most header fields in one request; beyond it 431."""
    header_bytes: Bytes = 32 * 2**10
    """Bytes of all header fields of one request; beyond it 431."""
    connections: Count = 20_000
    """Connections open at once; beyond it 503."""
    connections_per_peer: Count = 10_000
    """Connections open at once from one address; a proxy is one address."""
    requests_per_connection: Count = 10_000
    """Requests on one connection before it is closed."""
    pipelined: Bytes = 64 * 2**10
    """Bytes kept of later requests while one is in flight; then reading pauses."""
    unread_body: Bytes = 64 * 2**10
    """Bytes thrown away of a body that nobody read, to keep its connection; with more to come it is closed."""
    buffered_body: Bytes = 64 * 2**10
    """Bytes kept of a body that nobody has read yet; then reading pauses."""
    buffered_reply: Bytes = 64 * 2**10
    """Bytes kept of a reply that the client has not read yet; then the use case waits."""
    idle_timeout: Length = 10.0
    """Time from the connection to its first byte."""
    header_timeout: Length = 10.0
    """Time in which the header must have arrived; then 408."""
    body_timeout: Length = 30.0
    """Time in which a body must have arrived, unless it keeps coming; then 408."""
    keep_alive: Length = 75.0
    """Time between a reply and the next request on its connection."""
    write_timeout: Length = 30.0
    """Time after which a client that has stopped reading is cut."""
    linger_timeout: Length = 2.0
    """Time after a last reply for the client to close its side."""
    min_rate: Bytes = 500
    """Bytes a second that a slow client has to send or take to be waited for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownSettings:
    """How long each phase of a shutdown may take; all in all 29 of Kubernetes' 30 seconds."""

    drain_delay: Duration = by_environment(dev=0.0, test=0.0, production=5.0)  # noqa: RUF009  # it is a field
    """Time in which calls are still accepted after ready has gone red."""
    drain_timeout: Duration = by_environment(dev=3.0, test=3.0, production=18.0)  # noqa: RUF009  # as above
    """Time for calls in flight to end before they are cancelled."""
    close_timeout: Duration = 5.0
    """Time for all components together to close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""
    format: Literal["auto", "json", "console"] = "auto"
    """Shape of a log line; `auto` is JSON unless standard error is a terminal."""
    blocked_after: Duration = by_environment(dev=0.1, test=0.5, production=0.5)  # noqa: RUF009  # it is a field
    """Time after which an event loop that does not turn is told of, with the line that blocks it; 0 for never."""
