"""One flag a member, converted like a query string."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

import pytest

from hardy.auth import internal
from hardy.core import Exposed, Operation, Principal
from hardy.schema import Ge
from hardy.transport.command import Help, Parser, WrongUsage, carry_out, command, parse


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    width: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """Every kind of member."""

    text: str = ""
    number: Annotated[int, Ge(1)] = 1
    price: Decimal = Decimal(0)
    day: date | None = None
    colour: Colour = Colour.RED
    side: Literal["left", "right"] = "left"
    loud: bool = False
    numbers: list[int] = field(default_factory=list)
    pair: tuple[int, ...] = ()
    size: Size = Size()
    sizes: list[Size] | None = None
    limits: dict[str, int] | None = None


async def do(msg: Everything) -> Everything:
    """Do 100 % of it."""
    return msg


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], Everything(), id="defaults"),
        pytest.param(["--text", "a b", "--number", "2"], Everything(text="a b", number=2), id="text and number"),
        pytest.param(["--price", "1.10", "--day", "2026-01-02"], Everything(price=Decimal("1.10"), day=date(2026, 1, 2)), id="price and day"),
        pytest.param(["--colour", "red", "--side", "right"], Everything(side="right"), id="choices"),
        pytest.param(["--loud"], Everything(loud=True), id="switch on"),
        pytest.param(["--no-loud"], Everything(loud=False), id="switch off"),
        pytest.param(["--numbers", "1", "--numbers", "2", "--pair", "3"], Everything(numbers=[1, 2], pair=(3,)), id="many"),
        pytest.param(["--size", '{"width":2}'], Everything(size=Size(width=2)), id="nested"),
        pytest.param(["--sizes", "{}", "--sizes", '{"width":3}'], Everything(sizes=[Size(), Size(width=3)]), id="many nested"),
        pytest.param(["--text=--loud"], Everything(text="--loud"), id="text like a flag"),
    ],
)  # fmt: skip
def test_flags_become_the_message(arguments, expected):
    assert parse(Operation.of(do), "svc do", arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--number", "0"], "error: --number must be at least 1", id="rule"),
        pytest.param(["--number", "x"], "error: --number ", id="type"),
        pytest.param(["--numbers", "x"], "error: --numbers/0 ", id="item"),
        pytest.param(["--sizes", "{"], "error: --sizes is not JSON: ", id="syntax"),
        pytest.param(["--nothing"], "error: unrecognized arguments: --nothing\nusage: svc do ", id="unknown"),
        pytest.param(["stray"], "error: unrecognized arguments: stray", id="no flag"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(arguments, words):
    with pytest.raises(WrongUsage) as wrong:
        parse(Operation.of(do), "svc do", arguments)
    assert str(wrong.value).startswith(words)


def test_every_fault_is_told_at_once():
    with pytest.raises(WrongUsage) as wrong:
        parse(Operation.of(do), "svc do", ["--number", "0", "--side", "up", "--day", "tomorrow"])
    assert [line.split()[1] for line in str(wrong.value).splitlines()] == ["--number", "--day", "--side"]


def test_help_is_asked_for_and_not_printed(capsys):
    with pytest.raises(Help) as asked:
        parse(Operation.of(do), "svc do", ["--help"])
    assert asked.value.program == "svc do"
    assert "Do 100 % of it." in str(asked.value)
    assert capsys.readouterr().out == ""


def test_a_parser_never_ends_the_process():
    parser = Parser(prog="x")
    parser.add_argument("--y")
    with pytest.raises(WrongUsage, match="expected one argument"):
        parser.parse_args(["--y"])


@pytest.mark.parametrize("name", ["Reindex", "re index", "", "1st", "-x"])
def test_a_name_that_no_shell_takes_is_refused(name):
    assert [fault.code for fault in command(name).check(Operation.of(do))] == ["H0650"]


async def test_who_calls_can_be_said():
    async def who(*, caller: Principal) -> str: ...

    seen, lines = [], []

    async def handler(call):
        seen.append(call.principal)
        call.message = await call.receive()
        call.encode("me")
        return "me"

    operation = Operation.of(who).with_options(allow=internal)
    message = parse(operation, "svc who", [])
    await carry_out(Exposed(operation, command("who"), handler), message, lines.append)
    alice = Principal("alice")
    await carry_out(Exposed(operation, command("who"), handler), message, lines.append, principal=alice)
    assert seen == [Principal("command:who", kind="service"), alice]
    assert lines == [b'"me"\n', b'"me"\n']


async def test_the_reply_of_a_middleware_is_printed_in_its_place():
    async def who() -> str: ...

    async def handler(call):
        call.encode("first")
        return "second"

    lines = []
    operation = Operation.of(who)
    await carry_out(Exposed(operation, command("who"), handler), operation.message(), lines.append)
    assert lines == [b'"second"\n']
