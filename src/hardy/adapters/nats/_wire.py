"""Envelopes as messages of NATS: subjects and headers."""

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, unquote
from zlib import crc32

from hardy.adapters.nats._client import errors, js_errors
from hardy.core import Error, FailedPrecondition, InvalidArgument, PermissionDenied, Unavailable
from hardy.messaging import DeadLetter, Envelope

MESSAGE_ID = "Nats-Msg-Id"
"""The header by which JetStream drops what it was sent before."""
_PREFIX = "hardy-"
_READABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
_TOKEN = re.compile(r"[^A-Za-z0-9_-]")


def partition_of(envelope: Envelope, partitions: int) -> int:
    """Return the partition of an event: the same for all of one key."""
    return crc32((envelope.id if envelope.key is None else envelope.key).encode()) % partitions


def subject_of(stream: str, envelope: Envelope, partitions: int) -> str:
    """Return the subject that an event is published on."""
    return f"{stream}.{envelope.topic}.{partition_of(envelope, partitions)}"


def replay_subject(stream: str, group: str, envelope: Envelope, partitions: int) -> str:
    """Return the subject on which one group alone is given an event again."""
    return f"{stream}-replay.{token(group)}.{envelope.topic}.{partition_of(envelope, partitions)}"


def dead_subject(stream: str, group: str, topic: str) -> str:
    """Return the subject of the dead letters of a group."""
    return f"{stream}-dead.{token(group)}.{topic}"


def token(text: str) -> str:
    """Return *text* as one token of a subject, or a part of a consumer's name: no two texts alike.

    Example:
        >>> token("orders.project_order")
        'orders~2Eproject_order'
    """
    return _TOKEN.sub(lambda found: "".join(f"~{byte:02X}" for byte in found[0].encode()), text)


def to_headers(envelope: Envelope, **facts: str) -> dict[str, str]:
    """Return the headers of an event, its own beside what hardy says about it."""
    said = {"id": envelope.id, "topic": envelope.topic, "type": envelope.type, "time": envelope.time.isoformat()}
    if envelope.key is not None:
        said["key"] = envelope.key
    ours = {f"{_PREFIX}{name}": quote(value, safe=_READABLE) for name, value in (said | facts).items()}
    return ours | {name: quote(value, safe=_READABLE) for name, value in envelope.headers.items()}


def from_message(data: bytes, headers: Mapping[str, str]) -> Envelope:
    """Return the event that a message is.

    Raises:
        ValueError: Its headers are not ours.
    """
    said = facts_of(headers)
    try:
        return Envelope(
            id=said["id"],
            topic=said["topic"],
            key=said.get("key"),
            type=said["type"],
            time=datetime.fromisoformat(said["time"]),
            data=data,
            headers={
                name: unquote(value)
                for name, value in headers.items()
                if not name.startswith((_PREFIX, "Nats-")) and name == name.lower()
            },
        )
    except KeyError as missing:
        raise ValueError(f"a message without the header {_PREFIX}{missing.args[0]}") from None


def facts_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what hardy's own headers say."""
    return {name[len(_PREFIX) :]: unquote(value) for name, value in headers.items() if name.startswith(_PREFIX)}


def letter_of(data: bytes, headers: Mapping[str, str]) -> DeadLetter:
    """Return the dead letter that a message of the dead-letter stream is."""
    said, envelope = facts_of(headers), from_message(data, headers)
    return DeadLetter(
        id=envelope.id,
        topic=envelope.topic,
        key=envelope.key,
        group=said.get("group", ""),
        type=envelope.type,
        data=data,
        reason=said.get("reason", ""),
        attempts=int(said.get("attempts", "0")),
        time=envelope.time,
    )


def translate(error: Exception) -> Error:
    """Return what an error of nats-py means."""
    if isinstance(error, Error):
        return error
    if isinstance(error, errors.MaxPayloadError):
        return InvalidArgument("the event is larger than the broker takes")
    if isinstance(error, errors.AuthorizationError):
        return PermissionDenied("the broker does not let us in")
    if isinstance(error, js_errors.NoStreamResponseError):
        return Unavailable("no stream of the broker takes this event", retry_after=1)
    if isinstance(error, js_errors.BadRequestError):
        return FailedPrecondition(f"the broker refuses: {error.description}")
    return Unavailable(f"the broker does not answer ({type(error).__name__})", retry_after=1)
