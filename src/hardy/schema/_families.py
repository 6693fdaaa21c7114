"""The five families of message classes, and the raw facts each keeps about its fields.

attrs and pydantic are recognised by what they leave on a class, so neither is
imported unless the user's own class comes from it.
"""

import dataclasses
import inspect
import typing
from collections.abc import Callable
from enum import Enum

import msgspec
import typing_extensions

from hardy.core import MISSING, is_message_type
from hardy.schema._case import JsonCase, wire_name_of
from hardy.schema._docs import attribute_docs, doc_in

if typing.TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Factory = Callable[[], object]


class Family(Enum):
    """Where a message class comes from."""

    DATACLASS = "dataclass"
    STRUCT = "Struct"
    TYPED_DICT = "TypedDict"
    ATTRS = "attrs"
    PYDANTIC = "pydantic"


def family_of(type_: object) -> Family | None:
    """Return the family of a class or generic alias; ``None`` for what is no message."""
    cls = typing.get_origin(type_) or type_
    if not is_message_type(cls):
        return None
    if hasattr(cls, "__pydantic_fields__"):
        return Family.PYDANTIC
    if hasattr(cls, "__struct_fields__"):
        return Family.STRUCT
    if hasattr(cls, "__attrs_attrs__"):
        return Family.ATTRS
    return Family.TYPED_DICT if typing_extensions.is_typeddict(cls) else Family.DATACLASS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a message class, told the same way for every family.

    Example:
        >>> @dataclasses.dataclass
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> [(each.name, each.type, each.required) for each in fields(Point)]
        [('x', <class 'int'>, True), ('y', <class 'int'>, False)]
    """

    name: str
    wire_name: str
    """The member's name in JSON, after renaming."""
    type: object
    """The annotation, resolved, ``Annotated`` kept and type variables filled in."""
    default: object = MISSING
    """The default value; ``MISSING`` when there is none or a factory makes it."""
    default_factory: Factory | None = None
    required: bool
    doc: str = ""
    """The string below the field in its class, or the description of its ``Meta``."""
    constraints: tuple[msgspec.Meta, ...] = ()
    """The constraints of the field's own type, not of what a container holds."""
    init: bool = True
    """Whether a caller may set it; hardy refuses messages with fields that nobody may."""
    converter: bool = False
    """Whether an attrs converter would change it on the way in."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Raw:
    name: str
    default: object = MISSING
    factory: Factory | None = None
    wire_name: str | None = None
    required: bool | None = None
    type: object = MISSING
    """The type, where the family knows better than the annotation."""
    doc: str = ""
    init: bool = True
    converter: bool = False


def fields(type_: object, *, json_case: JsonCase = "snake") -> tuple[Field, ...]:
    """Return the fields of a message class, in their order.

    Works alike for a dataclass, msgspec Struct, TypedDict, attrs class and
    pydantic model, and for generic aliases such as ``Page[Order]``.

    Args:
        type_: The class or alias.
        json_case: ``"camel"`` makes ``order_id`` travel as ``orderId``; a name
            that the class itself renames stays as it says.

    Raises:
        TypeError: *type_* is no message class.
        NameError: An annotation names what does not exist at run time.

    Example:
        >>> class Size(typing.TypedDict):
        ...     in_cm: typing.Annotated[int, msgspec.Meta(ge=1)]
        >>> field = fields(Size, json_case="camel")[0]
        >>> field.wire_name, field.constraints
        ('inCm', (msgspec.Meta(ge=1),))
    """
    family = family_of(type_)
    if family is None:
        raise TypeError(f"{type_!r} is no message class: it has no fields")
    cls = typing.cast("type", typing.get_origin(type_) or type_)
    hints = annotations_of(type_)
    docs = attribute_docs(cls)
    return tuple(_field(raw, hints[raw.name], docs.get(raw.name, ""), json_case) for raw in _READERS[family](cls))


def _field(raw: _Raw, hint: object, doc: str, json_case: JsonCase) -> Field:
    hint, required = _without_qualifiers(hint)
    absent = raw.default is MISSING and raw.factory is None
    if raw.required is not None:
        required = raw.required
    elif required is None:
        required = absent
    metas = typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ()
    return Field(
        name=raw.name,
        wire_name=raw.wire_name or wire_name_of(raw.name, json_case),
        type=hint,
        default=raw.default,
        default_factory=raw.factory,
        required=required,
        doc=raw.doc or doc or doc_in(metas),
        constraints=tuple(each for each in metas if isinstance(each, msgspec.Meta)),
        init=raw.init,
        converter=raw.converter,
    )


def _without_qualifiers(hint: object) -> tuple[object, bool | None]:
    """Strip ``Required[...]`` and its kin, which say something about the field and not about its type."""
    required: bool | None = None
    while (origin := typing.get_origin(hint)) in _QUALIFIERS:
        if origin in _REQUIRED:
            required = True
        elif origin in _NOT_REQUIRED:
            required = False
        hint = typing.get_args(hint)[0]
    return hint, required


_REQUIRED: set[object] = {typing.Required, typing_extensions.Required}
_NOT_REQUIRED: set[object] = {typing.NotRequired, typing_extensions.NotRequired}
_QUALIFIERS: set[object] = _REQUIRED | _NOT_REQUIRED | {typing_extensions.ReadOnly, typing.Final}


def annotations_of(type_: object) -> dict[str, object]:
    """Resolve the annotations of a class or alias, filling in the type variables of generic parents."""
    cls = typing.cast("type", typing.get_origin(type_) or type_)
    found: dict[str, object] = {}
    _collect(type_, found)
    # What was made without `__annotations__` of its own (`make_dataclass`, `defstruct`) is read as one.
    if not found:
        found = typing.get_type_hints(cls, include_extras=True)
    return found


def _collect(type_: object, found: dict[str, object]) -> None:
    cls = typing.cast("type", typing.get_origin(type_) or type_)
    parameters: tuple[object, ...] = getattr(cls, "__parameters__", ())
    filled = dict(zip(parameters, typing.get_args(type_), strict=False))
    own = inspect.get_annotations(cls)
    resolved = typing.get_type_hints(cls, include_extras=True) if own else {}
    mine = {name: resolved[name] for name in own if name in resolved}
    if typing_extensions.is_typeddict(cls):
        found.update(mine)  # a TypedDict repeats what it inherits, type variables left open
        mine = {}
    for base in reversed(typing_extensions.get_original_bases(cls)):
        origin = typing.get_origin(base) or base
        if isinstance(origin, type) and origin.__module__ not in {"builtins", "typing", "msgspec"}:
            _collect(base, found)
    found.update(mine)
    for name, hint in found.items():
        found[name] = substitute(hint, filled)


def substitute(hint: object, filled: dict[object, object]) -> object:
    """Replace type variables in *hint* by what *filled* says."""
    if not filled:
        return hint
    if isinstance(hint, typing.TypeVar):
        return filled.get(hint, hint)
    free: tuple[object, ...] = getattr(hint, "__parameters__", ())
    if free and typing.get_origin(hint) is not None:
        return typing.cast("dict[object, object]", hint)[tuple(filled.get(each, each) for each in free)]
    return hint


def _of_dataclass(cls: type) -> list[_Raw]:
    return [
        _Raw(
            each.name,
            MISSING if each.default is dataclasses.MISSING else each.default,
            None if each.default_factory is dataclasses.MISSING else each.default_factory,
            doc=str(each.metadata.get("doc", "")),
            init=each.init,
        )
        for each in dataclasses.fields(cls)
    ]


def _of_struct(cls: type) -> list[_Raw]:
    return [
        _Raw(
            each.name,
            MISSING if each.default is msgspec.NODEFAULT else each.default,
            None if each.default_factory is msgspec.NODEFAULT else typing.cast("Factory", each.default_factory),
            wire_name=None if each.encode_name == each.name else each.encode_name,
        )
        for each in msgspec.structs.fields(typing.cast("type[msgspec.Struct]", cls))
    ]


def _of_typed_dict(cls: type) -> list[_Raw]:
    required: frozenset[str] = getattr(cls, "__required_keys__", frozenset[str]())
    return [_Raw(name, required=name in required) for name in annotations_of(cls)]


def _of_attrs(cls: type) -> list[_Raw]:
    import attrs

    raws: list[_Raw] = []
    for each in attrs.fields(cls):
        default: object = each.default
        made = isinstance(default, attrs.Factory)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # typed as a function, is a class
        raws.append(
            _Raw(
                each.name,
                MISSING if made or default is attrs.NOTHING else default,
                typing.cast("Factory", default.factory) if made else None,  # type: ignore[attr-defined]  # as above
                doc=str(each.metadata.get("doc", "")),
                init=each.init,
                converter=each.converter is not None,
            )
        )
    return raws


def _of_pydantic(cls: type) -> list[_Raw]:
    from pydantic_core import PydanticUndefined

    raws: list[_Raw] = []
    infos = typing.cast("dict[str, FieldInfo]", getattr(cls, "__pydantic_fields__"))  # noqa: B009  # not on every class
    for name, each in infos.items():
        alias = each.validation_alias or each.alias
        raws.append(
            _Raw(
                name,
                MISSING if each.default is PydanticUndefined else each.default,
                typing.cast("Factory | None", each.default_factory),
                wire_name=alias if isinstance(alias, str) else None,
                required=each.is_required(),
                type=_annotated(each.annotation, each.metadata),
                doc=each.description or "",
            )
        )
    return raws


def _annotated(type_: object, metadata: list[object]) -> object:
    return typing.cast("object", typing.Annotated[(type_, *metadata)]) if metadata else type_


_READERS: dict[Family, Callable[[type], list[_Raw]]] = {
    Family.DATACLASS: _of_dataclass,
    Family.STRUCT: _of_struct,
    Family.TYPED_DICT: _of_typed_dict,
    Family.ATTRS: _of_attrs,
    Family.PYDANTIC: _of_pydantic,
}


def has_hook(cls: type) -> bool:
    """Whether the class runs the user's code when a value of it is made."""
    if inspect.isfunction(getattr(cls, "__post_init__", None)):
        return True
    return hasattr(cls, "__attrs_attrs__")
