"""Where a server is and who we are there, read from the URL."""

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from hardy.adapters.redis._settings import RedisSettings
from hardy.config import Secret
from hardy.core import BuildFailed, Diagnostic

_SCHEMES = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server, without its password in what is printed."""

    host: str = ""
    port: int = 6379
    path: str = ""
    """Of a Unix socket; empty for TCP."""
    tls: bool = False
    username: str = ""
    password: Secret[str] | None = None
    database: int = 0

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


def address_of(settings: RedisSettings) -> Address:
    """Return what the settings name.

    Raises:
        BuildFailed: The URL is none of Redis.
    """
    parts = urlsplit(settings.url)
    if parts.scheme not in _SCHEMES:
        raise BuildFailed([_unknown(parts.scheme)])
    query = parse_qs(parts.query)
    unix = parts.scheme == "unix"
    number = query["db"][0] if "db" in query else "" if unix else parts.path.strip("/")
    if not (number or "0").isdecimal():
        raise BuildFailed([_no_number(number)])
    password = Secret(unquote(parts.password)) if parts.password else settings.password
    return Address(
        host="" if unix else parts.hostname or "127.0.0.1",
        port=6379 if unix else parts.port or 6379,
        path=unquote(parts.path) if unix else "",
        tls=parts.scheme == "rediss",
        username=unquote(parts.username or ""),
        password=password,
        database=int(number or "0"),
    )


_EXAMPLES = ("redis://127.0.0.1:6379/0", "rediss://user@cache.example:6380", "unix:///run/redis.sock?db=1")


def _unknown(scheme: str) -> Diagnostic:
    return Diagnostic(code="H0283", title=f"`{scheme}` is no address of a Redis server", helps=_EXAMPLES)


def _no_number(text: str) -> Diagnostic:
    return Diagnostic(
        code="H0283",
        title=f"`{text}` is no number of a Redis database",
        notes=("what follows the host in the URL is a number, usually 0 to 15",),
        helps=_EXAMPLES,
    )
