"""What answers the calls of one method."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import grpc

from hardy.core import Cancelled, Error, Exposed, Handler, Internal, Kind
from hardy.transport.grpc._call import GrpcCall, Plan
from hardy.transport.grpc._metadata import REQUEST_ID
from hardy.transport.grpc._running import Running
from hardy.transport.grpc._status import DETAILS, code_of, message_of, status_of

if TYPE_CHECKING:
    from hardy.transport.grpc._call import Context


class Endpoint:
    """Carries out the calls of one method, each in a task of its own."""

    __slots__ = ("_handler", "_plan", "_running")

    def __init__(self, exposed: Exposed, plan: Plan, running: Running) -> None:
        self._handler: Handler = exposed.handler
        self._plan = plan
        self._running = running

    def method_handler(self) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Return what a gRPC server calls; messages stay bytes."""
        match self._plan.operation.kind:
            case Kind.UNARY:
                return grpc.unary_unary_rpc_method_handler(self._answer)
            case Kind.SERVER_STREAM:
                return grpc.unary_stream_rpc_method_handler(self._answer)
            case Kind.CLIENT_STREAM:
                return grpc.stream_unary_rpc_method_handler(self._answer_stream)
            case Kind.BIDI_STREAM:
                return grpc.stream_stream_rpc_method_handler(self._answer_stream)

    async def _answer_stream(self, _: object, context: Context) -> bytes | None:
        return await self._answer(b"", context)

    async def _answer(self, data: bytes, context: Context) -> bytes | None:
        # gRPC cancels this task when the client goes or its deadline passes. The call
        # has a task of its own, so that its scope closes in peace, it learns why, and
        # it may finish without a client.
        call = GrpcCall(self._plan, data, context)
        task = self._running.start(call, self._carry_out(call))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            call.leave()
            raise

    async def _carry_out(self, call: GrpcCall) -> bytes | None:
        call.context.set_trailing_metadata(((REQUEST_ID, call.id),))
        try:
            reply = await call.run(self._handler)
            if call.attached:
                call.context.set_trailing_metadata(((REQUEST_ID, call.id), *call.attached))
            return None if self._plan.operation.kind.streams_out else call.body_of(reply)
        except Error as error:
            self._refuse(call, error)
        except asyncio.CancelledError:  # somebody cancelled the task and not the call
            self._refuse(call, Cancelled("the call was cancelled"))
        except BaseException:  # a defect of the chain or of what encodes: the caller learns the call id
            # gRPC would let the caller wait for ever if anything got out of here.
            call.log.exception("call failed outside of its handler")
            self._refuse(call, Internal("internal error"))
        return None

    def _refuse(self, call: GrpcCall, error: Error) -> None:
        refuse(call.context, error, domain=self._plan.service, call_id=call.id, beside=call.attached)


def refuse(
    context: Context, error: Error, *, domain: str, call_id: str, beside: Sequence[tuple[str, str]] = ()
) -> None:
    """Make *error* the status of the call that *context* belongs to, with the metadata *beside* it."""
    # Not `context.abort`: a server that stops does not wait for what was aborted (grpc#37239).
    context.set_code(code_of(error))
    context.set_details(message_of(error))
    status = status_of(error, domain=domain, call_id=call_id)
    named = ((REQUEST_ID, call_id),) if call_id else ()
    context.set_trailing_metadata((*named, *beside, (DETAILS, status)))
