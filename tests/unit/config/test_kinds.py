import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, NewType
from uuid import UUID

import pytest
from msgspec import Meta

from hardy.config import Duration, Secret, Size, Url
from hardy.config._kind import BadValue, Unreadable
from hardy.config._kinds import kind_of


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1


@dataclass(frozen=True)
class Peer:
    url: Url
    wait: Duration = 1.0
    key: Secret[str] | None = None


OrderId = NewType("OrderId", int)


@pytest.mark.parametrize(
    ("hint", "raw", "value"),
    [
        (str, "a, b", "a, b"),
        (str, "", ""),
        (int, " 10 ", 10),
        (int, -3, -3),
        (float, "1e3", 1000.0),
        (float, 2, 2.0),
        *[(bool, word, True) for word in ("true", "YES", "on", "1", True)],
        *[(bool, word, False) for word in ("False", "no", "OFF", "0", False)],
        (Path, "/srv/x", Path("/srv/x")),
        (UUID, "00000000-0000-0000-0000-000000000001", UUID(int=1)),
        (Decimal, "9.99", Decimal("9.99")),
        (date, "2030-01-31", date(2030, 1, 31)),
        (date, date(2030, 1, 31), date(2030, 1, 31)),
        (datetime, "2030-01-31T06:30:00Z", datetime(2030, 1, 31, 6, 30, tzinfo=UTC)),
        (timedelta, "5m", timedelta(minutes=5)),
        (bytes, "aGFyZHk=", b"hardy"),
        (Duration, "1h30m", 5400.0),
        (Duration, 2.5, 2.5),
        (Size, "1MiB", 2**20),
        (Url, "https://example.com", "https://example.com"),
        (Literal["a", 3], "3", 3),
        (Colour, "green", Colour.GREEN),
        (Colour, "RED", Colour.RED),
        (Level, "1", Level.LOW),
        (OrderId, "7", 7),
        (int | None, "", None),
        (int | None, "4", 4),
        (list[int], "1, 2,3", [1, 2, 3]),
        (list[int], "[1, 2]", [1, 2]),
        (list[int], [1, 2], [1, 2]),
        (list[str], "", []),
        (list[str], '["a,b"]', ["a,b"]),
        (tuple[str, ...], "a", ("a",)),
        (set[str], "a,a", {"a"}),
        (frozenset[int], "1", frozenset({1})),
        (Sequence[Duration], "1s,2m", (1.0, 120.0)),
        (dict[str, int], "a=1, b=2", {"a": 1, "b": 2}),
        (Mapping[str, str], '{"a": "x=y"}', {"a": "x=y"}),
        (list[Peer], '[{"url": "http://a", "wait": "5m"}]', [Peer("http://a", 300.0)]),
        (dict[str, Peer], {"eu": {"url": "http://a"}}, {"eu": Peer("http://a")}),
        (Secret[str], "x", Secret("x")),
        (Secret[Annotated[str, Meta(min_length=2)]] | None, "xy", Secret("xy")),
        (Annotated[Secret[str] | None, Meta(min_length=2)], "xy", Secret("xy")),
        (Annotated[Duration, Meta(ge=1)], "1s", 1.0),
        (Annotated[list[int], Meta(min_length=1)], "1", [1]),
        (Annotated[Sequence[int], Meta(max_length=1)], "1", (1,)),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_a_value_is_read(hint, raw, value):
    read = kind_of(hint).read(raw)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("hint", "raw", "rule", "label"),
    [
        (int, "ten", "a whole number", "not a number"),
        (int, "1.5", "a whole number", "not a whole number"),
        (int, True, "a whole number", "not a number"),
        (int, "9" * 5000, "a whole number", "not a whole number"),
        (str, 5, "text", "not text; put it in quotes"),
        (float, "nan", "a number", "not finite"),
        (float, "1e999", "a number", "not finite"),
        (bool, "maybe", "true or false", "neither true nor false"),
        (UUID, "x", "a UUID", "not a UUID"),
        (date, "tomorrow", "a date", "not a date"),
        (bytes, "#", "bytes in base64", "not base64"),
        (Path, "", "a path", "empty"),
        (Duration, "soon", "a duration like 30s, 5m or 1h30m", "not a duration"),
        (Duration, True, "a duration like 30s, 5m or 1h30m", "not a duration"),
        (Size, -1, "a size like 64KB or 1MiB", "not a size"),
        (Url, "example.com", "a URL like https://example.com", "not a URL"),
        (Literal["a", "b"], "c", "one of a, b", "no such choice"),
        (Colour, "blue", "one of red, green", "no such choice"),
        (Annotated[int, Meta(ge=1, le=200)], "0", "a whole number from 1 to 200", "too small"),
        (Annotated[int, Meta(ge=1, le=200)], "201", "a whole number from 1 to 200", "too large"),
        (Annotated[int, Meta(ge=1), Meta(lt=9)], "9", "a whole number of 1 or more below 9", "too large"),
        (Annotated[float, Meta(gt=0)], "0", "a number above 0", "too small"),
        (Annotated[int, Meta(multiple_of=5)], "7", "a whole number in steps of 5", "between two steps"),
        (Annotated[str, Meta(pattern="^a")], "b", "text matching ^a", "does not match"),
        (
            Annotated[str, Meta(min_length=2, max_length=3)],
            "a",
            "text of 2 to 3 characters",
            "1 character, at least 2 needed",
        ),
        (Annotated[Duration, Meta(gt=1)], "1s", "a duration above 1s, like 30s, 5m or 1h30m", "too small"),
        (Annotated[Size, Meta(le=2**20)], "2MiB", "a size of 1MiB or less, like 64KB or 1MiB", "too large"),
        (list[int], "1,x", "a list of whole numbers like 1,1 or a JSON array", "not a number"),
        (list[int], "[1", "a list of whole numbers like 1,1 or a JSON array", "not valid JSON"),
        (list[int], "[" * 100_000, "a list of whole numbers like 1,1 or a JSON array", "not valid JSON"),
        (list[int], 5, "a list of whole numbers like 1,1 or a JSON array", "not a list"),
        (
            Annotated[list[str], Meta(min_length=1)],
            "",
            "a list of texts of at least 1 item, like text,text or a JSON array",
            "0 items, at least 1 needed",
        ),
        (dict[str, int], "a", "a mapping to whole numbers like name=1 or a JSON object", "not a list of name=value"),
        (Secret[str], "", "text", "empty"),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_a_bad_value_is_refused_with_the_rule_and_what_it_is(hint, raw, rule, label):
    kind = kind_of(hint)
    with pytest.raises(BadValue) as raised:
        kind.read(raw)
    assert (kind.rule, raised.value.label) == (rule, label)


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ('[{"wait": "1s"}]', "lacks `url`"),
        ('[{"url": "http://a", "wiat": 1}]', "has `wiat`, which Peer does not know"),
        ('[{"url": "http://a", "wait": "soon"}]', "`wait` is not a duration"),
    ],
    ids=["missing", "unknown", "bad"],
)
def test_a_bad_member_of_a_list_is_named(raw, label):
    with pytest.raises(BadValue) as raised:
        kind_of(list[Peer]).read(raw)
    assert raised.value.label == label


def test_the_nearest_choice_is_told():
    with pytest.raises(BadValue) as raised:
        kind_of(Literal["dev", "test", "production"]).read("Prodcution")
    assert raised.value.nearest == "production"


@pytest.mark.parametrize(
    ("hint", "value", "shown"),
    [
        (bool, True, "true"),
        (Duration, 5400.0, "1h30m"),
        (Size, 2**20, "1MiB"),
        (Url, "http://u:hunter2@h", "http://u:***@h"),
        (Secret[str], Secret("hunter2"), "***"),
        (Secret[str] | None, None, ""),
        (list[Secret[str]], [Secret("hunter2")], "***"),
        (list[int], [1, 2], "1,2"),
        (list[str], ["a,b"], '["a,b"]'),
        (dict[str, Url], {"a": "http://u:hunter2@h"}, "a=http://u:***@h"),
        (Colour, Colour.RED, "red"),
        (timedelta, timedelta(minutes=5), "5m"),
        (bytes, b"hunter2", "***"),
        (date, date(2030, 1, 31), "2030-01-31"),
        (int | None, None, ""),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_a_value_is_shown_redacted(hint, value, shown):
    assert kind_of(hint).show(value) == shown


@pytest.mark.parametrize(
    ("hint", "remedy"),
    [
        (object, "a setting is str"),
        (int | str, "a union of several types is ambiguous"),
        (tuple[int, str], "a setting is str"),
        (dict[int, str], "a setting is str"),
        (list[object], "a setting is str"),
    ],
    ids=["object", "union", "pair", "keys", "inside"],
)
def test_a_type_that_no_text_becomes_is_refused(hint, remedy):
    with pytest.raises(Unreadable, match=remedy):
        kind_of(hint)


def test_a_foreign_constraint_is_refused_rather_than_ignored():
    annotated_types = pytest.importorskip("annotated_types")
    with pytest.raises(Unreadable, match=r"hardy\.schema\.Ge"):
        kind_of(Annotated[int, annotated_types.Ge(1)])
