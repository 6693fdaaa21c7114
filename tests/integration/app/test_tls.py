"""A whole service over TLS and on a path, as its settings say."""

import io
import json

import httpx2
import pytest

from hardy.app import App, Assembly
from hardy.app._serve import wanted
from hardy.app._service import Service
from hardy.auth import public
from hardy.config import AdminSettings, GrpcSettings, HttpSettings, Settings, TlsSettings
from hardy.core import BuildFailed, Call
from hardy.transport import grpc, http

REST = (http.get("/hello"),)


async def hello(*, call: Call) -> str:
    return f"{call.peer} {call.certificate}"


def service(log=None, *, bindings=REST, **sections):
    parts = {"http": HttpSettings(port=0), "grpc": GrpcSettings(port=0), "admin": AdminSettings(port=0)} | sections
    app = App("hello", Settings(environment="test", **parts))
    app.expose(hello, *bindings, allow=public)
    return Service(Assembly(app, log=log), **wanted(app))


@pytest.fixture
def tls(authority):
    certificate, key = authority.issue("localhost", "localhost", "127.0.0.1")
    return TlsSettings(certificate=certificate, key=key)


async def test_rest_and_probes_are_served_over_https(authority, tls):
    async with service(http=HttpSettings(port=0, tls=tls), admin=AdminSettings(port=0, tls=tls)) as running:
        async with httpx2.AsyncClient(verify=authority.client()) as client:
            for server, path in ((running.http, "/hello"), (running.admin, "/readyz")):
                assert (await client.get(f"https://localhost:{server.addresses[0].port}{path}")).status_code == 200


async def test_a_verified_client_is_known_to_the_use_case(authority, tls):
    asking = TlsSettings(certificate=tls.certificate, key=tls.key, client_ca=authority.path)
    async with service(http=HttpSettings(port=0, tls=asking)) as running:
        mine = authority.client(authority.issue("orders", "orders.internal"))
        async with httpx2.AsyncClient(verify=mine) as client:
            reply = await client.get(f"https://localhost:{running.http.addresses[0].port}/hello")
    assert "orders.internal" in reply.json()


async def test_grpc_is_served_over_tls(authority, tls):
    import grpc as grpcio

    settings = GrpcSettings(port=0, tls=tls)
    async with service(bindings=(grpc.service("hello.v1.Hello")("Hello"),), grpc=settings) as running:
        credentials = grpcio.ssl_channel_credentials(authority.path.read_bytes())
        async with grpcio.aio.secure_channel(f"localhost:{running.grpc.port}", credentials) as channel:
            reply = await channel.unary_unary("/hello.v1.Hello/Hello")(b"", timeout=5)
    assert b"None" in reply


@pytest.mark.parametrize("section", ["http", "grpc", "admin"])
async def test_certificates_that_cannot_be_used_are_told_by_name(tls, tmp_path, section):
    kinds = {"http": HttpSettings, "grpc": GrpcSettings, "admin": AdminSettings}
    broken = TlsSettings(certificate=tls.certificate, key=tmp_path / "nothing.key")
    bindings = (http.get("/hello"), grpc.service("hello.v1.Hello")("Hello"))
    with pytest.raises(BuildFailed) as caught:
        await service(bindings=bindings, **{section: kinds[section](port=0, tls=broken)}).__aenter__()
    (fault,) = caught.value.diagnostics
    assert fault.code == "H0403"
    assert f"key: {tmp_path / 'nothing.key'}" in fault.notes


async def test_rest_is_served_on_a_path(tmp_path):
    path = tmp_path / "hello.sock"
    async with service(http=HttpSettings(socket=path, socket_mode="0600")):
        transport = httpx2.AsyncHTTPTransport(uds=str(path))
        async with httpx2.AsyncClient(transport=transport) as client:
            assert (await client.get("http://hello/hello")).json() == "unix None"
    assert not path.exists()


async def test_the_access_line_shows_the_client_behind_a_trusted_proxy():
    log = io.StringIO()
    async with service(log, http=HttpSettings(port=0, trusted_proxies=("127.0.0.1",))) as running:
        async with httpx2.AsyncClient() as client:
            url = f"http://127.0.0.1:{running.http.addresses[0].port}/hello"
            reply = await client.get(url, headers={"x-forwarded-for": "6.6.6.6, 198.51.100.7"})
    assert reply.json() == "198.51.100.7 None"
    lines = [json.loads(line) for line in log.getvalue().splitlines() if line.startswith("{")]
    assert [line["peer"] for line in lines if line["event"] == "call"] == ["198.51.100.7"]


async def test_hosts_that_are_not_listed_are_refused():
    async with service(http=HttpSettings(port=0, hosts=("shop.example",))) as running:
        async with httpx2.AsyncClient() as client:
            url = f"http://127.0.0.1:{running.http.addresses[0].port}/hello"
            assert (await client.get(url)).status_code == 421
            assert (await client.get(url, headers={"host": "shop.example"})).status_code == 200


@pytest.mark.parametrize("host", ["https://shop.example", "shop.example:80", "*", ""])
def test_a_host_name_that_is_none_is_refused(host):
    with pytest.raises(ValueError, match="is no host name"):
        HttpSettings(hosts=("shop.example", host))


def test_a_proxy_network_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/64"):
        HttpSettings(trusted_proxies=("10.0.0.0/64",))
