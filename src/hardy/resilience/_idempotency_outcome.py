"""How a call ended, as bytes that outlive the process."""

from collections.abc import Callable, Sequence

import msgspec

from hardy.core import Call, Code, Error, Fault, InvalidMessage, Operation, Unavailable, Written, error_from_wire
from hardy.schema import Codec, JsonCase, codec

DEFINITIVE = frozenset(
    {
        Code.INVALID_ARGUMENT,
        Code.NOT_FOUND,
        Code.ALREADY_EXISTS,
        Code.PERMISSION_DENIED,
        Code.FAILED_PRECONDITION,
        Code.OUT_OF_RANGE,
    }
)
"""Codes of errors that are an answer. All others say that something went wrong, or that trying again may help."""


class _Failure(msgspec.Struct, array_like=True):
    code: str
    reason: str | None
    message: str
    details: dict[str, object]
    faults: list[tuple[str, str]]


class _Outcome(msgspec.Struct, array_like=True, omit_defaults=True):
    """Grows at its end only: what an older version has kept is read by a newer one, and the other way round."""

    reply: bytes = b""
    """As JSON by the service's message rules: what every transport can make its answer from."""
    form: str = ""
    """The form that *body* and *headers* are in; empty where the transport has none."""
    body: bytes | None = None
    """``None`` where it is *reply* itself, as over HTTP."""
    headers: list[tuple[bytes, bytes]] = []
    failure: _Failure | None = None


class Outcomes:
    """Writes and reads the outcomes of one operation.

    An outcome carries the reply twice, as far as the two differ: as the bytes
    that were sent, for a call that comes again the same way, and in a form that
    any other binding can answer with.

    Args:
        operation: Whose.
        json_case: Of the service.
    """

    def __init__(self, operation: Operation, json_case: JsonCase) -> None:
        self._operation = operation
        self._reply: Codec[object] = codec(operation.reply, json_case=json_case)
        self._write = msgspec.msgpack.Encoder(enc_hook=str).encode
        self._read: Callable[[bytes], _Outcome] = msgspec.msgpack.Decoder(_Outcome).decode

    def reply(self, call: Call, reply: object) -> bytes:
        """Write *reply*, which *call* has encoded."""
        neutral = self._reply.encode(reply)
        written = call.written()
        if written is None:
            return self._write(_Outcome(neutral))
        body = None if written.body == neutral else written.body
        return self._write(_Outcome(neutral, written.form, body, list(written.headers)))

    def failure(self, error: Exception) -> bytes | None:
        """Write *error*; ``None`` when it is none that is kept.

        Kept is what the operation names in ``raises=`` and is an answer: its
        code says neither that something is broken nor that it may work later.
        """
        if (
            not isinstance(error, Error)
            or error.code not in DEFINITIVE
            or error.retry_after is not None
            or not isinstance(error, self._operation.raises)
        ):
            return None
        faults = [(each.pointer, each.detail) for each in error.faults] if isinstance(error, InvalidMessage) else []
        failure = _Failure(error.code.name, error.reason, error.message, dict(error.details), faults)
        return self._write(_Outcome(failure=failure))

    def answer(self, call: Call, outcome: bytes) -> object:
        """End *call* as the call that *outcome* is of has ended: return its reply, or raise its error.

        Raises:
            Error: What it ended with.
            Unavailable: It was kept by a version of the service that answered something else, and cannot be read.
        """
        try:
            kept = self._read(outcome)
        except msgspec.DecodeError as error:
            raise Unavailable("what is kept under this key cannot be read by this version of the service") from error
        if kept.failure is not None:
            raise self._error(kept.failure)
        body = kept.reply if kept.body is None else kept.body
        written = Written(kept.form, body, _pairs(kept.headers))
        try:
            reply = self._reply.decode(kept.reply)
        except Error as error:
            # The type has changed since. The bytes that were sent then are still the right answer.
            reply = msgspec.json.decode(kept.reply)
            if not call.rewrite(reply, written):
                raise Unavailable("what is kept under this key is of another version of the service") from error
            return reply
        if not call.rewrite(reply, written):
            call.encode(reply)
        return reply

    def _error(self, failure: _Failure) -> Error:
        return error_from_wire(
            Code.of_name(failure.code),
            failure.message,
            reason=failure.reason,
            details=failure.details,
            faults=[Fault(pointer, detail) for pointer, detail in failure.faults],
            raises=self._operation.raises,
        )


def _pairs(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name, value) for name, value in headers)
