"""The prepared access line says what a line rendered as a whole would."""

import io
import json

import pytest

from hardy.core import Call, Operation, Principal
from hardy.telemetry import make_logger, observe


async def place_order() -> str:
    return "placed"


async def lines_of(*calls: Call, level="info", format="json") -> list[str]:
    stream = io.StringIO()
    middleware = observe(make_logger(stream=stream, format=format, level=level, app="orders"))

    async def handler(call: Call) -> object:
        return "placed"

    for call in calls:
        await middleware(call, handler)
    return stream.getvalue().splitlines()


async def test_every_line_after_the_first_says_the_same_as_the_first():
    operation = Operation.of(place_order)
    first, second = await lines_of(*(Call(operation, "http", id="c1", peer="192.0.2.1:5") for _ in range(2)))
    one, two = json.loads(first), json.loads(second)

    assert list(one) == list(two)
    assert {**one, "time": 0, "ms": 0} == {**two, "time": 0, "ms": 0}
    assert two["time"].endswith("Z")
    assert two["ms"] >= 0


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        pytest.param('a"b\\c', 'a"b\\c', id="quotes"),
        pytest.param("a\nb", "a\nb", id="a line break"),
        pytest.param("caf\u00e9 \u2028", "caf\u00e9 \u2028", id="what ends a line for some"),
        pytest.param("\ud800", "\\ud800", id="half of a pair"),
        pytest.param("a\x7fb", "a\x7fb", id="a delete"),
        pytest.param("redis://me:secret@host", "redis://me:[redacted]@host", id="a password in a URL"),
        pytest.param("Bearer abcdefghijkl", "Bearer [redacted]", id="a bearer token"),
    ],
)
async def test_what_needs_a_look_gets_one_in_every_line(subject, shown):
    operation = Operation.of(place_order)
    calls = [Call(operation, "http", id="c1") for _ in range(2)]
    for call in calls:
        call.principal = Principal(subject)
    lines = await lines_of(*calls)

    assert [json.loads(line)["principal"] for line in lines] == [shown, shown]
    assert all(line.isprintable() for line in lines)


async def test_below_the_level_nothing_is_written():
    operation = Operation.of(place_order)

    assert await lines_of(*(Call(operation, "http") for _ in range(3)), level="warning") == []


async def test_a_terminal_gets_every_line_for_people():
    operation = Operation.of(place_order)
    first, second = await lines_of(*(Call(operation, "http", id="c1") for _ in range(2)), format="console")

    assert "operation=place_order" in first
    assert "operation=place_order" in second


@pytest.mark.parametrize(
    ("call", "peer"),
    [
        pytest.param("c1", "192.0.2.1:5", id="the usual"),
        pytest.param("c1", 'a"b\\c', id="quotes in the peer"),
        pytest.param("c1", "caf\u00e9", id="a peer beyond ASCII"),
        pytest.param("c1", "x" * 1000, id="a long peer"),
        pytest.param("a.b_c-d", "192.0.2.1:5", id="an id of the caller's own"),
        pytest.param("caf\u00e9", "192.0.2.1:5", id="an id beyond ASCII"),
        pytest.param("c" * 1000, "192.0.2.1:5", id="a long id"),
    ],
)
async def test_a_line_says_the_same_however_often_it_was_written(call, peer):
    operation = Operation.of(place_order)
    lines = await lines_of(*(Call(operation, "http", id=call, peer=peer) for _ in range(4)))
    facts = [json.loads(line) for line in lines]

    assert [list(each) for each in facts] == [list(facts[0])] * 4
    assert [{**each, "time": 0, "ms": 0} for each in facts] == [{**facts[0], "time": 0, "ms": 0}] * 4
    assert (facts[0]["call"], facts[0]["peer"]) == (call, peer)
    assert sorted(each["time"] for each in facts) == [each["time"] for each in facts]


async def test_a_secret_in_a_peer_is_never_written():
    operation = Operation.of(place_order)
    lines = await lines_of(*(Call(operation, "http", id="c1", peer="redis://me:secret@host") for _ in range(4)))

    assert all("secret" not in line for line in lines[1:])


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        pytest.param(42, 42, id="a number"),
        pytest.param(type("Name", (str,), {})("alice"), "alice", id="a kind of text"),
        pytest.param(b"alice", "b'alice'", id="bytes"),
    ],
)
async def test_a_subject_that_is_no_text_costs_no_line(tmp_path, subject, shown):
    with (tmp_path / "log").open("w+") as file:
        log = make_logger(stream=file, format="json")
        middleware = observe(log)

        async def handler(call: Call) -> object:
            return "placed"

        calls = [Call(Operation.of(place_order), "http", id=id_) for id_ in ("c1", "c2")]
        calls[1].principal = Principal(subject)
        for call in calls:
            await middleware(call, handler)
        log.error("over")  # takes along what waits
        facts = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]

    assert [each.get("principal") for each in facts] == [None, shown, None]
    assert [each["event"] for each in facts] == ["call", "call", "over"]


async def test_a_fact_of_the_logger_that_json_cannot_say_fails_no_call():
    stream = io.StringIO()
    middleware = observe(make_logger(stream=stream, format="json", build=2**70, place="\udc80"))

    async def handler(call: Call) -> object:
        return "placed"

    assert await middleware(Call(Operation.of(place_order), "http"), handler) == "placed"
    assert json.loads(stream.getvalue())["build"] == str(2**70)


async def test_a_fact_of_the_logger_named_like_one_of_the_call_is_said_once():
    stream = io.StringIO()
    middleware = observe(make_logger(stream=stream, format="json", peer="nobody"))

    async def handler(call: Call) -> object:
        return "placed"

    await middleware(Call(Operation.of(place_order), "http", peer="192.0.2.1:5"), handler)

    assert stream.getvalue().count('"peer"') == 1
    assert json.loads(stream.getvalue())["peer"] == "192.0.2.1:5"
