"""Decides, at build, where each field of a message is on an HTTP request, and names everything that does not fit."""

import datetime as dt
import decimal
import difflib
import enum
import types
import typing
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Protocol, cast

from hardy.core import Diagnostic, Kind, Operation, Place, is_message_type
from hardy.schema import Field, JsonCase, fields
from hardy.transport.http._file import File
from hardy.transport.http._path import Path, names_in

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_SCALARS = (str, int, float, bool, bytes, uuid.UUID, decimal.Decimal, enum.Enum)
_TIMES = (dt.date, dt.time, dt.timedelta)  # a datetime is a date
_LISTS = (list, set, frozenset, tuple)


class Sourced(Protocol):
    """Where a field is taken from; see `Source`."""

    @property
    def place(self) -> str: ...
    @property
    def name(self) -> str: ...


class Routed(Protocol):
    """What a layout needs to know of a route; see `Route`."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def location(self) -> str | None: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def next(self) -> str | None: ...
    @property
    def bind(self) -> Mapping[str, Sourced]: ...
    @property
    def raw(self) -> bool: ...
    @property
    def form(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Slot:
    """One field of the message that is text somewhere on the request."""

    field: Field
    place: str
    """``path``, ``query``, ``header``, ``cookie`` or ``form``."""
    name: str
    """On the wire; of a query parameter that no ``bind`` names, the field's JSON name."""

    @property
    def many(self) -> bool:
        """Whether it takes every value that was sent."""
        return is_list(self.field.type)

    @property
    def is_file(self) -> bool:
        """Whether it is a file of a form, or several."""
        return is_file(self.field.type)


@dataclass(slots=True)
class Layout:
    """Where each field of a message is."""

    path: Path | None = None
    slots: list[Slot] = field(default_factory=list[Slot])
    body: list[Field] = field(default_factory=list[Field])
    """The fields that the body's object has."""
    body_is: Field | None = None
    """The one field that the whole body is."""
    faults: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def is_body_whole(self) -> bool:
        """Whether the body is the message itself."""
        return bool(self.body) and not self.slots and self.body_is is None

    @property
    def form(self) -> list[Slot]:
        """The fields that are in a form."""
        return [slot for slot in self.slots if slot.place == "form"]

    @property
    def if_match(self) -> Slot | None:
        """The field bound to ``If-Match``."""
        return next((each for each in self.slots if (each.place, each.name) == ("header", "if-match")), None)


def layout(route: Routed, operation: Operation, json_case: JsonCase = "snake") -> Layout:
    """Lay *operation*'s message out on *route*; what does not fit is in ``faults``."""
    return _Planner(route, operation, json_case).plan()


class _Planner:
    def __init__(self, route: Routed, operation: Operation, json_case: JsonCase) -> None:
        self.json_case: JsonCase = json_case
        self.route = route
        self.operation = operation
        self.out = Layout()
        self.what = f"{route.method} {route.path}"

    def fault(self, code: str, title: str, *, at: str = "", label: str = "", helps: Iterable[str] = ()) -> None:
        place = Place.of(self.operation.function, highlight=at)
        diagnostic = Diagnostic(
            code=code, title=title, place=place, label=label, notes=(f"in the route {self.what}",), helps=tuple(helps)
        )
        self.out.faults.append(diagnostic)

    def plan(self) -> Layout:
        try:
            self.out.path = Path.parse(self.route.path)
        except ValueError as error:
            self.fault("H0630", f"the path `{self.route.path}` {error}", helps=('write `"/orders/{order_id}"`',))
        if not self.route.raw:
            self._method()
            self._place()
            self._reply()
        return self.out

    def _method(self) -> None:
        kind = self.operation.kind
        if kind is Kind.BIDI_STREAM and self.route.method != "GET":
            self.fault(
                "H0634",
                f"`{self.operation.name}` streams both ways, which is WebSocket, and WebSocket begins with GET",
                helps=(f'write `http.get("{self.route.path}")`',),
            )
        if kind is Kind.CLIENT_STREAM and self.route.method not in _WITH_BODY:
            self.fault(
                "H0634",
                f"`{self.operation.name}` takes a stream, and {self.route.method} has no body to carry it",
                helps=(f'write `http.post("{self.route.path}")`',),
            )

    def _place(self) -> None:
        known: dict[str, Field] = {}
        if not self.operation.kind.streams_in:
            known = {each.name: each for each in fields(self.operation.message, json_case=self.json_case)}
        taken: dict[str, Slot] = {}
        for name in self.out.path.fields if self.out.path else ():
            if name in known:
                taken[name] = Slot(known[name], "path", name)
            else:
                self._unknown("H0605", f"the path field `{{{name}}}`", name, known)
        for name, source in self.route.bind.items():
            self._bind(name, source, known, taken)
        rest = [each for name, each in known.items() if name not in taken]
        if self.route.form:
            taken |= self._form(rest)
        elif self.route.method in _WITH_BODY:
            self._body(rest)
        else:
            taken |= {each.name: Slot(each, "query", each.wire_name) for each in rest}
        self.out.slots = list(taken.values())
        self._refuse_uncarried()

    def _refuse_uncarried(self) -> None:
        for slot in self.out.slots:
            if slot.is_file and slot.place == "form":
                continue
            if not _carries(slot.field.type) or (slot.place == "path" and slot.many):
                self._uncarried(slot)
        for each in self.out.body:
            if is_file(each.type):
                self._file_elsewhere(each)

    def _bind(self, name: str, source: Sourced, known: dict[str, Field], taken: dict[str, Slot]) -> None:
        if name not in known:
            self._unknown("H0631", f"`bind` names `{name}`, which", name, known)
        elif name in taken:
            self.fault(
                "H0631",
                f"`bind` takes `{name}` from {source.place} `{source.name}`, but it is in the path already",
                helps=(f"leave `{name}` out of `bind`, or `{{{name}}}` out of the path",),
            )
        else:
            taken[name] = Slot(known[name], source.place, source.name)

    def _unknown(self, code: str, what: str, name: str, known: dict[str, Field]) -> None:
        if self.operation.kind.streams_in:
            helps = [f"leave it out: `{self.operation.name}` takes a stream, so what is said once is in its items"]
        else:
            near = difflib.get_close_matches(name, known, 1)
            helps = [f"did you mean `{near[0]}`?"] if near else []
            where = f"to `{self.operation.message.__name__}`"
            if self.operation.synthesised:
                where = f"before the star of `{self.operation.name}`"
            helps.append(f"add `{name}: SomeType` {where}")
        self.fault(code, f"{what} is no field of the message of `{self.operation.name}`", helps=helps)

    def _body(self, rest: list[Field]) -> None:
        models = [each for each in rest if is_message_type(each.type)] if self.operation.synthesised else []
        if len(models) > 1:
            names = " and ".join(f"`{each.name}`" for each in models)
            self.fault(
                "H0604",
                f"`{self.operation.name}` has two bodies: {names}",
                at=models[1].name,
                label="a request has one body",
                helps=("put both into one dataclass and take that",),
            )
        if len(rest) == 1 and models:
            self.out.body_is = models[0]
        self.out.body = rest

    def _form(self, rest: list[Field]) -> dict[str, Slot]:
        if self.operation.kind is not Kind.UNARY:
            self.fault(
                "H0637",
                f"`{self.operation.name}` streams, and a form is sent once",
                helps=("leave `form=True` out: items come as JSON, one to a line",),
            )
        if find_spec("python_multipart") is None:
            self.fault(
                "H0638",
                f"`{self.operation.name}` takes a form, and python-multipart is not installed",
                helps=("pip install 'hardy[forms]'",),
            )
        return {each.name: Slot(each, "form", each.wire_name) for each in rest}

    def _file_elsewhere(self, each: Field) -> None:
        self.fault(
            "H0637",
            f"`{each.name}` is a file, and only a form carries files",
            at=each.name,
            label="cannot be in JSON",
            helps=(f'write `http.{self.route.method.lower()}("{self.route.path}", form=True)`',),
        )

    def _uncarried(self, slot: Slot) -> None:
        if slot.is_file and slot.place != "path":
            self._file_elsewhere(slot.field)
            return
        kind = getattr(slot.field.type, "__name__", str(slot.field.type))
        self.fault(
            "H0633",
            f"`{slot.field.name}: {kind}` cannot be in the {slot.place}",
            at=slot.field.name,
            label="is no text",
            helps=(
                "text carries str, int, float, bool, UUID, Decimal, dates, enums, and in the query lists of them",
                "take its fields one by one"
                if slot.place == "form"
                else f'to send it as the body, write `http.post("{self.route.path}")`',
            ),
        )

    def _reply(self) -> None:
        status, reply = self.route.status, self.operation.reply
        if status is not None and not 200 <= status <= 299:
            self.fault("H0635", f"status {status} is no success", helps=("errors are raised, not given as status",))
        if status in {204, 205} and reply is not types.NoneType and reply is not None:
            self.fault(
                "H0635",
                f"status {status} has no body, but `{self.operation.name}` replies",
                helps=("leave `status` out, or return `None`",),
            )
        wanted = {} if self.route.location is None else dict.fromkeys(names_in(self.route.location), "location")
        if self.route.etag is not None:
            wanted[self.route.etag] = "etag"
        if self.route.next is not None:
            wanted["next"] = "next"
            if not any((slot.place, slot.name) == ("query", self.route.next) for slot in self.out.slots):
                self.fault(
                    "H0632",
                    f"`next=` names `{self.route.next}`, which is no query parameter of `{self.operation.name}`",
                    helps=(f"add `{self.route.next}: str | None = None` to its message",),
                )
        known = [each.name for each in fields(reply)] if is_message_type(reply) else []
        for name, option in wanted.items():
            if name not in known or self.operation.kind.streams_out:
                near = difflib.get_close_matches(name, known, 1)
                self.fault(
                    "H0632",
                    f"`{option}=` needs `{name}`, which is no field of the reply of `{self.operation.name}`",
                    helps=(f"did you mean `{near[0]}`?" if near else f"add `{name}` to the reply",),
                )


def strip(annotation: object) -> object:
    """Return *annotation* without ``Annotated`` and without ``| None``."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        rest = [each for each in typing.get_args(annotation) if each is not types.NoneType]
        if len(rest) == 1:
            return strip(rest[0])
    return annotation


def is_list(annotation: object) -> bool:
    """Whether a parameter of this type takes every value that was sent."""
    bare = strip(annotation)
    return (typing.get_origin(bare) or bare) in _LISTS


def is_file(annotation: object) -> bool:
    """Whether a field of this type is a file, or several."""
    bare = strip(annotation)
    if (typing.get_origin(bare) or bare) in _LISTS:
        arguments = typing.get_args(bare)
        return bool(arguments) and strip(arguments[0]) is File
    return bare is File


def takes_files(operation: Operation) -> bool:
    """Whether the message of *operation* has files, which come by forms alone.

    Example:
        >>> async def hello(name: str) -> str: ...
        >>> takes_files(Operation.of(hello))
        False
    """
    return not operation.raw and any(is_file(each.type) for each in fields(operation.message))


def _carries(annotation: object) -> bool:
    bare = strip(annotation)
    origin = typing.get_origin(bare)
    if origin in {typing.Union, types.UnionType}:
        return all(_carries(each) for each in typing.get_args(bare))
    if origin is typing.Literal:
        return True
    if (origin or bare) in _LISTS:
        return all(each is Ellipsis or _is_scalar(strip(each)) for each in typing.get_args(bare))
    return _is_scalar(bare)


def _is_scalar(bare: object) -> bool:
    if typing.get_origin(bare) is typing.Literal:
        return True
    if typing.get_origin(bare) in {typing.Union, types.UnionType}:
        return all(_is_scalar(strip(each)) for each in typing.get_args(bare))
    if isinstance(bare, typing.NewType):
        return _is_scalar(strip(cast("object", bare.__supertype__)))
    return isinstance(bare, type) and issubclass(bare, (*_SCALARS, *_TIMES))
