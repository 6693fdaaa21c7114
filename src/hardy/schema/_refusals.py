"""The wording of what is refused at build, and where it is."""

import enum
import types
import typing
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import msgspec

from hardy.core import Diagnostic, Place
from hardy.schema._families import Family, Field
from hardy.schema._shapes import Record, Shape
from hardy.schema._show import show

ALLOWED = (
    "JSON carries: bool, int, float, str, bytes, Decimal, UUID, date, time, datetime, timedelta, None,\n"
    "Enum, Literal, `X | None`, list, set, frozenset, tuple, dict, dataclass, Struct, TypedDict,\n"
    "attrs class, pydantic model, and unions of Structs with `tag=`"
)
_OUTER: set[object] = {typing.Union, types.UnionType, typing.Literal}
_FOREIGN = ("annotated_types", "pydantic", "pydantic_core")
_OURS = {
    "Ge": "Ge({ge!r})",
    "Gt": "Gt({gt!r})",
    "Le": "Le({le!r})",
    "Lt": "Lt({lt!r})",
    "MultipleOf": "MultipleOf({multiple_of!r})",
    "MinLen": "MinLen({min_length!r})",
    "MaxLen": "MaxLen({max_length!r})",
    "Len": "MinLen({min_length!r}), MaxLen({max_length!r})",
    "Interval": "Ge(...), Le(...)",
}


class Refusals:
    """Everything that is wrong with one type, told by class, field and place."""

    def __init__(self, what: str, place: Place | None) -> None:
        self.what = what
        self.place = place
        self.found: list[Diagnostic] = []
        self.cls: type | None = None
        self.path = ""
        self.mute = False

    @contextmanager
    def muted(self) -> Generator[None]:
        """Refuse nothing meanwhile but what a model of pydantic must not say."""
        before, self.mute = self.mute, True
        yield
        self.mute = before

    @contextmanager
    def inside(self, step: str) -> Generator[None]:
        """Everything refused meanwhile is *step* further in: ``.price``, ``[]``."""
        before, self.path = self.path, self.path + step
        yield
        self.path = before

    @contextmanager
    def inside_class(self, cls: type) -> Generator[None]:
        """Everything refused meanwhile is in *cls*."""
        before = self.cls, self.path
        self.cls, self.path = cls, show(cls)
        yield
        self.cls, self.path = before

    def refuse(
        self,
        code: str,
        says: str,
        *helps: str,
        notes: tuple[str, ...] = (),
        at: str | None = None,
        always: bool = False,
    ) -> None:
        if self.mute and not always:
            return
        subject = f"`{self.path}`" if self.cls else f"{self.what}, at `{self.path}`," if self.path else self.what
        if self.cls:
            notes = (*notes, f"it is in {self.what}")
        place = self._place(at)
        title = f"{subject} {says}"
        if all((each.title, each.place) != (title, place) for each in self.found):
            self.found.append(Diagnostic(code=code, title=title, place=place, helps=helps, notes=notes))

    def _place(self, at: str | None) -> Place | None:
        if self.cls is None:
            return self.place
        if at is None:
            field = self.path[len(show(self.cls)) :].lstrip(".").partition("[")[0].partition("{")[0]
            at = f"{field}:" if field else ""
        return Place.of(self.cls, highlight=at) or self.place

    def unknown(self, type_: object) -> None:
        if isinstance(type_, typing.TypeVar):
            self.open_generic(type_)
        elif isinstance(type_, type) and issubclass(type_, str | int | float):
            base = next(each for each in (str, int, float) if issubclass(type_, each))
            self.refuse(
                "H0603",
                f"is a `{show(type_)}`, a subclass of `{base.__name__}`, which JSON cannot carry",
                f'write `{show(type_)} = NewType("{show(type_)}", {base.__name__})`',
            )
        else:
            self._unheard_of(type_)  # pyright: ignore[reportUnknownArgumentType]  # narrowed to a class of anything

    def _unheard_of(self, type_: object) -> None:
        self.refuse("H0603", f"is a `{show(type_)}`, which JSON cannot carry", _instead(type_), notes=(ALLOWED,))

    def open_generic(self, type_: object) -> None:
        if isinstance(type_, typing.TypeVar):
            says = f"has an open type parameter `{show(type_)}`"
        else:
            says = "is generic and its parameters are not said"
        self.refuse("H0603", says, "say them where it is used: `Page[Order]`")

    def bad_key(self, type_: object, key: object) -> None:
        self.refuse(
            "H0603",
            f"is a `{show(type_)}`, and `{show(key)}` cannot be the name of a JSON member",
            "use str, int, UUID, date, datetime, an Enum or a Literal of strings as keys",
        )

    def unhashable(self, type_: object, item: object) -> None:
        self.refuse(
            "H0603",
            f"is a `{show(type_)}`, and `{show(item)}` cannot be in a set because it is not hashable",
            f"write `list[{show(item)}]`, or make it `@dataclass(frozen=True)`",
        )

    def bad_enum(self, cls: type[enum.Enum]) -> None:
        self.refuse(
            "H0603",
            f"is the enum `{show(cls)}`, whose values are neither all strings nor all whole numbers",
            f"give each member of `{show(cls)}` a string, and use `set[{show(cls)}]` in place of flags",
        )

    def bad_literal(self, type_: object) -> None:
        self.refuse(
            "H0603",
            f"is `{show(type_)}`, whose values are neither all strings nor all whole numbers",
            'write a Literal of strings: `Literal["asc", "desc"]`',
        )

    def bad_union(self, type_: object, cases: Sequence[Shape]) -> None:
        records = [each for each in cases if isinstance(each, Record)]
        if len(records) == len(cases) and any(each.tag for each in records):
            helps = ["give every Struct of the union a `tag=` of its own, and all of them the same `tag_field=`"]
        elif len(records) == len(cases):
            first = show(records[0].cls)
            helps = [f"make each a Struct with a tag: `class {first}(msgspec.Struct, frozen=True, tag=True):`"]
        else:
            helps = ["use one type, `X | None`, or a union of Structs with `tag=`"]
        self.refuse(
            "H0619",
            f"is the union `{show(type_)}`, which a reader could not tell apart",
            *helps,
        )

    def backstop(self, type_: object) -> None:
        """Refuse what msgspec does for a reason that no rule above foresees."""
        try:
            msgspec.json.Decoder(typing.cast("type[object]", type_))
        except (TypeError, ValueError, OverflowError) as error:
            self.refuse("H0603", f"cannot be decoded: {error}", "write one of the types below", notes=(ALLOWED,))

    def naive(self) -> None:
        self.refuse(
            "H0617", "asks for times without an offset, which hardy refuses", "leave `tz=False` out of its `Meta`"
        )

    def foreign_constraints(self, metas: tuple[object, ...]) -> None:
        for each in metas:
            cls = type(each)
            if cls.__module__.partition(".")[0] in _FOREIGN and cls.__name__ != "DocInfo":
                self.refuse(
                    "H0616",
                    f"has the constraint `{each!r}`, which would be ignored",
                    _translated(each),
                )

    def ignored_by_pydantic(self, constraints: Sequence[object]) -> None:
        """Refuse what pydantic passes over, as deep as it decodes: in items, and in classes inside a model."""
        for each in constraints:
            self.refuse(
                "H0616",
                f"has the constraint `{each!r}`, which pydantic would ignore",
                "write it as pydantic does: `Annotated[int, pydantic.Field(ge=1)]`",
                always=True,
            )

    def misfit(self, origin: object, arguments: tuple[object, ...], metas: tuple[object, ...]) -> None:
        """Refuse constraints that msgspec cannot apply to the type they stand at."""
        plain = list if origin is tuple else origin
        try:
            known = [each for each in metas if isinstance(each, msgspec.Meta)]
            if origin in _OUTER or (origin is tuple and ... not in arguments):
                raise TypeError("it stands outside of the type it is about")
            msgspec.json.Decoder(typing.Annotated[(plain, *known)])
        except (TypeError, ValueError, OverflowError) as error:
            self.refuse(
                "H0617",
                "has constraints that do not fit its type",
                "put each constraint beside the type it is about: `Annotated[int, Ge(1)] | None`",
                notes=(str(error).partition(" - type ")[0].partition(", type ")[0],),
            )

    def unresolved(self, cls: type, error: NameError) -> None:
        missing = error.name or str(error)
        self.refuse(
            "H0608",
            f"has an annotation that cannot be resolved: `{missing}`",
            f"import `{missing}` at the top of the module, not under `if TYPE_CHECKING:`",
            at=missing,
        )

    def class_options(self, cls: type, family: Family) -> None:
        config = getattr(cls, "__struct_config__", None)
        if config is not None and config.array_like:
            self.refuse("H0618", "is written as an array, which proto has no form for", "remove `array_like=True`")
        forbids = config is not None and config.forbid_unknown_fields
        if family is Family.PYDANTIC:
            forbids = cls.model_config.get("extra") == "forbid"  # type: ignore[attr-defined]  # every pydantic model has it
        if forbids:
            self.refuse(
                "H0618",
                "refuses members it does not know, and hardy ignores them on every transport",
                'remove `extra="forbid"`' if family is Family.PYDANTIC else "remove `forbid_unknown_fields=True`",
                notes=("a caller may be newer than the service it calls",),
                always=family is Family.PYDANTIC,
            )

    def field_options(self, field: Field) -> None:
        if not field.init:
            self.refuse(
                "H0618",
                "is set by the class alone (`init=False`), so no message could carry it",
                f"make `{field.name}` a property, or an ordinary field with a default",
            )
        if field.converter:
            self.refuse(
                "H0618",
                "has a converter, which does not run when a message is decoded",
                f"remove `converter=` and give `{field.name}` the type it shall have",
            )

    def init_var(self, name: str) -> None:
        with self.inside(f".{name}"):
            self.refuse("H0618", "is an `InitVar`, which no message could carry", f"make `{name}` an ordinary field")


def _instead(type_: object) -> str:
    name = show(type_)
    hint = getattr(type_, "__carried_by__", None)
    if isinstance(hint, str) and isinstance(type_, type):
        return hint  # a type of a transport's own says where it can go
    if isinstance(type_, type) and issubclass(type_, tuple):
        return f"make `{name}` a dataclass"
    if name in {"complex", "Fraction"}:
        return "write `float`, `Decimal`, or `str`"
    if name in {"bytearray", "memoryview"}:
        return "write `bytes`"
    if isinstance(type_, type):
        return f"make `{name}` a dataclass, or write one of the types below"
    return "write one of the types below"


def _translated(constraint: object) -> str:
    pattern = _OURS.get(type(constraint).__name__)
    if pattern is None:
        return "check it in `__post_init__` by raising ValueError, or use a constraint of `hardy.schema`"
    known = {name: getattr(constraint, name, ...) for name in ("ge", "gt", "le", "lt")}
    known |= {name: getattr(constraint, name, ...) for name in ("multiple_of", "min_length", "max_length")}
    return f"write `{pattern.format(**known)}`, imported from `hardy.schema`"
