"""One event is one line, whatever is in it; secrets are not."""

import asyncio
import contextlib
import dataclasses
import io
import json
import math
import os
import re
import threading
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from hardy.telemetry import make_logger

NAUGHTY = {
    "crlf": 'a\r\n{"level":"error"}',
    "ansi": "\x1b[2J\x1b[31mred",
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "lone-surrogate": "a\ud800b\udfff",
    "nul": "a\x00b",
    "right-to-left": "abc\u202etxt.exe",
    "c1": "\x9b31m",
    "bom": "\ufeffx",
    "emoji": "käse 🧀",
    "quote": 'a"}\n{"x":"',
}


@dataclasses.dataclass
class Login:
    name: str
    password: str
    hidden: str = dataclasses.field(default="canary-hidden", repr=False)


class Keys(msgspec.Struct):
    api_key: str
    region: str


def lines(write, **options):
    stream = io.StringIO()
    write(make_logger(stream=stream, **{"format": "json", **options}))
    text = stream.getvalue()
    assert text == "" or text.endswith("\n")
    return text[:-1].splitlines() if text else []


def one(write, **options):
    (line,) = lines(write, **options)
    return json.loads(line)


@pytest.mark.parametrize("text", NAUGHTY.values(), ids=NAUGHTY.keys())
@pytest.mark.parametrize("where", ["event", "fact", "name", "bound", "nested", "exception"])
@pytest.mark.parametrize("format_", ["json", "console"])
def test_one_event_is_one_line_whatever_is_in_it(text, where, format_):
    def write(log):
        match where:
            case "event":
                log.info(text)
            case "fact":
                log.info("e", fact=text)
            case "name":
                log.info("e", **{text: 1})
            case "bound":
                log.bind(fact=text).info("e")
            case "nested":
                log.info("e", fact={text: [text, {"x": text}]})
            case "exception":
                log.error("e", exc_info=ValueError(text))

    got = lines(write, format=format_)
    if format_ == "json":
        assert len(got) == 1
        json.loads(got[0])
    elif where != "exception":
        assert len(got) == 1
    for line in got:
        assert re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff\ufeff]", line) is None


def test_text_survives_the_line():
    assert one(lambda log: log.info("e", fact="käse\u2028\r\n\x1b🧀"))["fact"] == "käse\u2028\r\n\x1b🧀"


def test_a_fact_cannot_pass_for_what_the_logger_says():
    line = one(lambda log: log.bind(level="x").info("real", event="forged", level="error", time="never"))
    assert (line["event"], line["level"]) == ("real", "info")
    assert (line["event_"], line["level_"], line["time_"]) == ("forged", "error", "never")


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "userPassword",
        "db_passwd",
        "access_token",
        "Authorization",
        "set-cookie",
        "client_secret",
        "X-Api-Key",
        "private_key",
        "jwt",
        "otp",
    ],
)
def test_values_under_telling_names_are_redacted(name):
    line = one(lambda log: log.info("e", **{name: "canary"}, nested={"deep": [{name: "canary"}]}))
    assert line[name] == "[redacted]"
    assert "canary" not in json.dumps(line)


@pytest.mark.parametrize("name", ["sku", "spin", "keyboard", "passenger", "monkey", "shipping"])
def test_other_names_are_left_alone(name):
    assert one(lambda log: log.info("e", **{name: "v"}))[name] == "v"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("postgres://app:hunter2@db/orders", "postgres://app:[redacted]@db/orders"),
        ("sent Bearer c2VjcmV0LXRva2Vu", "sent Bearer [redacted]"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.x", "[redacted]"),
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
    ],
    ids=["url", "bearer", "jwt", "harmless"],
)
def test_credentials_inside_texts_are_redacted_wherever_they_stand(text, written):
    line = one(lambda log: log.info(text, url=text, inside={"deep": [text]}))
    assert (line["event"], line["url"], line["inside"]) == (written, written, {"deep": [written]})


def test_secrets_inside_objects_are_redacted():
    line = one(lambda log: log.info("e", login=Login("al", "canary-1"), keys=[Keys("canary-2", "eu")]))
    assert line["login"] == {"name": "al", "password": "[redacted]"}
    assert line["keys"] == [{"api_key": "[redacted]", "region": "eu"}]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary.canary",
        "postgres://app:canary@db/x",
        "password=canary",
        '{"password": "canary"}',
        "https://h/?access_token=canary&x=1",
        "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJjYW5hcnkifQ.canary",
    ],
)
def test_credentials_in_the_text_of_an_exception_are_scrubbed(text):
    line = one(lambda log: log.error("e", exc_info=ValueError(f"failed: {text}")))
    assert "canary" not in line["exception"]
    assert "ValueError: failed" in line["exception"]


class Hostile:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


def recursive():
    loop: list[object] = []
    loop.append(loop)
    return loop


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (10**400, 10**400),
        (10**5000, "<int>"),
        (b"\xff", "b'\\xff'"),
        (UUID(int=1), str(UUID(int=1))),
        (Decimal("1.10"), "1.10"),
        (Hostile(), "<Hostile: RuntimeError in __str__>"),
        (recursive(), [[[[[["..."]]]]]]),
        ({1: 2}, {"1": 2}),
        (int, "<class 'int'>"),
        (set(), []),
        ("x" * 20_000, "x" * 16_384 + "... (20000 characters)"),
    ],
    ids=[
        "nan",
        "huge",
        "unprintable",
        "bytes",
        "uuid",
        "decimal",
        "hostile-str",
        "recursive",
        "int-keys",
        "class",
        "set",
        "long",
    ],
)
def test_every_value_makes_a_line(value, expected):
    assert one(lambda log: log.info("e", fact=value))["fact"] == expected


def test_an_exception_brings_its_traceback():
    def write(log):
        try:
            raise ValueError("boom")
        except ValueError:
            log.exception("e")

    line = one(write)
    assert line["level"] == "error"
    assert 'raise ValueError("boom")' in line["exception"]


def test_a_traceback_is_bounded():
    def deeper(n):
        return deeper(n - 1) if n else [][n]

    def other(n):
        return deeper(1) if n == 0 else second(n - 1)

    def second(n):
        return other(n)

    def write(log):
        try:
            other(300)
        except IndexError:
            log.exception("e", detail="x")
        log.error("e", exc_info=ValueError("y" * 1_000_000))

    first, last = lines(write)
    assert len(first) < 20_000
    assert len(last) < 40_000


def test_a_level_below_is_not_written():
    def write(log):
        log.debug("no")
        log.info("no")
        log.bind(x=1).info("no")
        log.warning("yes")
        log.error("yes")

    assert len(lines(write, level="warning")) == 2


def test_two_loggers_do_not_know_each_other():
    one_stream, other_stream = io.StringIO(), io.StringIO()
    first = make_logger(stream=one_stream, format="json", app="a", level="error")
    other = make_logger(stream=other_stream, format="console", app="b")
    first.info("quiet")
    other.info("loud")
    assert one_stream.getvalue() == ""
    assert "app=b" in other_stream.getvalue()


def test_off_a_terminal_auto_is_json_without_colour():
    assert one(lambda log: log.info("e"), format="auto")["event"] == "e"
    assert "\x1b" not in lines(lambda log: log.info("e"), format="console")[0]


def test_on_a_terminal_auto_is_console_in_colour():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    make_logger(stream=stream).info("order placed", sku="black tea")
    assert "\x1b[32minfo" in stream.getvalue()
    assert "sku='black tea'" in stream.getvalue()


def test_a_line_is_written_at_once_and_whole_from_many_threads():
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream, os.fdopen(read) as reader:
        log = make_logger(stream=stream, format="json")
        threads = [
            threading.Thread(target=lambda: [log.info("e", n=n, pad="x" * 500) for n in range(20)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        got = [json.loads(reader.readline()) for _ in range(80)]
        for thread in threads:
            thread.join()
    assert len(got) == 80


def test_a_full_pipe_of_a_non_blocking_stream_loses_nothing_while_it_is_read():
    read, write = os.pipe()
    os.set_blocking(write, False)
    with os.fdopen(write, "w") as stream, os.fdopen(read) as reader:
        log = make_logger(stream=stream, format="json")
        pad = "x" * 15_000
        thread = threading.Thread(target=lambda: [log.info("e", pad=pad, n=n) for n in range(30)])
        thread.start()
        got = [json.loads(reader.readline())["n"] for _ in range(30)]
        thread.join()
    assert got == list(range(30))


@pytest.mark.parametrize("how", ["closed", "nobody-reads"])
def test_a_stream_that_is_gone_does_not_fail_the_caller(how):
    read, write = os.pipe()
    stream = os.fdopen(write, "w")
    log = make_logger(stream=stream, format="json")
    os.close(read)
    if how == "closed":
        stream.close()
    log.info("e")
    if how != "closed":
        stream.close()


async def test_lines_of_one_turn_of_the_loop_go_out_together_and_whole():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream, os.fdopen(reading, "rb", buffering=0) as pipe:
        os.set_blocking(reading, False)
        logger = make_logger(stream=stream, format="json")
        for number in range(100):
            logger.info("happened", number=number)

        before = pipe.read(1)
        await asyncio.sleep(0)
        lines = pipe.read(1_000_000).splitlines()

    assert before is None
    assert [msgspec.json.decode(line)["number"] for line in lines] == list(range(100))


async def test_an_error_goes_at_once_behind_what_waited():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream, os.fdopen(reading, "rb", buffering=0) as pipe:
        os.set_blocking(reading, False)
        logger = make_logger(stream=stream, format="json")
        logger.info("first")
        logger.error("second")

        lines = pipe.read(1_000_000).splitlines()

    assert [msgspec.json.decode(line)["event"] for line in lines] == ["first", "second"]


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="only Linux has pipes that keep writes apart")
async def test_a_traceback_stays_with_its_line_however_much_is_written_at_once():
    reading, writing = os.pipe2(os.O_DIRECT | os.O_NONBLOCK)
    try:
        raise ValueError("x" * 700)
    except ValueError as error:
        caught = error
    with os.fdopen(writing, "w") as stream:
        logger = make_logger(stream=stream, format="console")
        for number in range(20):
            logger.warning("slow", number=number, exc_info=caught)
        await asyncio.sleep(0)
        writes: list[bytes] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                writes.append(os.read(reading, 65_536))
    os.close(reading)

    assert len(writes) > 2
    assert all(each.endswith(b"\n") and not each.startswith(b" ") for each in writes)
    assert b"".join(writes).count(b"ValueError: x") == 20
