"""The one table between hardy's errors and ``google.rpc.Status``, used both ways.

Details travel as the standard messages (AIP-193): ``ErrorInfo`` carries reason
and details, ``BadRequest`` the faults, ``RetryInfo`` the seconds to wait,
``RequestInfo`` the call id.
"""

import math
from collections.abc import Iterable, Sequence
from urllib.parse import quote

import grpc
import msgspec
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from hardy.core import Code, Error, Fault, InvalidMessage, error_from_wire

DETAILS = "grpc-status-details-bin"
"""The trailing metadata that carries the status: gRPC's richer error model."""
BUDGET = 4096
"""Bytes of a status. Clients refuse trailing metadata of more than 8 KiB, in which base64 adds a third."""
LONGEST_MESSAGE = 2048
"""Bytes of the plain message beside it, as it is percent-encoded on the wire."""

_NUMBERS = {status.value[0]: status for status in grpc.StatusCode}
_CODES = {code: _NUMBERS[code.number] for code in Code}


def code_of(error: Error) -> grpc.StatusCode:
    """Return gRPC's own constant for the error's code."""
    return _CODES[error.code]


def message_of(error: Error) -> str:
    """Return the error's message, fit to be a header."""
    message = _plain(error.message)
    while len(quote(message)) > LONGEST_MESSAGE:
        message = message[: len(message) * 3 // 4]
    return message


def status_of(error: Error, *, domain: str, call_id: str) -> bytes:
    """Return *error* as a serialized ``google.rpc.Status`` of at most `BUDGET` bytes.

    Faults that find no place are counted in a last one; after them the details go.

    Args:
        domain: The gRPC service that answers: what ``ErrorInfo`` calls its domain.
        call_id: What the caller may quote.
    """
    faults: Sequence[Fault] = error.faults if isinstance(error, InvalidMessage) else ()
    status = _status(error, domain, call_id, faults, error.details.items())
    kept: int = len(faults)
    while len(status) > BUDGET and kept:
        kept = min(kept - 1, kept * BUDGET // len(status))
        left_out = (Fault("", f"and {len(faults) - kept} more"),)
        status = _status(error, domain, call_id, (*faults[:kept], *left_out), error.details.items())
    return status if len(status) <= BUDGET else _status(error, domain, call_id, faults[:0], ())


def _status(
    error: Error, domain: str, call_id: str, faults: Sequence[Fault], details: Iterable[tuple[str, object]]
) -> bytes:
    status = status_pb2.Status(code=error.code.number, message=message_of(error))
    info = error_details_pb2.ErrorInfo(reason=(error.reason or error.code.name).upper(), domain=domain)
    for name, value in details:
        info.metadata[_plain(name)] = _text(value)
    status.details.add().Pack(info)
    if faults:
        bad = error_details_pb2.BadRequest()
        for fault in faults:
            bad.field_violations.add(field=_plain(fault.pointer), description=_plain(fault.detail))
        status.details.add().Pack(bad)
    if error.retry_after is not None and math.isfinite(error.retry_after):
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(max(0, round(error.retry_after * 1e9)))
        status.details.add().Pack(retry)
    status.details.add().Pack(error_details_pb2.RequestInfo(request_id=call_id))
    data: bytes = status.SerializeToString()
    return data


def error_of(code: grpc.StatusCode, message: str, details: bytes | None, raises: Sequence[type[Error]]) -> Error:
    """Return what a peer answered with as the error its use case raised.

    Args:
        details: The value of `DETAILS`, where the peer sent one.
        raises: The service's own error classes that the caller knows.
    """
    status, info = _read(details), error_details_pb2.ErrorInfo()
    bad, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    told_retry = False
    for detail in status.details:
        for known in (info, bad):
            _unpack(detail, known)
        told_retry = _unpack(detail, retry) or told_retry
    canonical = Code.of_number(code.value[0])
    return error_from_wire(
        canonical,
        status.message or message,
        reason=_reason(info.reason, canonical, raises),
        details={name: _value(text) for name, text in info.metadata.items()},
        faults=[Fault(each.field, each.description) for each in bad.field_violations],
        retry_after=retry.retry_delay.ToNanoseconds() / 1e9 if told_retry else None,
        raises=raises,
    )


def _read(details: bytes | None) -> status_pb2.Status:
    try:
        return status_pb2.Status.FromString(details or b"")
    except DecodeError:  # a peer's nonsense must not hide its code
        return status_pb2.Status()


def _unpack(detail: Any, into: Message) -> bool:
    try:
        return detail.Unpack(into)
    except DecodeError:
        return False


def _reason(told: str, code: Code, raises: Sequence[type[Error]]) -> str | None:
    if told in {"", code.name}:
        return None
    return next((cls.reason for cls in raises if cls.reason and cls.reason.upper() == told), told.lower())


def _text(value: object) -> str:
    # ErrorInfo carries texts only. What is no text goes as JSON; a text goes as it
    # is, so that foreign clients read it plainly, unless it would read as JSON.
    try:
        plain: object = msgspec.to_builtins(value)
    except (TypeError, ValueError):
        plain = str(value)
    if isinstance(plain, str):
        plain = _plain(plain)
        return plain if _value(plain) is plain else msgspec.json.encode(plain).decode()
    return _plain(msgspec.json.encode(plain).decode())


def _value(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text


def _plain(text: str) -> str:
    """Return *text* without halves of characters, which proto does not carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
