"""The checked-in .proto owns the numbers, whatever the code does."""

from enum import Enum
from typing import Literal

import msgspec
import pytest

from hardy.core import BuildFailed
from hardy.schema.proto import Contract, generate


class Card(msgspec.Struct, tag="card"):
    number: str


class Cash(msgspec.Struct, tag="cash"):
    amount: int


class Cheque(msgspec.Struct, tag="cheque"):
    bank: str


def fields(lines: list[str]) -> list[str]:
    """What the message says, without its opening and closing."""
    start = lines.index("message Order {")
    return [line for line in lines[start + 1 : lines.index("}", start)] if line]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            {"sku": str, "count": int},
            {"sku": str, "note": str, "count": int},
            ["optional string sku = 1;", "optional int64 count = 2;", "optional string note = 3;"],
            id="a field added in the middle is appended",
        ),
        pytest.param(
            {"sku": str, "count": int},
            {"count": int, "sku": str},
            ["optional string sku = 1;", "optional int64 count = 2;"],
            id="a new order in the code changes nothing",
        ),
        pytest.param(
            {"sku": str, "count": int, "note": str},
            {"sku": str, "note": str},
            ["reserved 2;", 'reserved "count";', "optional string sku = 1;", "optional string note = 3;"],
            id="a removed field is reserved",
        ),
        pytest.param(
            {"sku": str, "count": int},
            {"sku": str, "note": str},
            ["reserved 2;", 'reserved "count";', "optional string sku = 1;", "optional string note = 3;"],
            id="a field that replaces the last does not take its number",
        ),
        pytest.param(
            {"sku": str, "count": int},
            {"sku": str, "count": str},
            ["reserved 2;", "optional string sku = 1;", "optional string count = 3;"],
            id="another type is another number",
        ),
        pytest.param(
            {"tags": str},
            {"tags": list[str]},
            ["reserved 1;", "repeated string tags = 2;"],
            id="another cardinality is another number",
        ),
        pytest.param(
            {"table": dict[str, int]},
            {"table": dict[str, str]},
            ["reserved 1;", "map<string, string> table = 2;"],
            id="a map of other values is another number",
        ),
        pytest.param(
            {"a": int, "b": int, "c": int, "d": int, "e": int},
            {"d": int},
            ["reserved 1 to 3, 5;", 'reserved "a", "b", "c", "e";', "optional int64 d = 4;"],
            id="neighbours are reserved as a range",
        ),
        pytest.param({"n": int}, {"n": int | None}, ["optional int64 n = 1;"], id="an optional scalar is the same"),
    ],
)
def test_numbers_of_fields(check_in, release_of, before, after, expected):
    check_in(release_of(**before))
    assert fields(check_in(release_of(**after))) == expected


def test_a_number_once_reserved_is_never_given_again(check_in, release_of):
    check_in(release_of(sku=str, count=int))
    check_in(release_of(sku=str))
    lines = check_in(release_of(sku=str, count=int))
    assert fields(lines) == ["reserved 2;", "optional string sku = 1;", "optional int64 count = 3;"]
    assert fields(check_in(release_of(sku=str, count=int, note=str)))[-1] == "optional string note = 4;"


def test_a_rename_by_hand_keeps_the_number(check_in, release_of, proto):
    check_in(release_of(sku=str, count=int))
    proto.write_text(proto.read_text().replace("int64 count = 2", "int64 quantity = 2"))
    lines = check_in(release_of(sku=str, quantity=int))
    assert fields(lines) == ["optional string sku = 1;", "optional int64 quantity = 2;"]


def test_numbers_given_by_hand_are_kept(check_in, release_of, proto):
    proto.parent.mkdir(parents=True)
    proto.write_text(
        'syntax = "proto3";\npackage orders.v1;\noption go_package = "shop/orders";\n'
        "message Order { reserved 7, 100 to max; int64 count = 40; optional string sku = 3 [deprecated = true]; }\n"
    )
    lines = check_in(release_of(sku=str, count=int, note=str))
    assert 'option go_package = "shop/orders";' in lines
    assert fields(lines) == [
        "reserved 7, 100 to max;",
        "optional string sku = 3 [deprecated = true];",
        "optional int64 count = 40;",
        "optional string note = 41;",
    ]


def test_values_of_an_enum(check_in, release_of):
    def status(*names: str):
        return release_of(status=Enum("Status", [(name, name.lower()) for name in names]))

    check_in(status("OPEN", "SHIPPED", "CLOSED"))
    lines = check_in(status("NEW", "CLOSED", "OPEN"))
    start = lines.index("enum Status {")
    assert lines[start + 1 : lines.index("}", start)] == [
        "reserved 2;",
        'reserved "STATUS_SHIPPED";',
        "STATUS_UNSPECIFIED = 0;",
        "STATUS_OPEN = 1;",
        "STATUS_CLOSED = 3;",
        "STATUS_NEW = 4;",
    ]


def test_values_of_a_literal(check_in, release_of):
    check_in(release_of(shade=Literal["red", "blue"]))
    lines = check_in(release_of(shade=Literal["green", "blue"]))
    assert [line for line in lines if "SHADE" in line] == [
        'reserved "SHADE_RED";',
        "SHADE_UNSPECIFIED = 0;",
        "SHADE_BLUE = 2;",
        "SHADE_GREEN = 3;",
    ]


def test_members_of_a_oneof(check_in, release_of):
    check_in(release_of(pay=Card | Cash))
    lines = check_in(release_of(pay=Cheque | Cash))
    start = lines.index("message Pay {")
    assert lines[start : start + 8] == [
        "message Pay {",
        "reserved 1;",
        'reserved "card";',
        "oneof kind {",
        ".orders.v1.Cash cash = 2;",
        ".orders.v1.Cheque cheque = 3;",
        "}",
        "}",
    ]


def test_the_order_of_rpcs_is_the_files(check_in, release_of):
    check_in(release_of(sku=str, rpcs=("Place", "Replace")))
    lines = check_in(release_of(sku=str, rpcs=("Erase", "Replace", "Place")))
    assert [line.partition("(")[0] for line in lines if line.startswith("rpc")] == [
        "rpc Place",
        "rpc Replace",
        "rpc Erase",
    ]


def test_the_server_takes_its_numbers_from_the_descriptor_set(check_in, release_of, proto):
    check_in(release_of(sku=str, count=int))
    service = release_of(count=int, sku=str)
    loaded = Contract.load(proto.with_suffix(".binpb"), [service]).methods[0].message
    declared = Contract.declare([service]).methods[0].message
    order = service.rpcs[0].operation.message(count=5, sku="a")
    assert loaded.encode(order) == b"\x0a\x01a\x10\x05"
    assert declared.encode(order) == b"\x08\x05\x12\x01a"


def test_the_server_refuses_drift(check_in, release_of, proto):
    check_in(release_of(sku=str, count=int))
    with pytest.raises(BuildFailed) as refused:
        Contract.load(proto.with_suffix(".binpb"), [release_of(sku=str, note=str)])
    (fault,) = refused.value.diagnostics
    assert fault.code == "H0620"
    assert fault.body == ("- the field `Order.note` is new", "- the field `Order.count` is removed (breaking)")
    assert refused.value.exit_code == 7


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "`orders.binpb` is missing", id="missing"),
        pytest.param(b"\xff\xff", "`orders.binpb` is no descriptor set", id="garbage"),
        pytest.param(b"", "`orders.binpb` is empty", id="empty"),
    ],
)
def test_a_descriptor_set_that_cannot_be_read_is_named(release_of, proto, content, told):
    proto.parent.mkdir(parents=True)
    if content is not None:
        proto.with_suffix(".binpb").write_bytes(content)
    with pytest.raises(BuildFailed) as refused:
        Contract.load(proto.with_suffix(".binpb"), [release_of(sku=str)])
    assert [(each.code, each.title) for each in refused.value.diagnostics] == [("H0623", told)]


def test_production_refuses_numbers_that_nothing_holds_fast(release_of, proto):
    for path in (None, proto):
        with pytest.raises(BuildFailed) as refused:
            Contract.open([release_of(sku=str)], path, production=True)
        assert [each.code for each in refused.value.diagnostics] == ["H0623"]
        assert Contract.open([release_of(sku=str)], path, production=False).methods


def test_a_proto_without_its_descriptor_set_is_refused_in_development_too(check_in, release_of, proto):
    service = release_of(sku=str)
    check_in(service)
    proto.with_suffix(".binpb").unlink()
    with pytest.raises(BuildFailed, match=r"`orders.binpb` is missing"):
        Contract.open([service], proto, production=False)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("optional string note = 1;", "H0606", id="a number twice"),
        pytest.param("reserved 1;", "H0606", id="a number that is reserved"),
        pytest.param("optional string note 9;", "H0624", id="syntax"),
        pytest.param("optional .orders.v1.Nothing note = 9;", "H0624", id="an unknown type"),
    ],
)
def test_a_file_that_does_not_compile_is_shown_at_its_line(check_in, release_of, proto, line, code):
    check_in(release_of(sku=str))
    broken = proto.read_text().replace("message Order {\n", f"message Order {{\n  {line}\n")
    proto.write_text(broken)
    with pytest.raises(BuildFailed) as refused:
        generate([release_of(sku=str)], proto)
    fault = refused.value.diagnostics[0]
    assert fault.code == code
    assert fault.place.line in {broken.splitlines().index(f"  {line}") + 1, broken.splitlines().index(f"  {line}") + 2}
    assert proto.read_text() == broken
