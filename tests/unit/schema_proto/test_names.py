"""Names in the forms that protoc and buf insist on."""

import pytest

from hardy.schema.proto._names import json_name, pascal, pascal_value, screaming, snake, unique


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("order_id", "order_id", id="as it is"),
        pytest.param("buyerId", "buyer_id", id="a hump"),
        pytest.param("HTTPServer", "http_server", id="an abbreviation"),
        pytest.param("a__b_", "a_b", id="too many underscores"),
        pytest.param("_hidden", "hidden", id="in front"),
        pytest.param("2nd", "x_2nd", id="a digit"),
        pytest.param("über", "ber", id="beyond ascii"),
    ],
)
def test_a_field_is_lower_snake(name, expected):
    assert snake(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("Order", "Order", id="as it is"),
        pytest.param("order_line", "OrderLine", id="snake"),
        pytest.param("Page[Order]", "PageOrder", id="a generic model"),
        pytest.param("_Order", "Order", id="private"),
    ],
)
def test_a_message_is_pascal(name, expected):
    assert pascal(name) == expected


def test_an_enum_value_is_upper_snake():
    assert screaming("in-transit") == "IN_TRANSIT"


def test_fields_that_would_share_a_json_name_are_numbered():
    assert unique(["foo_bar", "foo_bar", "a_1", "a1"], json_name, "_") == ["foo_bar", "foo_bar_2", "a_1", "a1_2"]


def test_enum_values_that_protoc_takes_for_one_are_numbered():
    assert unique(["A", "A", "UNSPECIFIED"], pascal_value, "_", ["UNSPECIFIED"]) == ["A", "A_2", "UNSPECIFIED_2"]
