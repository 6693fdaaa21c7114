"""Whatever bytes arrive, the answer is the caller's fault, and never a defect of ours."""

from dataclasses import dataclass, field

import msgspec
import pydantic
import pytest

from hardy.core import InvalidMessage, Malformed
from hardy.schema import codec


@dataclass
class Note:
    text: str = ""
    size: int = 0
    ratio: float = 0.0
    more: object = None
    inner: "Note | None" = None
    parts: list["Note"] = field(default_factory=list)


class Model(pydantic.BaseModel):
    text: str = ""
    size: int = 0
    ratio: float = 0.0
    more: object = None
    inner: "Model | None" = None


class Holder(msgspec.Struct):
    inner: Model


HOSTILE = {
    "empty": (b"", Malformed),
    "blank": (b" \n\t", Malformed),
    "byte order mark": (b"\xef\xbb\xbf{}", Malformed),
    "utf-16": ("{}".encode("utf-16"), Malformed),
    "wrong utf-8 in text": (b'{"text": "\xff"}', Malformed),
    "wrong utf-8 in a skipped member": (b'{"zzz": "\xff"}', Malformed),
    "overlong utf-8": (b'{"text": "\xc0\xaf"}', Malformed),
    "raw surrogate": (b'{"text": "\xed\xa0\x80"}', Malformed),
    "half a pair": (b'{"text": "\\ud800"}', Malformed),
    "the other half": (b'{"text": "\\udc00x"}', Malformed),
    "half a pair beside a fault": (b'{"size": "x", "text": "\\ud800"}', Malformed),
    "cut off": (b'{"text": "a', Malformed),
    "trailing": (b"{} {}", Malformed),
    "trailing comma": (b'{"size": 1,}', Malformed),
    "single quotes": (b"{'size': 1}", Malformed),
    "comment": (b'{"size": 1} // one', Malformed),
    "control character": (b'{"text": "a\x00b"}', Malformed),
    "NaN": (b'{"ratio": NaN}', Malformed),
    "infinity": (b'{"ratio": -Infinity}', Malformed),
    "NaN beside a fault": (b'{"size": "x", "ratio": NaN}', Malformed),
    "leading nought": (b'{"size": 01}', Malformed),
    "plus": (b'{"size": +1}', Malformed),
    "hex": (b'{"size": 0x1}', Malformed),
    "bare word": (b"undefined", Malformed),
    "deep lists": (b'{"more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", Malformed),
    "deep lists without an end": (b"[" * 1_000_000, (Malformed, InvalidMessage)),
    "deep objects": (b'{"inner": ' * 100_000 + b"{}" + b"}" * 100_000, Malformed),
    "deep in a skipped member": (b'{"zzz": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, Malformed),
    "deep beside a fault": (b'{"size": "x", "zzz": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", Malformed),
    "deep in parts": (b'{"parts": [' * 100_000, (Malformed, InvalidMessage)),
    "5,000 digits": (b'{"size": ' + b"9" * 5000 + b"}", InvalidMessage),
    "5,000 digits of a float": (b'{"ratio": ' + b"9" * 5000 + b"}", InvalidMessage),
    "5,000 digits of anything": (b'{"more": ' + b"9" * 5000 + b"}", InvalidMessage),
    "5,000 digits in a key": (b'{"more": {"' + b"9" * 5000 + b'": 1e999}}', InvalidMessage),
    "1e999": (b'{"ratio": 1e999}', InvalidMessage),
    "1e999 of anything": (b'{"more": [1e999]}', InvalidMessage),
    "1e999 for a whole number": (b'{"size": 1e999}', InvalidMessage),
    "huge exponent": (b'{"ratio": 1e99999999999999999999}', InvalidMessage),
    "beyond 64 bits": (b'{"size": 18446744073709551616}', InvalidMessage),
    "beyond 64 bits of anything": (b'{"more": {"a": [9223372036854775808]}}', InvalidMessage),
    "a list": (b"[]", InvalidMessage),
    "null": (b"null", InvalidMessage),
    "a number": (b"1", InvalidMessage),
}


@pytest.mark.parametrize(("data", "error"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_json_is_the_callers_fault(data, error):
    with pytest.raises(error) as caught:
        codec(Note).decode(data)
    assert str(caught.value)


@pytest.mark.parametrize(("data", "error"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_json_in_camel_case_is_the_callers_fault(data, error):
    with pytest.raises((Malformed, InvalidMessage)):
        codec(Note, json_case="camel").decode(data)


@pytest.mark.parametrize("data", [data for data, _ in HOSTILE.values()], ids=list(HOSTILE))
@pytest.mark.parametrize("cls", [Model, Holder])
def test_hostile_json_for_a_pydantic_model_is_the_callers_fault(cls, data):
    wrapped = data if cls is Model else b'{"inner": ' + data + b"}"
    with pytest.raises((Malformed, InvalidMessage)):
        codec(cls).decode(wrapped)


FINE = {
    "minus nought": b'{"size": -0}',
    "minus nought of a float": b'{"ratio": -0.0}',
    "a whole pair": b'{"text": "\\ud83d\\ude00"}',
    "raw emoji": '{"text": "😀"}'.encode(),
    "null character escaped": b'{"text": "\\u0000"}',
    "white space around": b' \r\n{ "size" : 1 } \t',
    "tiny": b'{"ratio": 1e-999}',
    "the greatest": b'{"size": 9223372036854775807}',
    "the least": b'{"size": -9223372036854775808}',
    "a whole number for a float": b'{"ratio": 1}',
    "nested not too deeply": b'{"inner": ' * 50 + b"{}" + b"}" * 50,
    "an empty name": b'{"": 1}',
}


@pytest.mark.parametrize("data", FINE.values(), ids=FINE)
@pytest.mark.parametrize("cls", [Note, Model])
def test_odd_but_correct_json_is_taken(cls, data):
    codec(cls).decode(data)


def test_what_is_wrong_with_the_syntax_is_told():
    told = {}
    for name in ("empty", "byte order mark", "wrong utf-8 in text", "half a pair", "deep lists", "trailing"):
        with pytest.raises(Malformed) as caught:
            codec(Note).decode(HOSTILE[name][0])
        told[name] = str(caught.value)
    assert told == {
        "empty": "the body is empty where JSON is expected",
        "byte order mark": "the JSON begins with a byte order mark, which RFC 8259 forbids",
        "wrong utf-8 in text": "the body is not UTF-8",
        "half a pair": "the JSON holds half of a surrogate pair",
        "deep lists": "the JSON is nested too deeply",
        "trailing": "the body is not JSON: trailing characters (byte 4)",
    }


@dataclass
class Endless:
    size: int

    def __post_init__(self) -> None:
        self.__post_init__()


def test_endless_recursion_in_the_users_class_is_a_defect_and_no_fault_of_the_caller():
    with pytest.raises(RecursionError):
        codec(Endless).decode(b'{"size": 1}')


LONG = {
    "a fault that msgspec names": (b'"x"', [("/50000", "must be a whole number")]),
    "a fault that only hardy knows": (b"9" * 20, [("", "holds a number or a time that no message may hold")]),
}


@pytest.mark.parametrize(("item", "told"), LONG.values(), ids=LONG)
def test_a_fault_far_inside_a_long_message_is_refused_without_looking_at_everything_again(item, told):
    with pytest.raises(InvalidMessage) as caught:
        codec(list[int]).decode(b"[" + b"1," * 50_000 + item + b"]")
    assert [(each.pointer, each.detail) for each in caught.value.faults] == told


def test_ten_thousand_wrong_items_take_no_longer_than_the_first_hundred():
    with pytest.raises(InvalidMessage) as caught:
        codec(list[Note]).decode(b"[" + b'{"size": "x", "text": 1},' * 10_000 + b"{}]")
    assert len(caught.value.faults) == 100
