"""What comes back from a service: replies in the user's types, errors as it raised them."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

import grpc.aio

from hardy.core import Cancelled, Error, InvalidArgument, InvalidMessage, Unavailable, Unknown
from hardy.schema import proto
from hardy.transport.grpc._status import DETAILS, error_of


@contextmanager
def told(raises: Sequence[type[Error]]) -> Generator[None]:
    """Turn what grpcio raises into what the service raised."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise _error(error, raises) from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Cancelled("the client was closed during the call") from None


def _error(error: grpc.aio.AioRpcError, raises: Sequence[type[Error]]) -> Error:
    trailing = cast("Sequence[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    if error.code() is grpc.StatusCode.CANCELLED and not trailing:
        # Nobody here cancelled, and no service answered: a grpcio server that stops
        # ends like this what reached it too late.
        return Unavailable("the service ended the call without an answer")
    details = next((value for name, value in trailing if name == DETAILS and isinstance(value, bytes)), None)
    return error_of(error.code(), error.details() or "", details, raises)


def encoded(converter: proto.Converter[object], message: object) -> bytes:
    """Return *message* as bytes.

    Raises:
        InvalidMessage: It cannot be sent.
    """
    try:
        return converter.encode(message)
    except proto.Unencodable as error:
        raise InvalidMessage(error.faults) from None


def decoded(method: proto.Method, reply: object) -> object:
    """Return the reply in the user's type.

    Raises:
        Unknown: The service sent something else than it promised.
    """
    try:
        return method.reply.decode(cast("bytes", reply))
    except InvalidArgument as error:  # of a reply it is not the caller's fault
        raise Unknown(f"the reply of {method.path} cannot be read: {error.message}") from error
