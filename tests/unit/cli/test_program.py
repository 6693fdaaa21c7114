"""What holds for every command: streams, colour, the last resort."""

import io
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hardy.core import BuildFailed, Diagnostic, InvalidMessage, Malformed, Operation, Place
from hardy.tools.cli import main
from hardy.tools.cli._group import COMMANDS
from hardy.tools.cli._message import read_message
from hardy.tools.cli._style import has_colour, paint


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_every_command_is_listed_and_has_help(hardy):
    listed = hardy("--help").out
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", listed, re.MULTILINE)
        done = hardy(name, "--help")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: hardy {name} ")


def test_the_version_names_python_too(hardy):
    assert re.fullmatch(r"hardy \d+\.\d+\.\d+, python \d+\.\d+\.\d+\n", hardy("--version").out)


def test_no_command_at_all_is_wrong_usage(hardy):
    assert hardy().code == 2


@pytest.mark.parametrize(
    ("environment", "stream", "expected"),
    [
        ({}, Terminal(), True),
        ({}, io.StringIO(), False),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"TERM": "dumb"}, Terminal(), False),
    ],
    ids=["terminal", "pipe", "no-color", "dumb"],
)
def test_colour_is_for_terminals_that_want_it(monkeypatch, environment, stream, expected):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert has_colour(stream) is expected


def test_paint_adds_colour_and_changes_no_letter():
    fault = Diagnostic(
        code="H0701",
        title="nothing provides `Prices`",
        place=Place("shop/app.py", 3, "def buy(prices: Prices): ...", "Prices"),
        label="needed here",
        notes=("a note",),
        helps=("app.provide(prices)",),
    )
    painted = paint(fault.render())
    assert painted.count("\033[") > 10
    assert re.sub(r"\033\[[\d;]*m", "", painted) == fault.render()


def test_explain_lists_all_pages_and_prints_one(hardy):
    listed = hardy("explain").out.splitlines()
    assert listed[0].split() == ["code", "means"]
    assert any(line.startswith("H0702   ports need each other") for line in listed)
    assert hardy("explain", "h0702").out.startswith("# H0702: ports need each other")


def test_an_unknown_code_names_the_nearest(hardy):
    done = hardy("explain", "H0799")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith('error: no code "H0799"; the closest is "H07')


def test_a_bug_in_hardy_is_owned_and_reported_without_the_environment(project, hardy, monkeypatch, tmp_path):
    def broken(*_: object) -> None:
        secret = os.environ["SHOP_TOKEN"]
        raise RuntimeError(f"out of order with {secret}")

    monkeypatch.setenv("SHOP_TOKEN", "correct horse battery staple")
    monkeypatch.setattr("hardy.tools.cli._explain.table", broken)
    done = hardy("explain")
    assert done.code == 70
    lines = done.err.splitlines()
    assert lines[0] == "error[H9901]: this is a bug in hardy, not in your service"
    [report] = (tmp_path / "state/hardy").glob("report-*.txt")
    assert str(report) in done.err
    text = report.read_text()
    assert "Traceback" in text
    assert "out of order with <SHOP_TOKEN>" in text
    assert "horse" not in text + done.err


def test_an_interruption_has_its_own_exit_code(project, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hardy.tools.cli._explain.table", interrupted)
    assert main(["explain"]) == 130


def test_faults_found_anywhere_have_the_exit_code_of_their_family(project, monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise BuildFailed([Diagnostic(code="H0401", title="the database is away")])

    monkeypatch.setattr("hardy.tools.cli._explain.table", broken)
    assert main(["explain"]) == 5
    assert "error[H0401]: the database is away" in capsys.readouterr().err


@dataclass(frozen=True)
class Parcel:
    """One item of a stream."""

    weight: int


async def collect(parcels: AsyncIterator[Parcel]) -> int: ...


ITEMS = '{"weight": 1}', '{"weight": 2}'


@pytest.mark.parametrize(
    "text",
    ["[" + ",".join(ITEMS) + "]", "\n".join(ITEMS) + "\n", " ".join(ITEMS), f" [{ITEMS[0]}] {ITEMS[1]}"],
    ids=["array", "lines", "words", "mixed"],
)
async def test_the_items_of_a_stream_are_an_array_or_one_after_the_other(text):
    items = read_message(Operation.of(collect), text, json_case="snake")
    assert [item async for item in items] == [Parcel(1), Parcel(2)]


async def test_nothing_typed_is_a_stream_without_items():
    assert [item async for item in read_message(Operation.of(collect), "{}", json_case="snake")] == []


@pytest.mark.parametrize("text", ['[{"weight": 1}', '{"weight": 1} {', "nothing"], ids=["open", "half", "words"])
def test_items_that_are_no_json_are_refused(text):
    with pytest.raises(Malformed):
        read_message(Operation.of(collect), text, json_case="snake")


def test_a_message_that_is_no_json_or_breaks_a_rule_is_refused_before_it_is_sent():
    async def buy(sku: str, quantity: int) -> str: ...

    operation = Operation.of(buy)
    with pytest.raises(Malformed):
        read_message(operation, '{"sku": ', json_case="snake")
    with pytest.raises(InvalidMessage) as refused:
        read_message(operation, '{"sku": 1}', json_case="snake")
    assert [fault.pointer for fault in refused.value.faults] == ["/sku", "/quantity"]
