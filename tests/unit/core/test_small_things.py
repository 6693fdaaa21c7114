"""Deadline, metadata, the chain, notices, clock, logger, diagnostics: small, and each to the letter."""

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC

import msgspec
import pytest

from hardy.core import (
    BuildFailed,
    Call,
    ComponentClosed,
    ComponentOpened,
    Deadline,
    DeadlineExceeded,
    Diagnostic,
    Metadata,
    Notices,
    Operation,
    Place,
    Principal,
    SilentLogger,
    SystemClock,
    TaskFailed,
    compose,
    is_message_type,
    publish,
)

# --- deadline ----------------------------------------------------------------------------------------------------------


def test_a_deadline_in_the_future_has_not_passed():
    deadline = Deadline.after(60)
    assert 59 < deadline.remaining() <= 60
    assert not deadline.passed
    deadline.check()
    assert deadline.clamp(1) == 1
    assert deadline.clamp(1000) <= 60


def test_a_deadline_in_the_past_has_passed():
    deadline = Deadline.after(-1)
    assert deadline.passed
    assert deadline.remaining() < 0
    assert deadline.clamp(5) == 0
    with pytest.raises(DeadlineExceeded):
        deadline.check()


def test_the_deadline_that_does_not_come():
    assert Deadline.never().remaining() == math.inf
    assert Deadline.never().clamp(5) == 5


def test_the_earlier_of_two_deadlines_counts():
    soon, late = Deadline(1), Deadline(2)
    assert soon.earlier(late) is late.earlier(soon) is soon


# --- metadata ----------------------------------------------------------------------------------------------------------


def test_metadata_is_looked_up_without_regard_to_case():
    metadata = Metadata([("Accept", "a"), ("X-Id", "1"), ("accept", "b")])
    assert (metadata["ACCEPT"], metadata.get("x-id"), metadata.get("nothing")) == ("a", "1", None)
    assert metadata.all("aCCept") == ("a", "b")
    assert metadata.all("nothing") == ()
    assert (list(metadata), len(metadata)) == (["accept", "x-id"], 2)
    assert metadata.pairs() == (("accept", "a"), ("x-id", "1"), ("accept", "b"))
    assert "ACCEPT" in metadata
    with pytest.raises(KeyError):
        metadata["nothing"]


def test_metadata_shows_no_values():
    assert repr(Metadata([("Authorization", "Bearer secret")])) == "Metadata(authorization)"


# --- the chain ---------------------------------------------------------------------------------------------------------


async def hello() -> str:
    return "hello"


async def test_the_first_middleware_is_the_outermost():
    journal = []

    def layer(name: str):
        async def middleware(call, proceed):
            journal.append(f"{name} in")
            try:
                return f"{name}({await proceed(call)})"
            finally:
                journal.append(f"{name} out")

        return middleware

    async def innermost(call):
        return "hello"

    call = Call(Operation.of(hello), "direct")
    assert await compose([layer("a"), layer("b")], innermost)(call) == "a(b(hello))"
    assert journal == ["a in", "b in", "b out", "a out"]
    assert compose([], innermost) is innermost


# --- notices, clock, logger ----------------------------------------------------------------------------------------------


def test_every_listener_hears_every_notice_in_order():
    heard, notices = [], Notices()
    notices(ComponentOpened(name="nobody hears", seconds=0))
    notices.listen(lambda notice: heard.append(("first", notice.name)))
    notices.listen(lambda notice: heard.append(("second", notice.name)))
    notices(ComponentOpened(name="database", seconds=0.1))
    assert heard == [("first", "database"), ("second", "database")]


def test_a_listener_hears_the_kinds_it_asked_for():
    heard, notices = [], Notices()
    notices.listen(heard.append, ComponentClosed, TaskFailed)
    notices(ComponentOpened(name="database", seconds=0))
    notices(ComponentClosed(name="database", seconds=0))
    assert [type(notice) for notice in heard] == [ComponentClosed]


def test_a_channel_is_true_only_while_somebody_listens_for_its_kind():
    heard, notices = [], Notices()
    channel = notices.channel(ComponentOpened)
    notices.listen(heard.append, ComponentClosed)
    assert not channel
    notices.listen(heard.append)
    assert channel
    channel(ComponentOpened(name="database", seconds=0))
    assert [notice.name for notice in heard] == ["database"]


def test_the_system_clock_is_aware_and_never_goes_back():
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_the_silent_logger_writes_nothing(capsys):
    logger = SilentLogger().bind(call="1")
    for write in (logger.debug, logger.info, logger.warning, logger.error, logger.exception):
        write("event", fact=1)
    assert capsys.readouterr() == ("", "")


def test_principals_with_equal_facts_are_equal():
    assert Principal("alice") == Principal("alice", kind="user", claims={})


# --- messages ------------------------------------------------------------------------------------------------------------


@dataclass
class Order:
    sku: str


@pytest.mark.parametrize(
    ("annotation", "answer"),
    [
        (Order, True),
        (msgspec.defstruct("S", []), True),
        (int, False),
        (dict[str, int], False),
        (None, False),
        ("Order", False),
    ],
    ids=["dataclass", "struct", "int", "dict", "none", "text"],
)
def test_a_class_of_named_fields_can_be_a_message(annotation, answer):
    assert is_message_type(annotation) is answer


def test_publishing_leaves_values_and_absent_names_alone():
    names = {"__all__": ["LIMIT", "absent"], "LIMIT": 3}
    publish("shop", names)
    assert names["LIMIT"] == 3


# --- diagnostics ---------------------------------------------------------------------------------------------------------


def test_a_diagnostic_without_a_place_is_its_title_and_remedies():
    fault = Diagnostic(
        code="H0701", title="nothing provides `Prices`", body=("needed by place", ""), notes=("a\nb",), helps=("c",)
    )
    assert fault.render().splitlines() == [
        "error[H0701]: nothing provides `Prices`",
        "  needed by place",
        "",
        "  note: a",
        "        b",
        "  help: c",
        "  more: hardy explain H0701",
    ]


def test_a_place_without_text_is_only_named():
    fault = Diagnostic(code="H0201", title="t", place=Place("orders.toml"), severity="warning")
    assert fault.render().splitlines() == ["warning[H0201]: t", "  --> orders.toml", "  more: hardy explain H0201"]


def test_a_line_without_a_highlight_is_pointed_at_as_a_whole():
    fault = Diagnostic(code="H0201", title="t", place=Place("a.py", 12, "    x = 1"), label="here")
    assert fault.render().splitlines()[1:5] == ["  --> a.py:12", "   |", "12 |     x = 1", "   |     ^^^^^ here"]


def test_several_places_share_one_frame():
    fault = Diagnostic(
        code="H0201",
        title="t",
        place=Place("a.py", 9, "x = 1", "x"),
        also=((Place("a.py", 10, "y = 2", "2"), "and this"), (Place("b.py", 3, "z"), ""), (Place("c.py"), "")),
    )
    assert fault.render().splitlines()[1:-1] == [
        "  --> a.py:9",
        "   |",
        " 9 | x = 1",
        "   | ^",
        "10 | y = 2",
        "   |     ^ and this",
        "  --> b.py:3",
        "   |",
        " 3 | z",
        "   | ^",
        "  --> c.py",
    ]


def test_a_place_is_found_in_source():
    assert Place.of(hello).text == "async def hello() -> str:"
    assert Place.of(hello, highlight="no such text").text == "async def hello() -> str:"
    assert Place.of(hello, highlight='"hello"').text == '    return "hello"'
    assert Place.of(3) is None
    assert Place.of(len) is None


def test_a_line_of_a_file_is_read(tmp_path):
    file = tmp_path / "orders.toml"
    file.write_text("[http]\nport = 1\n")
    assert Place.of_line(str(file), 2) == Place(str(file), 2, "port = 1")
    assert Place.of_line(str(tmp_path / "absent"), 2).text == ""


def test_files_below_the_working_directory_are_named_shortly(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Place.of_line(str(tmp_path / "orders" / "app.py"), 1).file == "orders/app.py"


def test_a_failed_build_shows_every_fault_and_the_exit_code_of_the_first():
    first, second = Diagnostic(code="H0201", title="a"), Diagnostic(code="H0601", title="b")
    failed = BuildFailed([first, second])
    assert str(failed) == f"{first.render()}\n\n{second.render()}"
    assert (failed.exit_code, BuildFailed([second]).exit_code, BuildFailed([]).exit_code) == (3, 7, 7)
    assert BuildFailed([Diagnostic(code="H9901", title="c")]).exit_code == 7


def test_an_exposed_operation_is_what_it_was_made_of():
    from hardy.core import Exposed

    async def handler(call):
        return None

    exposed = Exposed(Operation.of(hello), object(), handler)
    assert (exposed.operation.name, exposed.handler) == ("hello", handler)
    assert asyncio.iscoroutinefunction(exposed.handler)
