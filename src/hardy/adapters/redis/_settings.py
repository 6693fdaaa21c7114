"""What an operator says about Redis."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from hardy.config import Duration, Secret, Url


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """Where the server is, and how long it may take.

    Any server that speaks RESP3 will do: Redis from 6.0 on, Valkey, KeyDB, Dragonfly.
    """

    url: Url = "redis://127.0.0.1:6379"
    """`redis://user:password@host:6379/0`, `rediss://` over TLS, `unix:///run/redis.sock?db=0`."""
    password: Secret[str] | None = None
    """The password, when it does not stand in the URL."""
    ca_file: str = ""
    """Who vouches for the server's certificate, as PEM; empty for what the system trusts."""
    timeout: Annotated[Duration, Meta(gt=0)] = 1.0
    """How long one command may take; a connection that is silent for so long is given up."""
    connect_timeout: Annotated[Duration, Meta(gt=0)] = 2.0
    """How long it may take to connect and to be let in."""
    required: bool = False
    """Whether the service is of no use without it, and so neither starts nor is ready while there is no connection."""
