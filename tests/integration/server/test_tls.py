"""TLS, as clients meet it: what is agreed, who is let in, certificates that change, and goodbyes."""

import asyncio
import contextlib
import os
import ssl

import pytest

from hardy.server import CertificatesRefused, CertificatesReloaded, HandshakeFailed, Limits, Response, Timeouts, Tls

GET = b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def pair(authority):
    return authority.issue("localhost", "localhost", "127.0.0.1")


class Ticks:
    """Seconds that pass only when told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def shown(peer):
    return peer.writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]


async def connect(service, context):
    return await service.connect(ssl=context, server_hostname="localhost")


async def test_a_request_is_answered_and_knows_that_it_was_private(serve, authority, pair):
    async def tell(request):
        return Response(200, (), request.scheme.encode())

    service = await serve(tell, tls=Tls(*pair))
    peer = await connect(service, authority.client())
    peer.send(GET + GET)
    assert [(await peer.reply()).body, (await peer.reply()).body] == [b"https", b"https"]
    assert peer.writer.get_extra_info("ssl_object").selected_alpn_protocol() is None


async def test_http_1_1_is_agreed_by_alpn(serve, authority, pair):
    service = await serve(tls=Tls(*pair))
    context = authority.client()
    context.set_alpn_protocols(["h2", "http/1.1"])
    peer = await connect(service, context)
    assert peer.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    ("newest", "ciphers"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_1, "DEFAULT:@SECLEVEL=0", id="tls 1.1"),
        pytest.param(ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256", id="no forward secrecy"),
        pytest.param(ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256", id="no authenticated encryption"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_what_is_out_of_date_is_not_agreed_on(serve, authority, pair, newest, ciphers):
    service = await serve(tls=Tls(*pair))
    context = authority.client()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = newest
    context.set_ciphers(ciphers)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await connect(service, context)
    await service.until(lambda: service.server.statistics().unsecured == 1)
    assert isinstance(service.notices[-1], HandshakeFailed)
    await service.until(lambda: service.server.statistics().connections == 0)


async def test_a_client_that_speaks_plain_http_gets_nothing(serve, pair):
    service = await serve(tls=Tls(*pair))
    peer = await service.connect()
    peer.send(GET)
    assert not (await peer.rest()).startswith(b"HTTP")
    await service.until(lambda: service.server.statistics().connections == 0)


async def test_new_connections_see_the_new_certificate_and_old_ones_live(serve, authority, pair):
    clock = Ticks()
    service = await serve(tls=Tls(*pair, clock=clock))
    old = await connect(service, authority.client())
    authority.issue("localhost", "localhost")
    clock.now += 1.0
    new = await connect(service, authority.client())
    assert shown(old) != shown(new)
    for peer in (old, new):
        peer.send(GET)
        assert (await peer.reply()).status == 200
    assert [each for each in service.notices if isinstance(each, CertificatesReloaded)]


async def test_a_new_certificate_that_cannot_be_used_is_told_and_the_former_stays(serve, authority, pair):
    clock = Ticks()
    service = await serve(tls=Tls(*pair, clock=clock))
    before = shown(await connect(service, authority.client()))
    key = pair[1].read_bytes()
    authority.issue("localhost", "localhost")
    pair[1].write_bytes(key)  # a certificate that came before its key
    clock.now += 1.0
    assert shown(await connect(service, authority.client())) == before
    assert [each for each in service.notices if isinstance(each, CertificatesRefused)]
    authority.issue("localhost", "localhost")
    clock.now += 1.0
    assert shown(await connect(service, authority.client())) != before


async def test_files_are_not_looked_at_more_than_once_a_second(authority, pair):
    clock = Ticks()
    tls = Tls(*pair, clock=clock)
    first = tls.context()
    authority.issue("localhost", "localhost")
    clock.now += 0.9
    assert tls.context() is first
    clock.now += 0.1
    assert tls.context() is not first


async def test_a_link_that_points_elsewhere_is_a_new_certificate(authority, tmp_path):
    """Which is how Kubernetes swaps a secret."""
    clock = Ticks()
    for name in ("one", "two"):
        authority.issue("localhost", "localhost", file=name)
    for kind in ("crt", "key"):
        (tmp_path / f"tls.{kind}").symlink_to(tmp_path / f"one.{kind}")
    tls = Tls(tmp_path / "tls.crt", tmp_path / "tls.key", clock=clock)
    first = tls.context()
    for kind in ("crt", "key"):
        (tmp_path / f"next.{kind}").symlink_to(tmp_path / f"two.{kind}")
        (tmp_path / f"next.{kind}").replace(tmp_path / f"tls.{kind}")
    clock.now += 1.0
    assert tls.context() is not first


@pytest.mark.parametrize("broken", ["absent", "no pem", "another key", "encrypted"])
def test_what_cannot_be_used_is_refused_at_once(authority, pair, tmp_path, broken):
    from cryptography.hazmat.primitives import serialization

    certificate, key = pair
    if broken == "absent":
        key = tmp_path / "nothing.key"
    elif broken == "no pem":
        key.write_text("hello")
    elif broken == "another key":
        key = authority.issue("other", "other")[1]
    else:
        plain = serialization.load_pem_private_key(key.read_bytes(), None)
        lock = serialization.BestAvailableEncryption(b"secret")
        form = serialization.PrivateFormat.PKCS8
        key.write_bytes(plain.private_bytes(serialization.Encoding.PEM, form, lock))
    with pytest.raises(OSError):
        Tls(certificate, key)


class TestClientCertificates:
    async def test_the_handler_knows_who_is_calling(self, serve, authority, pair):
        async def tell(request):
            return Response(200, (), repr(request.certificate).encode())

        service = await serve(tell, tls=Tls(*pair, client_ca=authority.path))
        caller = authority.issue("orders", "orders.internal", "spiffe://shop/orders")
        peer = await connect(service, authority.client(caller))
        peer.send(GET)
        assert (await peer.reply()).body == (
            b"ClientCertificate(common_name='orders', names=('orders.internal', 'spiffe://shop/orders'))"
        )

    @pytest.mark.parametrize("who", ["nobody", "a stranger"])
    async def test_others_are_refused(self, serve, authority, pair, tmp_path, who):
        from certificates import Authority

        (tmp_path / "other").mkdir()
        stranger = Authority(tmp_path / "other", "other").issue("orders", "orders.internal")
        service = await serve(tls=Tls(*pair, client_ca=authority.path))
        with contextlib.suppress(ssl.SSLError, ConnectionError):  # with TLS 1.3 a client learns it when it reads
            peer = await connect(service, authority.client(stranger if who == "a stranger" else None))
            peer.send(GET)
            assert await peer.rest() == b""
        await service.until(lambda: service.server.statistics().unsecured == 1)
        assert service.server.statistics().requests == 0

    async def test_without_an_authority_nobody_is_known(self, serve, authority, pair):
        async def tell(request):
            return Response(200, (), repr(request.certificate).encode())

        service = await serve(tell, tls=Tls(*pair))
        peer = await connect(service, authority.client(authority.issue("orders")))
        peer.send(GET)
        assert (await peer.reply()).body == b"None"


class TestBounds:
    async def test_a_client_that_never_ends_its_handshake_is_cut(self, serve, pair):
        service = await serve(tls=Tls(*pair), timeouts=Timeouts(header=0.05))
        peer = await service.connect()
        peer.send(b"\x16\x03\x01\x02\x00\x01")
        assert await peer.rest() == b""
        await service.until(lambda: service.server.statistics().unsecured == 1)
        assert service.server.statistics().connections == 0

    async def test_handshakes_count_as_connections(self, serve, authority, pair):
        service = await serve(tls=Tls(*pair), limits=Limits(connections=2))
        for _ in range(2):
            await service.connect()
        await service.until(lambda: service.server.statistics().connections == 2)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connect(service, authority.client())
        assert service.server.statistics().refused == 1

    async def test_one_connection_is_counted_once(self, serve, authority, pair):
        service = await serve(tls=Tls(*pair), limits=Limits(connections=1))
        peer = await connect(service, authority.client())
        peer.send(GET)
        assert (await peer.reply()).status == 200
        statistics = service.server.statistics()
        assert (statistics.accepted, statistics.connections, statistics.refused) == (1, 1, 0)
        await peer.close()
        await service.until(lambda: service.server.statistics().connections == 0)

    async def test_a_connection_that_leaves_in_its_handshake_is_forgotten(self, serve, pair):
        service = await serve(tls=Tls(*pair))
        peer = await service.connect()
        await service.until(lambda: service.server.statistics().connections == 1)
        await peer.close()
        await service.until(lambda: service.server.statistics().connections == 0)
        assert await service.server.wait_idle(1.0)


class TestGoodbyes:
    async def test_a_reply_is_read_by_a_client_that_is_still_sending(self, serve, authority, pair):
        """A farewell in the middle of what is sent would reset the connection and destroy the reply."""
        service = await serve(tls=Tls(*pair))
        peer = await connect(service, authority.client())
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n" + b"x" * 4_000_000)
        reply = await peer.reply()
        assert reply.status == 200
        assert reply.header("connection") == "close"
        peer.send(b"x" * 4_000_000)
        await peer.close()
        await service.until(lambda: service.server.statistics().connections == 0)

    async def test_a_refusal_is_read_by_a_client_that_is_still_sending(self, serve, authority, pair):
        service = await serve(tls=Tls(*pair))
        peer = await connect(service, authority.client())
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nbad\r\n\r\n" + b"x" * 1_000_000)
        assert (await peer.reply()).status == 400

    async def test_a_client_that_keeps_sending_is_closed_all_the_same(self, serve, authority, pair):
        service = await serve(tls=Tls(*pair), timeouts=Timeouts(linger=0.1))
        peer = await connect(service, authority.client())
        peer.send(b"nonsense\r\n\r\n")
        assert (await peer.reply()).status == 400
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert await peer.rest() == b""
        await service.until(lambda: service.server.statistics().connections == 0)

    @pytest.mark.parametrize("version", ["1.0", "1.1"])
    async def test_a_last_reply_is_followed_by_a_farewell_at_once(self, serve, authority, pair, version):
        service = await serve(tls=Tls(*pair), timeouts=Timeouts(linger=100.0))
        peer = await connect(service, authority.client())
        peer.send(f"GET / HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert (await peer.rest()).endswith(b"hello /")
        await peer.close()
        await service.until(lambda: service.server.statistics().connections == 0)

    async def test_a_long_last_reply_arrives_whole_at_a_client_that_reads_slowly(self, serve, authority, pair):
        body = os.urandom(1000) * 3000

        async def long(request):
            return Response(200, (), body)

        service = await serve(long, tls=Tls(*pair))
        peer = await service.connect(ssl=authority.client(), server_hostname="localhost", limit=1000)
        peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head = await peer.head()
        assert head.header("content-length") == str(len(body))
        got = bytearray()
        while piece := await peer.reader.read(50_000):
            got += piece
            await asyncio.sleep(0)
        assert bytes(got) == body

    async def test_a_client_that_says_goodbye_is_gone(self, serve, authority, pair):
        told = asyncio.Event()
        begun = asyncio.Event()

        async def wait(request):
            request.on_gone = told.set
            begun.set()
            await told.wait()
            return Response(200)

        service = await serve(wait, tls=Tls(*pair))
        peer = await connect(service, authority.client())
        peer.send(GET)
        await begun.wait()
        await peer.close()
        async with asyncio.timeout(5):
            await told.wait()
        await service.until(lambda: service.server.statistics().connections == 0)
        assert service.errors == []

    async def test_streams_end_and_break_off_as_they_do_in_the_open(self, serve, authority, pair):
        async def stream(request):
            out = await request.start(200)
            await out.write(b"one")
            if request.path == "/broken":
                out.abort()
            else:
                await out.end()

        service = await serve(stream, tls=Tls(*pair))
        peer = await connect(service, authority.client())
        peer.send(GET)
        assert (await peer.reply()).body == b"one"
        peer.send(b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await peer.reply()


class TestDrain:
    async def test_a_handshake_under_way_is_finished_and_its_request_answered(self, serve, authority, pair):
        service = await serve(tls=Tls(*pair))
        plain = await service.connect()
        await service.until(lambda: service.server.statistics().connections == 1)
        await service.server.stop_accepting()
        transport = await asyncio.get_running_loop().start_tls(
            plain.writer.transport,
            plain.writer.transport.get_protocol(),
            authority.client(),
            server_hostname="localhost",
        )
        transport.write(GET)
        reply = await plain.reply()
        assert (reply.status, reply.header("connection")) == (200, "close")
        transport.abort()

    async def test_idle_connections_are_closed(self, serve, authority, pair):
        service = await serve(tls=Tls(*pair))
        peer = await connect(service, authority.client())
        peer.send(GET)
        await peer.reply()
        await service.server.stop_accepting()
        assert await peer.rest() == b""
        await peer.close()
        assert await service.server.wait_idle(5.0)
