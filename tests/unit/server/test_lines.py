"""Header lines: what is one, what is none, and what is remembered of them."""

import pytest

from hardy.server import RequestFault
from hardy.server._lines import FieldLines


@pytest.mark.parametrize(
    ("line", "field"),
    [
        pytest.param(b"Host: a", (b"host", b"a"), id="usual"),
        pytest.param(b"X-Empty:", (b"x-empty", b""), id="no value"),
        pytest.param(b"A:\t b \t", (b"a", b"b"), id="blanks around the value"),
        pytest.param(b"A: b\tc d", (b"a", b"b\tc d"), id="blanks in the value"),
        pytest.param(b"A: b:c", (b"a", b"b:c"), id="a colon in the value"),
        pytest.param(b"A: caf\xc3\xa9 \xff", (b"a", b"caf\xc3\xa9 \xff"), id="bytes beyond ASCII"),
        pytest.param(b"!#$%&'*+-.^_`|~09azAZ: 1", (b"!#$%&'*+-.^_`|~09azaz", b"1"), id="every sign of a token"),
    ],
)
def test_a_line_is_a_token_a_colon_and_a_value(line, field):
    lines = FieldLines()

    assert [lines.read(line) for _ in range(2)] == [field, field]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"Host", id="no colon"),
        pytest.param(b": a", id="no name"),
        pytest.param(b"Host : a", id="a blank before the colon"),
        pytest.param(b" Host: a", id="folded"),
        pytest.param(b"\tHost: a", id="folded with a tab"),
        pytest.param(b"Ho\xc3st: a", id="a name beyond ASCII"),
        pytest.param(b"Ho(st: a", id="a name that is no token"),
        *(
            pytest.param(b"Host: a" + bytes([sign]) + b"b", id=f"control character {sign}")
            for sign in (*range(9), *range(10, 32), 127)
        ),
    ],
)
def test_whatever_else_is_refused_each_time(line):
    lines = FieldLines()
    for _ in range(2):
        with pytest.raises(RequestFault):
            lines.read(line)


def test_the_beginning_of_a_line_is_refused_only_when_nothing_could_make_it_right():
    lines = FieldLines()
    whole = b"Host: a\r\nX-One:  two \xff\r\n\r"
    for end in range(len(whole)):
        lines.screen(whole[:end])
    for wrong in (b":", b" folded", b"A b", b"A:\x00", b"Host: a\r\n:", b"Host : a\r\nB: c", b"A: b\rc"):
        with pytest.raises(RequestFault):
            lines.screen(wrong)


def test_what_is_remembered_is_bounded_and_never_a_credential():
    lines = FieldLines()
    for number in range(5000):
        lines.read(b"User-Agent: %d" % number)
        lines.read(b"X-%d: 1" % number)
    for secret in (b"Authorization: Bearer a", b"Cookie: a=b", b"X-Api-Key: a", b"Accept: " + b"a" * 1000):
        lines.read(secret)

    assert 0 < len(lines.known) <= 1024
    assert {field[0] for field in lines.known.values()} == {b"user-agent"}
    assert len(lines._names) <= 1024
