"""The corpus against real services: one request in, one reply out, and any doubt is the end of the connection."""

import re
import tomllib
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[1] / "server/corpus"
GOOD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
WORDS = {
    "G": "GET / HTTP/1.1\r\n",
    "H": "Host: a\r\n",
    "P": "POST / HTTP/1.1\r\nHost: a\r\n",
    "C": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "N": "\r\n",
}


def spelled_out(text: str) -> bytes:
    """Return what a line of the corpus sends."""
    text = re.sub(r"\{([GHPCN])\}", lambda found: WORDS[found[1]], text)
    return re.sub(r"\{([^{}]+)\*(\d+)\}", lambda found: found[1] * int(found[2]), text).encode("latin-1")


CASES = {
    (kind, name): case
    for file in sorted(CORPUS.glob("*.toml"))
    for kind, cases in tomllib.loads(file.read_text()).items()
    for name, case in cases.items()
}
refused = [
    pytest.param(spelled_out(case["send"]), case.get("status", 400), id=name)
    for (kind, name), case in CASES.items()
    if kind in {"refuse", "other"}
]
accepted = [
    pytest.param(spelled_out(case["send"]), case.get("body"), id=name)
    for (kind, name), case in CASES.items()
    if kind == "accept"
]


def test_the_corpus_is_as_large_as_promised():
    assert len(CASES) >= 300
    assert all(re.match(r"\d{4} \d", case["rfc"]) for case in CASES.values())


@pytest.fixture(params=["orders", "served"])
def service(request, unharmed):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(("data", "status"), refused)
def test_doubt_is_refused_alone_and_behind_a_good_request(service, data, status):
    (alone,) = service.ask(data + SMUGGLED)
    _, behind = service.ask(GOOD + data + SMUGGLED)

    assert (alone.status, alone.header("connection")) == (status, "close")
    assert (behind.status, behind.header("connection")) == (status, "close")
    assert alone.header("content-type") == "application/problem+json"


@pytest.mark.parametrize(("data", "body"), accepted)
def test_what_is_sound_gets_one_reply_and_so_does_what_follows(service, data, body):
    method = data.lstrip().split(b" ")[0].decode()

    first, second = service.ask(data + LAST, method, "GET")
    good, third, fourth = service.ask(GOOD + data + LAST, "GET", method, "GET")

    assert first.status < 500
    assert (third.status, fourth.status, good.status) == (first.status, second.status, second.status)
    assert second.header("connection") == "close"
    if service.started["service"] == "served":
        assert second.status == 200
        assert body is None or (first.status, first.body) == (200, body.encode("latin-1"))
