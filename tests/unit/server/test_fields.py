import pytest

from hardy.server import prepare
from hardy.server._fields import line_of


def test_prepared_headers_are_rendered_once_and_stay_plain_fields():
    prepared = prepare([(b"Content-Type", b"text/plain"), (b"x", "ä".encode())])

    assert prepared.raw == b"content-type: text/plain\r\nx: \xc3\xa4\r\n"
    assert prepared[0] == (b"Content-Type", b"text/plain")
    assert (prepared.dated, prepared.length) == (False, -1)


def test_a_length_and_a_date_are_noticed():
    prepared = prepare([(b"content-length", b"5"), (b"date", b"now")])

    assert (prepared.raw, prepared.dated, prepared.length) == (b"date: now\r\n", True, 5)


@pytest.mark.parametrize(
    "field",
    [
        (b"x", b"a\r\nb: c"),
        (b"x", b"a\x00"),
        (b"x", b"\x7f"),
        (b"x:", b"a"),
        (b"x y", b"a"),
        (b"", b"a"),
        (b"Connection", b"close"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"websocket"),
        (b"content-length", b"+5"),
        (b"content-length", b""),
    ],
)
def test_what_could_break_a_message_is_refused(field):
    with pytest.raises(ValueError):
        prepare([field])


@pytest.mark.parametrize("name", [b"date", b"content-length"])
def test_what_may_be_there_once_is_refused_twice(name):
    with pytest.raises(ValueError):
        prepare([(name, b"5"), (name, b"5")])


@pytest.mark.parametrize("name", [b"date", b"content-length"])
def test_what_the_engine_would_say_again_is_no_further_field(name):
    with pytest.raises(ValueError, match="own headers"):
        line_of(name, b"1")
