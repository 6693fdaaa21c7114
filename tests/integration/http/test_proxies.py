"""Who asks, when proxies stand between; and for whom the service answers."""

from dataclasses import dataclass

import pytest

from hardy.server import Server, UnixSocket
from hardy.transport import http
from hardy.transport.http._proxies import TrustedProxies

PROXIES = ["10.0.0.0/8", "fd00::/8", "127.0.0.1"]


@dataclass
class Seen:
    peer: str
    scheme: str


async def see(request: http.Request) -> http.Response:
    incoming = request._incoming
    return http.Response(200, body=f"{request.peer} {incoming.scheme}")


def seen(response):
    peer, scheme = response.text.split(" ")
    return Seen(peer, scheme)


@pytest.mark.parametrize(
    ("header", "client"),
    [
        pytest.param("198.51.100.7", "198.51.100.7", id="one hop"),
        pytest.param("198.51.100.7, 10.0.0.2", "198.51.100.7", id="two proxies"),
        pytest.param("6.6.6.6, 198.51.100.7", "198.51.100.7", id="spoofed on the left"),
        pytest.param("127.0.0.1, 198.51.100.7", "198.51.100.7", id="spoofed as a proxy"),
        pytest.param("10.0.0.9, 10.0.0.2", "10.0.0.9", id="nothing but proxies"),
        pytest.param("198.51.100.7:4711", "198.51.100.7:4711", id="with port"),
        pytest.param("2001:db8::1", "[2001:db8::1]", id="version six"),
        pytest.param("[2001:db8::1]:4711", "[2001:db8::1]:4711", id="version six with port"),
        pytest.param("198.51.100.7, fd00::2", "198.51.100.7", id="proxy of version six"),
        pytest.param("198.51.100.7, ::ffff:10.0.0.2", "198.51.100.7", id="proxy of version four in six"),
        pytest.param("198.51.100.7, unknown, 10.0.0.2", "10.0.0.2", id="unknown in between"),
        pytest.param("unknown", "127.0.0.1:1", id="unknown alone"),
        pytest.param("' or 1=1 --", "127.0.0.1:1", id="garbage"),
        pytest.param("", "127.0.0.1:1", id="empty"),
        pytest.param(",,,", "127.0.0.1:1", id="commas"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_proxy(header, client):
    assert TrustedProxies(PROXIES).client("127.0.0.1:1", header) == client


@pytest.mark.parametrize(
    ("header", "client"),
    [
        pytest.param("for=198.51.100.7", "198.51.100.7", id="one hop"),
        pytest.param("for=6.6.6.6, for=198.51.100.7;proto=https, for=10.0.0.2", "198.51.100.7", id="three hops"),
        pytest.param('For="[2001:db8::1]:4711"', "[2001:db8::1]:4711", id="quoted"),
        pytest.param('for="198.51.100.7, for=6.6.6.6", for=10.0.0.3', "10.0.0.3", id="a comma in quotes is no hop"),
        pytest.param("by=10.0.0.1;for=198.51.100.7;host=a", "198.51.100.7", id="among others"),
        pytest.param("for=_hidden, for=10.0.0.2", "10.0.0.2", id="hidden"),
        pytest.param("for=198.51.100.7, for=10.0.0.2; =;", "127.0.0.1:1", id="malformed on the right"),
        pytest.param("for=6.6.6.6 for=10.0.0.3", "127.0.0.1:1", id="no separator"),
        pytest.param('for="198.51.100.7', "127.0.0.1:1", id="open quotes"),
        pytest.param(";;;,;", "127.0.0.1:1", id="separators alone"),
    ],
)
def test_the_standard_header_is_read_in_the_same_way(header, client):
    assert TrustedProxies(PROXIES, "forwarded").client("127.0.0.1:1", header) == client


def test_whoever_is_no_proxy_is_believed_nothing():
    assert TrustedProxies(["10.0.0.0/8"]).client("192.0.2.1:1", "6.6.6.6") == "192.0.2.1:1"


def test_a_network_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        TrustedProxies(["10.0.0.0/33"])


async def test_nobody_is_believed_by_default(serve):
    client = await serve((see, http.raw.get("/")))
    headers = {"x-forwarded-for": "6.6.6.6", "x-forwarded-proto": "https", "forwarded": "for=6.6.6.6"}
    found = seen(await client.get("/", headers=headers))
    assert found.peer.startswith("127.0.0.1:")
    assert found.scheme == "http"


async def test_a_trusted_proxy_says_who_asks_and_how(serve):
    client = await serve((see, http.raw.get("/")), trusted_proxies=["127.0.0.1"])
    headers = {"x-forwarded-for": "6.6.6.6, 198.51.100.7", "x-forwarded-proto": "https"}
    assert seen(await client.get("/", headers=headers)) == Seen("198.51.100.7", "https")


async def test_a_header_given_twice_is_one_list(serve):
    client = await serve((see, http.raw.get("/")), trusted_proxies=["127.0.0.1"])
    headers = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "127.0.0.1")]
    assert seen(await client.get("/", headers=headers)).peer == "198.51.100.7"


@pytest.mark.parametrize(
    ("configured", "peer"),
    [pytest.param("x-forwarded-for", "198.51.100.7", id="x"), pytest.param("forwarded", "198.51.100.8", id="rfc")],
)
async def test_only_the_header_that_the_proxies_set_is_looked_at(serve, configured, peer):
    client = await serve((see, http.raw.get("/")), trusted_proxies=["127.0.0.1"], proxy_header=configured)
    headers = {"x-forwarded-for": "198.51.100.7", "forwarded": "for=198.51.100.8"}
    assert seen(await client.get("/", headers=headers)).peer == peer


@pytest.mark.parametrize(
    ("header", "scheme"),
    [
        pytest.param("https", "https", id="one"),
        pytest.param("https, http", "https", id="as many as hops: the client's"),
        pytest.param("http, https, http", "http", id="more than hops: the nearest's"),
        pytest.param("javascript", "http", id="nonsense"),
    ],
)
async def test_the_scheme_is_that_of_the_client(serve, header, scheme):
    client = await serve((see, http.raw.get("/")), trusted_proxies=["127.0.0.1", "10.0.0.0/8"])
    headers = {"x-forwarded-for": "198.51.100.7, 10.0.0.1", "x-forwarded-proto": header}
    assert seen(await client.get("/", headers=headers)).scheme == scheme


async def test_a_proxy_on_a_path_is_trusted_by_the_word_unix(tmp_path, chain):
    import httpx2

    transport = http.Transport([chain(see, http.raw.get("/"))], trusted_proxies=["unix"])
    async with (
        Server(transport.handle, bind=[UnixSocket(tmp_path / "s")]),
        httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(tmp_path / "s"))) as client,
    ):
        found = seen(await client.get("http://a/", headers={"x-forwarded-for": "198.51.100.7"}))
    assert found.peer == "198.51.100.7"


class TestHosts:
    HOSTS = ("shop.example", "*.shop.example", "[::1]")

    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("shop.example", 200),
            ("SHOP.example:8080", 200),
            ("shop.example.", 200),
            ("api.shop.example", 200),
            ("a.b.shop.example", 200),
            ("[::1]:80", 200),
            ("evil.example", 421),
            ("shop.example.evil.net", 421),
            ("notshop.example", 421),
            (".shop.example", 421),
            ("127.0.0.1", 421),
        ],
    )
    async def test_only_the_names_listed_are_answered_for(self, serve, host, status):
        client = await serve((see, http.raw.get("/")), hosts=self.HOSTS)
        for _ in range(2):
            response = await client.get("/", headers={"host": host})
            assert response.status_code == status
        if status == 421:
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["code"] == "INVALID_ARGUMENT"

    async def test_every_name_is_answered_for_by_default(self, serve):
        client = await serve((see, http.raw.get("/")))
        assert (await client.get("/", headers={"host": "whatever.example"})).status_code == 200

    async def test_a_forwarded_host_changes_nothing(self, serve):
        client = await serve((see, http.raw.get("/")), hosts=self.HOSTS, trusted_proxies=["127.0.0.1"])
        headers = {"host": "evil.example", "x-forwarded-host": "shop.example"}
        assert (await client.get("/", headers=headers)).status_code == 421

    @pytest.mark.parametrize("name", ["https://shop.example", "shop.example:80", "*", "*.*.example", "a b", ""])
    def test_what_is_no_name_is_refused(self, name):
        with pytest.raises(ValueError, match="is no host name"):
            http.Transport([], hosts=[name])
