"""Which services and messages there are, in both versions of the protocol."""

import asyncio

import grpc as grpcio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2

from hardy.transport import grpc

VERSIONS = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]


@pytest.fixture(params=VERSIONS, ids=["v1", "v1alpha"])
async def conversation(request, transport):
    async with grpcio.aio.insecure_channel(transport.target) as channel:
        method = channel.stream_stream(
            f"/{request.param}/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        yield method()


async def ask(conversation, **fields):
    await conversation.write(reflection_pb2.ServerReflectionRequest(**fields))
    return await conversation.read()


def described(answer):
    files = answer.file_descriptor_response.file_descriptor_proto
    return {file.name: file for file in map(FileDescriptorProto.FromString, files)}


async def test_every_service_is_listed(conversation):
    answer = await ask(conversation, list_services="")
    names = {each.name for each in answer.list_services_response.service}
    assert names == {"shop.v1.Shop", "grpc.health.v1.Health", *VERSIONS}


@pytest.mark.parametrize("name", ["shop.v1.Shop", "grpc.health.v1.Health", *VERSIONS])
async def test_every_listed_service_is_described(conversation, name):
    files = described(await ask(conversation, file_containing_symbol=name))
    services = {f"{file.package}.{service.name}" for file in files.values() for service in file.service}
    assert name in services


async def test_a_message_brings_what_its_file_imports(conversation):
    files = described(await ask(conversation, file_containing_symbol="shop.v1.Order"))
    assert "google/protobuf/empty.proto" in files


async def test_what_is_not_there_is_not_found_and_the_conversation_goes_on(conversation):
    answer = await ask(conversation, file_containing_symbol="nobody.v1.Nobody")
    assert answer.error_response.error_code == grpcio.StatusCode.NOT_FOUND.value[0]
    assert (await ask(conversation, list_services="")).list_services_response.service


async def test_a_conversation_does_not_hold_up_the_end(transport, conversation):
    await ask(conversation, list_services="")
    async with asyncio.timeout(5):
        await transport.stop(60)
    with pytest.raises(grpcio.aio.AioRpcError) as caught:
        while await conversation.read() is not grpcio.aio.EOF:
            pass
    assert caught.value.code() is grpcio.StatusCode.UNAVAILABLE


async def test_without_reflection_nothing_is_told(shop, contracts):
    async with (
        grpc.Transport(shop.exposed(), contracts=contracts) as transport,
        grpcio.aio.insecure_channel(transport.target) as channel,
    ):
        for version in VERSIONS:
            call = channel.stream_stream(f"/{version}/ServerReflectionInfo")()
            with pytest.raises(grpcio.aio.AioRpcError) as caught:
                await call.read()
            assert caught.value.code() is grpcio.StatusCode.UNIMPLEMENTED
