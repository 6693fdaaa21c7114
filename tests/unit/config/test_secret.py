import copy
import dataclasses
import pickle

import msgspec
import pytest

from hardy.config import Secret


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{:>10}".format,
        "{!r}".format,
        lambda s: str([s]),
        lambda s: str({"a": s}),
    ],
    ids=["repr", "str", "format", "width", "format-repr", "list", "dict"],
)
def test_a_secret_prints_as_stars(show):
    shown = show(Secret("hunter2"))
    assert "***" in shown
    assert "hunter2" not in shown


def test_a_dataclass_that_holds_a_secret_prints_stars():
    @dataclasses.dataclass(frozen=True)
    class Account:
        password: Secret[str]

    account = Account(Secret("hunter2"))
    assert "hunter2" not in repr(account)
    assert "hunter2" not in repr(dataclasses.asdict(account))


def test_reveal_gives_the_value_out():
    assert Secret(b"key").reveal() == b"key"


def test_no_codec_encodes_a_secret():
    with pytest.raises(TypeError, match="Secret is unsupported"):
        msgspec.json.encode({"password": Secret("hunter2")})


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [("a", "a", True), ("a", "b", False), ("é", "é", True), (b"a", b"a", True), ("a", b"b", False), (1, 1, True)],
    ids=["same", "different", "not-ascii", "bytes", "types", "numbers"],
)
def test_secrets_compare_by_value(one, other, equal):
    assert (Secret(one) == Secret(other)) is equal


def test_a_secret_is_never_equal_to_a_bare_value():
    assert Secret("a") != "a"


def test_equal_secrets_have_equal_hashes():
    assert len({Secret("a"), Secret("a")}) == 1


def test_an_empty_secret_is_false():
    assert not Secret("")
    assert Secret("a")


def test_a_secret_can_be_copied_and_handed_to_a_worker():
    assert copy.deepcopy(Secret("a")) == pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")
