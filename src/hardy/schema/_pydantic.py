"""Models of pydantic decode and encode themselves; their errors are told in hardy's words.

Nothing here imports pydantic: a model carries its validator and serializer.
"""

import typing
from collections.abc import Callable, Iterator, Mapping

import msgspec

from hardy.core import Fault
from hardy.schema._pointer import step
from hardy.schema._wording import Huge

Path = tuple[object, ...]


class _Validator(typing.Protocol):
    def validate_json(self, data: bytes) -> object: ...


class _Model(typing.Protocol):
    __pydantic_validator__: _Validator

    def model_dump(self, *, mode: str, by_alias: bool) -> dict[str, object]: ...


def is_model(cls: object) -> bool:
    """Whether *cls* is a model of pydantic."""
    return hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_dump")


def from_json(cls: type, data: bytes) -> object:
    """Decode *data* as the model does."""
    return typing.cast("type[_Model]", cls).__pydantic_validator__.validate_json(data)


def from_builtins(cls: type, raw: object) -> object:
    """Make a model of decoded JSON, by the rules it has for JSON: text for a date, even when it is strict."""
    return from_json(cls, msgspec.json.encode(raw, enc_hook=_digits))


def _digits(huge: object) -> msgspec.Raw:
    return msgspec.Raw(typing.cast("Huge", huge).digits.encode())


def to_json_values(value: object) -> dict[str, object]:
    """Return what JSON has for a model."""
    return typing.cast("_Model", value).model_dump(mode="json", by_alias=True)


def to_python_values(value: object) -> dict[str, object]:
    """Return a model's values under their names on the wire, not yet turned into text."""
    return typing.cast("_Model", value).model_dump(mode="python", by_alias=True)


_WORDS: dict[str, str] = {
    "missing": "is missing",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "date_parsing": "must be a date, such as 2024-12-31",
    "date_from_datetime_parsing": "must be a date, such as 2024-12-31",
    "datetime_parsing": "must be a date and time, such as 2024-12-31T23:59:59Z",
    "datetime_from_date_parsing": "must be a date and time, such as 2024-12-31T23:59:59Z",
    "timezone_aware": "must have an offset from UTC, such as 2024-12-31T23:59:59Z",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "none_required": "must be null",
}


class _Failure(typing.Protocol):
    def errors(self, *, include_url: bool, include_input: bool) -> list[dict[str, object]]: ...


def faults_of(error: Exception, pointer: str, renamed: Callable[[Path], Path]) -> Iterator[Fault]:
    """Tell the errors of a model's validation as faults.

    Args:
        pointer: Where the model is.
        renamed: Gives the path on the wire of the model's own.
    """
    for each in typing.cast("_Failure", typing.cast("object", error)).errors(include_url=False, include_input=False):
        where = pointer
        for part in renamed(typing.cast("Path", each["loc"])):
            where = step(where, part)
        yield Fault(where, _detail(each))


def _detail(error: dict[str, object]) -> str:
    facts = typing.cast("Mapping[str, object]", error.get("ctx", {}))
    words = _WORDS.get(str(error["type"]))
    if error["type"] == "json_invalid":  # its parser has bounds of its own
        return str(facts.get("error", "is not valid")).partition(" at line ")[0]
    if words is None:
        message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
        return message.replace("Input should be", "must be").replace("Field required", "is missing")
    text = words.format_map(facts)
    if str(error["type"]) in {"enum", "literal_error"}:
        text = text.replace("'", "").replace(" or ", ", ")
    return text


def is_failure(error: BaseException) -> bool:
    """Whether *error* is what pydantic raises about a value."""
    return type(error).__name__ == "ValidationError" and hasattr(error, "errors")
