"""JSON Schema 2020-12 of what the codecs read and write, as OpenAPI 3.1 wants it.

Written from the same shapes as everything else, and not from
``msgspec.json.schema_components``: that one knows neither hardy's renaming nor
pydantic's models, and calls two classes of one name by their full path only.
"""

import typing
from collections.abc import Sequence

import msgspec

from hardy.core import MISSING, BuildFailed, Diagnostic
from hardy.schema import _scalars
from hardy.schema._case import JsonCase
from hardy.schema._docs import class_doc
from hardy.schema._families import Family
from hardy.schema._names import component_names
from hardy.schema._read import read
from hardy.schema._rename import Rename
from hardy.schema._shapes import (
    Anything,
    Choice,
    Many,
    Mapping,
    Member,
    Nullable,
    OneOf,
    Record,
    Row,
    Scalar,
    Shape,
    reachable,
)
from hardy.schema._show import show

Schema = dict[str, object]


def json_schemas(
    types: Sequence[object], *, ref: str = "#/components/schemas/{name}", json_case: JsonCase = "snake"
) -> tuple[list[Schema], dict[str, Schema]]:
    """Describe types in JSON Schema.

    Every class and Enum becomes a component under its own name (``Page_Order``
    for ``Page[Order]``); classes that share a name get their module before it.

    Args:
        types: What to describe.
        ref: How a component is referred to.

    Returns:
        The schema of each type, in order, and the components they refer to.

    Raises:
        BuildFailed: Messages cannot have one of the types.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Point:
        ...     x: float
        >>> schemas, components = json_schemas([list[Point]])
        >>> schemas
        [{'type': 'array', 'items': {'$ref': '#/components/schemas/Point'}}]
        >>> components["Point"]["required"]
        ['x']
    """
    shapes: list[Shape] = []
    faults: list[Diagnostic] = []
    known: dict[object, Record] = {}
    for each in types:
        shape, found = read(each, what=f"`{show(each)}`", json_case=json_case, known=known)
        shapes.append(shape)
        faults += found
    if faults:
        raise BuildFailed(faults)
    describer = _Describer(shapes, ref)
    return [describer.of(each) for each in shapes], dict(sorted(describer.components.items()))


class _Describer:
    def __init__(self, shapes: Sequence[Shape], ref: str) -> None:
        self.ref = ref
        everything = list({id(each): each for shape in shapes for each in reachable(shape)}.values())
        models = [each for each in everything if isinstance(each, Record) and each.family is Family.PYDANTIC]
        self.components: dict[str, Schema] = {}
        self.models: dict[type, Schema] = {}
        if models:
            self._pydantic(models)
        self.names = component_names(everything, taken=set(self.components))

    def of(self, shape: Shape) -> Schema:
        """Return the schema of *shape*, adding the components it needs."""
        match shape:
            case Scalar():
                return _scalars.schema(shape)
            case Choice():
                return self._choice(shape)
            case Anything():
                return {}
            case Many():
                return {"type": "array", "items": self.of(shape.item), **_counts(shape, "Items")}
            case Row():
                return self._row(shape)
            case Mapping():
                return self._mapping(shape)
            case Nullable():
                inner = self.of(shape.inner)
                return {"anyOf": [inner, {"type": "null"}]} if shape.null else inner
            case Record():
                return self._record(shape)
            case OneOf():
                return self._one_of(shape)

    def _to(self, name: str) -> Schema:
        return {"$ref": self.ref.format(name=name)}

    def _choice(self, shape: Choice) -> Schema:
        schema: Schema = {
            "type": "string" if isinstance(shape.values[0], str) else "integer",
            "enum": [str(each) if isinstance(each, str) else each for each in shape.values],
        }
        if not shape.name:
            return schema
        name = self.names[shape.type]
        if shape.doc:
            schema["description"] = shape.doc
        self.components.setdefault(name, schema)
        return self._to(name)

    def _row(self, shape: Row) -> Schema:
        size = len(shape.items)
        items = [self.of(each) for each in shape.items]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": size, "maxItems": size}

    def _mapping(self, shape: Mapping) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": self.of(shape.value)}
        names = self._key(shape.key)
        return {**schema, **({"propertyNames": names} if names else {}), **_counts(shape, "Properties")}

    def _key(self, shape: Shape) -> Schema:
        if isinstance(shape, Scalar):
            return _scalars.key_schema(shape)
        return {"enum": [str(each) for each in shape.values]} if isinstance(shape, Choice) else {}

    def _one_of(self, shape: OneOf) -> Schema:
        cases = {str(tag): self.of(case) for tag, case in shape.cases.items()}
        mapping = {tag: case["$ref"] for tag, case in cases.items()}
        discriminator = {"propertyName": shape.tag_field, "mapping": mapping}
        return {"oneOf": list(cases.values()), "discriminator": discriminator}

    def _record(self, shape: Record) -> Schema:
        if shape.family is Family.PYDANTIC:
            return self.models[shape.cls]
        name = self.names[shape.type]
        if name not in self.components:
            schema = self.components[name] = {}  # known before it is filled: a class may hold itself
            schema.update(self._object(shape))
        return self._to(name)

    def _object(self, shape: Record) -> Schema:
        schema: Schema = {"type": "object"}
        if doc := class_doc(shape.cls):
            schema["description"] = doc
        properties: dict[str, object] = {}
        required: list[str] = []
        if shape.tag is not None:
            properties[shape.tag[0]] = {"const": shape.tag[1]}
            required.append(shape.tag[0])
        for member in shape.members:
            properties[member.wire] = self._member(member)
            if member.field.required:
                required.append(member.wire)
        schema["properties"] = properties
        return {**schema, "required": required} if required else schema

    def _member(self, member: Member) -> Schema:
        schema = self.of(member.shape)
        if member.field.doc:
            schema = {**schema, "description": member.field.doc}
        default = _default(member)
        return schema if default is MISSING else {**schema, "default": default}

    def _pydantic(self, models: Sequence[Record]) -> None:
        from pydantic.json_schema import models_json_schema

        asked = [(each.cls, "validation") for each in models]
        template = self.ref.replace("{name}", "{model}")
        found, top = models_json_schema(asked, by_alias=True, ref_template=template)  # type: ignore[arg-type]  # they are models
        self.components.update(typing.cast("dict[str, Schema]", top.get("$defs", {})))
        for each in models:
            self.models[each.cls] = refers = typing.cast("Schema", found[each.cls, "validation"])
            name = next(name for name in self.components if self._to(name) == refers)
            _rename_properties(self.components[name], each)


def _rename_properties(schema: Schema, shape: Record) -> None:
    names = {member.native: member.wire for member in shape.members}
    if "properties" in schema:
        properties = typing.cast("dict[str, object]", schema["properties"])
        schema["properties"] = {names.get(name, name): each for name, each in properties.items()}
    if "required" in schema:
        schema["required"] = [names.get(name, name) for name in typing.cast("list[str]", schema["required"])]


def _counts(shape: Many | Mapping, what: str) -> Schema:
    told = {"min_length": f"min{what}", "max_length": f"max{what}"}
    return {told[name]: value for name, value in shape.limits.items() if name in told}


def _default(member: Member) -> object:
    """Return a field's default as JSON, where it has one that JSON can show."""
    value = member.field.default
    if member.field.default_factory in {list, set, frozenset, tuple}:
        return []
    if member.field.default_factory is dict:
        return {}
    if value is MISSING or value is msgspec.UNSET:
        return MISSING
    try:
        shown: object = msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError):
        return MISSING
    return Rename(member.shape).outward(member.shape, shown)
