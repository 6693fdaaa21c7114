"""``grpc.reflection``: which services and messages there are, for tools such as ``buf curl``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

import grpc
import grpc.aio
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

from hardy.core import Unavailable
from hardy.schema.proto import Contract
from hardy.transport.grpc._contracts import Contracts
from hardy.transport.grpc._endpoint import refuse
from hardy.transport.grpc._running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from grpc.aio import ServicerContext

    Context = ServicerContext[bytes, bytes]

SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
"""Both versions: they are the same on the wire, and grpcio-reflection offers the old name only."""


def reflection_handlers(contracts: Contracts, own: Sequence[str], running: Running) -> list[grpc.GenericRpcHandler]:
    """Return the handlers of both versions.

    Args:
        contracts: What the server offers.
        own: Further services that it offers.
        running: Ends the conversations of clients that stay when the server stops.
    """
    names = (*contracts.services, *own, *SERVICES)
    servicer = ReflectionServicer(names, pool=_pool(contracts))

    async def converse(requests: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: Context) -> None:
        async def answer() -> None:
            # An async generator, whatever its stub says.
            replies = cast("AsyncIterator[bytes]", cast("object", servicer.ServerReflectionInfo(requests, context)))
            with contextlib.suppress(grpc.aio.BaseError):  # the client is gone
                async for reply in replies:
                    await context.write(reply)

        task = running.start(None, answer())
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
        if task.cancelled():
            refuse(context, Unavailable("the service is stopping"), domain=SERVICES[0], call_id="")

    method = grpc.stream_stream_rpc_method_handler(
        converse,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method}) for name in SERVICES]


def _pool(contracts: Iterable[Contract]) -> DescriptorPool:
    """Return a pool of every contract's files and of what hardy itself serves."""
    pool = DescriptorPool()
    known: set[str] = set()
    files: list[FileDescriptorProto] = []
    for contract in contracts:
        files += FileDescriptorSet.FromString(contract.descriptor_set()).file
    for module in (health_pb2, reflection_pb2):
        files.append(FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb))
    files.append(_v1(files[-1]))
    for file in files:
        if file.name not in known:
            known.add(file.name)
            pool.AddSerializedFile(file.SerializeToString())
    return pool


def _v1(alpha: FileDescriptorProto) -> FileDescriptorProto:
    """Return the reflection service under the name it has in its first stable version."""
    # The two differ in nothing but the package: as text that is a replacement.
    return text_format.Parse(text_format.MessageToString(alpha).replace("v1alpha", "v1"), FileDescriptorProto())
