"""The parts of a use case's signature."""

from dataclasses import dataclass
from enum import Enum


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()
"""Stands for "no default" where ``None`` is a default."""


class Kind(Enum):
    """How many messages go in and how many replies come out."""

    UNARY = "unary"
    SERVER_STREAM = "server_stream"
    CLIENT_STREAM = "client_stream"
    BIDI_STREAM = "bidi_stream"

    @property
    def streams_in(self) -> bool:
        """Whether the message is a stream of items."""
        return self in {Kind.CLIENT_STREAM, Kind.BIDI_STREAM}

    @property
    def streams_out(self) -> bool:
        """Whether the reply is a stream of items."""
        return self in {Kind.SERVER_STREAM, Kind.BIDI_STREAM}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One positional parameter of a use case."""

    name: str
    type: object
    default: object = MISSING

    @property
    def required(self) -> bool:
        """Whether the caller must say it."""
        return self.default is MISSING


@dataclass(frozen=True, slots=True)
class Need:
    """One keyword-only parameter: what is injected, by type."""

    name: str
    type: object
    """The port, without ``| None``."""
    optional: bool = False
    """Whether it was written ``Port | None``."""
