"""The kinds of values made of values: lists, mappings, and dataclasses inside of lists."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import cast

import msgspec

from hardy.config._kind import BadValue, Kind


def list_of(item: Kind, name: str, make: Callable[[list[object]], object]) -> Kind:
    """Return the kind of ``list[T]`` and its relatives: ``a, b``, a JSON array, or a TOML array."""

    def read(raw: object) -> object:
        return make([item.read(each) for each in _items(raw)])

    def show(value: object) -> str:
        shown = [item.show(each) for each in cast("list[object]", value)]
        return json.dumps(shown) if any("," in each for each in shown) else ",".join(shown)

    return Kind(
        name=f"{name} of {item.name}",
        one=f"a list of {item.plural}",
        many=f"lists of {item.plural}",
        like=f"{item.example},{item.example} or a JSON array",
        example=item.example,
        read=read,
        show=show,
        secret=item.secret,
        unit="item",
    )


def _items(raw: object) -> list[object]:
    if isinstance(raw, str) and raw.lstrip().startswith("["):
        raw = _json(raw)
    if isinstance(raw, str):
        return [each.strip() for each in raw.split(",") if each.strip()]
    if isinstance(raw, list | tuple):
        return list(cast("list[object]", raw))
    raise BadValue("not a list")


def mapping_of(item: Kind) -> Kind:
    """Return the kind of ``dict[str, T]``: ``a=1,b=2``, a JSON object, or a TOML table."""

    def read(raw: object) -> object:
        return {name: item.read(each) for name, each in _pairs(raw).items()}

    def show(value: object) -> str:
        return ",".join(f"{name}={item.show(each)}" for name, each in cast("dict[str, object]", value).items())

    return Kind(
        name=f"mapping to {item.name}",
        one=f"a mapping to {item.plural}",
        many=f"mappings to {item.plural}",
        like=f"name={item.example} or a JSON object",
        example=f"name={item.example}",
        read=read,
        show=show,
        secret=item.secret,
        unit="item",
    )


def _pairs(raw: object) -> dict[str, object]:
    if isinstance(raw, str) and raw.lstrip().startswith("{"):
        raw = _json(raw)
    if isinstance(raw, str):
        pairs = [each.partition("=") for each in raw.split(",") if each.strip()]
        if not all(equals for _, equals, _ in pairs):
            raise BadValue("not a list of name=value")
        return {name.strip(): value.strip() for name, _, value in pairs}
    if isinstance(raw, dict):
        return cast("dict[str, object]", raw)
    raise BadValue("not a list of name=value")


def record_of(type_: type, kinds: Mapping[str, Kind]) -> Kind:
    """Return the kind of a dataclass inside of a list or mapping: a JSON object or a TOML table."""
    fields = {each.name: each for each in dataclasses.fields(type_) if each.init}
    required = [name for name, each in fields.items() if _is_required(each)]
    secret = any(kind.secret for kind in kinds.values())

    def read(raw: object) -> object:
        given = _pairs(raw)
        if strange := [name for name in given if name not in fields]:
            raise BadValue(f"has `{strange[0]}`, which {type_.__name__} does not know")
        if absent := [name for name in required if name not in given]:
            raise BadValue(f"lacks `{absent[0]}`")
        values = {name: _member(kinds[name], name, each) for name, each in given.items()}
        try:
            return cast("object", type_(**values))
        except ValueError as error:
            raise BadValue("refused by its class" if secret else str(error)) from None

    def show(value: object) -> str:
        return json.dumps({name: kind.show(getattr(value, name)) for name, kind in kinds.items()})

    rule = "a JSON object with " + ", ".join(f"`{name}`: {kind.rule}" for name, kind in kinds.items())
    return Kind(
        name=type_.__name__,
        one=rule,
        many=rule.replace("a JSON object", "JSON objects", 1),
        example=json.dumps({name: kinds[name].example for name in required}),
        read=read,
        show=show,
        secret=secret,
    )


def _is_required(field: dataclasses.Field[object]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _member(kind: Kind, name: str, raw: object) -> object:
    try:
        return kind.read(raw)
    except BadValue as error:
        raise BadValue(f"`{name}` is {error.label}", error.nearest) from None


def _json(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise BadValue("not valid JSON") from None
