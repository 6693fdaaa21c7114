"""gRPC over TLS, as any client meets it."""

import grpc
import grpc.aio
import pytest
from google.protobuf import empty_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from certificates import Authority
from hardy.core import Exposed, Operation
from hardy.transport.grpc import TlsFiles, Transport, service

rpc = service("who.v1.Who")


async def ask() -> str:
    """Say who is calling."""
    return ""


def exposed():
    async def handler(call):
        await call.receive()
        reply = repr(call.certificate)
        call.encode(reply)
        return reply

    return [Exposed(Operation.of(ask), rpc("Ask"), handler)]


@pytest.fixture
def pair(authority):
    return authority.issue("localhost", "localhost", "127.0.0.1")


def credentials(authority, pair=None):
    key, certificate = (None, None) if pair is None else (pair[1].read_bytes(), pair[0].read_bytes())
    return grpc.ssl_channel_credentials(authority.path.read_bytes(), key, certificate)


def channel(server, credentials):
    options = [("grpc.use_local_subchannel_pool", 1)]
    return grpc.aio.secure_channel(f"localhost:{server.port}", credentials, options=options)


async def healthy(opened):
    reply = await health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest(), timeout=5)
    return reply.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_call_is_answered_over_tls(authority, pair):
    async with Transport(exposed(), environment="dev", tls=TlsFiles(*pair)) as server:
        async with channel(server, credentials(authority)) as opened:
            assert await healthy(opened)


async def test_a_client_that_does_not_speak_tls_gets_nothing(pair):
    async with Transport(exposed(), environment="dev", tls=TlsFiles(*pair)) as server:
        async with grpc.aio.insecure_channel(server.target) as opened:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await healthy(opened)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_use_case_knows_whose_certificate_it_was(authority, pair):
    caller = authority.issue("orders", "orders.internal", "spiffe://shop/orders")
    async with Transport(exposed(), environment="dev", tls=TlsFiles(*pair, client_ca=authority.path)) as server:
        async with channel(server, credentials(authority, caller)) as opened:
            method = opened.unary_unary("/who.v1.Who/Ask")
            reply = await method(empty_pb2.Empty().SerializeToString(), timeout=5)
    assert b"ClientCertificate(common_name='orders', names=('orders.internal', 'spiffe://shop/orders'))" in reply


@pytest.mark.parametrize("who", ["nobody", "a stranger"])
async def test_others_are_refused(authority, pair, tmp_path, who):
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "other").issue("orders", "orders.internal")
    shown = credentials(authority, stranger if who == "a stranger" else None)
    async with Transport(exposed(), environment="dev", tls=TlsFiles(*pair, client_ca=authority.path)) as server:
        async with channel(server, shown) as opened:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await healthy(opened)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_new_connections_see_the_new_certificate_and_old_ones_live(authority, pair, tmp_path):
    (tmp_path / "next").mkdir()
    following = Authority(tmp_path / "next", "next")
    async with Transport(exposed(), environment="dev", tls=TlsFiles(*pair)) as server:
        async with channel(server, credentials(authority)) as old:
            assert await healthy(old)
            for former, new in zip(pair, following.issue("localhost", "localhost"), strict=True):
                new.replace(former)
            async with channel(server, credentials(following)) as opened:
                assert await healthy(opened)
            assert await healthy(old)


async def test_certificates_that_cannot_be_used_leave_the_former(authority, pair):
    async with Transport(exposed(), environment="dev", tls=TlsFiles(*pair)) as server:
        pair[0].write_text("half a certificate")
        async with channel(server, credentials(authority)) as opened:
            assert await healthy(opened)


async def test_certificates_that_cannot_be_used_are_refused_at_the_start(authority, pair):
    other = authority.issue("other", "other")
    with pytest.raises(OSError, match="KEY_VALUES_MISMATCH"):
        await Transport(exposed(), environment="dev", tls=TlsFiles(pair[0], other[1])).__aenter__()
