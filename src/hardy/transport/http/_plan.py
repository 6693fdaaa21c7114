"""The prepared way from a request to the message: made once at build, run for every call."""

import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, cast

import msgspec

from hardy.core import MISSING, Fault, InvalidMessage, Malformed, Operation
from hardy.schema import Codec, Field, JsonCase, codec
from hardy.server import Request
from hardy.transport.http._bounds import Bounds
from hardy.transport.http._file import File
from hardy.transport.http._layout import Layout, Slot, strip
from hardy.transport.http._path import decode
from hardy.transport.http._query import parse_cookies, parse_query, version_of
from hardy.transport.http._status import PreconditionRequired

if TYPE_CHECKING:
    from hardy.transport.http._form import Form

Read = Callable[[Request, Sequence[str], bytes], object]
"""Makes the message from a request, the segments of its path and its body."""


class Plan:
    """How the message of one operation is read from a request on one route.

    Attributes:
        wants_body: Whether the body has to be there before `read`.
        form: Makes the message instead of `read` where the body is a form.
        read: Makes the message. Raises `Malformed` or `InvalidMessage` with
            every fault of path, query, headers and body together.
    """

    __slots__ = ("form", "read", "wants_body")

    def __init__(self, layout: Layout, operation: Operation, json_case: JsonCase) -> None:
        self.wants_body = bool(layout.body or layout.form)
        self.form = _Forms(layout, operation.message, json_case) if layout.form else None
        self.read = _unread if layout.form else _reader(layout, operation, json_case)


def _unread(request: Request, segments: Sequence[str], body: bytes) -> object:
    raise AssertionError("the body is a form")


def _reader(layout: Layout, operation: Operation, json_case: JsonCase) -> Read:
    message: type[object] = operation.message
    if layout.is_body_whole:
        decode_whole = codec(message, json_case=json_case).decode
        empty_is_object = not any(each.required for each in layout.body)
        return lambda request, segments, body: decode_whole(body or _nothing(empty_is_object))
    if not layout.slots and not layout.body:
        return lambda request, segments, body: message()
    slots = _Slots(layout)
    if not layout.body:
        whole: Codec[object] = codec(message, json_case=json_case)
        return lambda request, segments, body: slots.convert(whole, slots.collect(request, segments))
    return _Mixed(layout, message, slots, json_case).read


def _nothing(empty_is_object: bool) -> bytes:  # noqa: FBT001  # said once, at build
    if empty_is_object:
        return b"{}"
    raise Malformed("the body is missing")


class _Slots:
    """Collects the texts of path, query, headers and cookies under the names of the message's members."""

    def __init__(self, layout: Layout) -> None:
        places: dict[str, list[Slot]] = {"path": [], "query": [], "header": [], "cookie": [], "form": []}
        for slot in layout.slots:
            places[slot.place].append(slot)
        segments = layout.path.segments if layout.path else ()
        self.path = [
            (slot.field.wire_name, index, segment.is_tail)
            for slot in places["path"]
            for index, segment in enumerate(segments)
            if segment.is_field and segment.text == slot.name
        ]
        self.form = {slot.name: (slot.field.wire_name, slot.many) for slot in places["form"] if not slot.is_file}
        self.query = {slot.name: (slot.field.wire_name, slot.many) for slot in places["query"]}
        self.headers = [slot for slot in places["header"] if slot is not layout.if_match]
        self.if_match = layout.if_match
        self.cookies = [(slot.field.wire_name, slot.name) for slot in places["cookie"]]
        self.where = {slot.field.wire_name: _where(slot) for slot in layout.slots}

    def collect(self, request: Request, segments: Sequence[str]) -> dict[str, object]:
        found: dict[str, object] = {}
        for member, index, tail in self.path:
            found[member] = decode("/".join(segments[index:]) if tail else segments[index])
        if self.query and request.query:
            self._collect_query(request.query, found)
        for slot in self.headers:
            self._collect_header(request, slot, found)
        if self.cookies and (value := request.fields.get(b"cookie")) is not None:
            cookies = parse_cookies(value)
            found |= {member: cookies[name] for member, name in self.cookies if name in cookies}
        if self.if_match is not None:
            self._collect_if_match(request, self.if_match.field, found)
        return found

    def _collect_query(self, query: str, found: dict[str, object]) -> None:
        self.sort(parse_query(query), self.query, found)

    def sort(
        self, pairs: Sequence[tuple[str, str]], wanted: Mapping[str, tuple[str, bool]], found: dict[str, object]
    ) -> None:
        """Put what is *wanted* of *pairs* under the names of the message's members; of a name given twice, the last."""
        for name, value in pairs:
            if (known := wanted.get(name)) is not None:
                member, many = known
                if many:
                    cast("list[str]", found.setdefault(member, [])).append(value)
                else:
                    found[member] = value

    def _collect_header(self, request: Request, slot: Slot, found: dict[str, object]) -> None:
        name = slot.name.encode()
        if (value := request.fields.get(name)) is None:
            return
        if slot.many:
            values = (each.decode("latin-1") for key, each in request.headers if key == name)
            found[slot.field.wire_name] = [part.strip() for each in values for part in each.split(",") if part.strip()]
        else:
            found[slot.field.wire_name] = value.decode("latin-1")

    def _collect_if_match(self, request: Request, field: Field, found: dict[str, object]) -> None:
        value = request.fields.get(b"if-match")
        version = None if value is None else version_of(value.decode("latin-1"), "/" + field.wire_name)
        if version is not None:
            found[field.wire_name] = version
        elif field.required:
            raise PreconditionRequired("send the entity tag you have read in If-Match")

    def convert(self, whole: Codec[object], found: dict[str, object]) -> object:
        try:
            return whole.convert(found, lax=True)
        except InvalidMessage as error:
            raise InvalidMessage([self.explain(each) for each in error.faults]) from None

    def explain(self, fault: Fault) -> Fault:
        """Add to *fault* where on the request its value is."""
        member = fault.pointer[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
        where = self.where.get(member)
        return Fault(fault.pointer, f"{fault.detail} ({where})") if where else fault


def _where(slot: Slot) -> str:
    if slot.place == "path":
        return "in the path"
    return f"form field {slot.name}" if slot.place == "form" else f"{slot.place} {slot.name}"


class _Forms:
    """Reads a message whose fields are in a form: texts by the codec, files as they are, all faults together."""

    def __init__(self, layout: Layout, message: type, json_case: JsonCase) -> None:
        # Services without forms do without what reads them; the others load it now, and not while they serve.
        self._read_form = import_module("hardy.transport.http._form").read_form
        import_module("tempfile")
        self.message = message
        self.slots = _Slots(layout)
        self.file_slots = [slot for slot in layout.slots if slot.is_file]
        self.files = frozenset(slot.name for slot in self.file_slots)
        texts = [slot.field for slot in layout.slots if not slot.is_file]
        self.names = [each.name for each in texts]
        self.texts: Codec[object] = codec(partial_of(message, "Fields", texts), json_case=json_case)

    async def receive(self, request: Request, segments: Sequence[str], bounds: Bounds) -> object:
        """Read the form and return the message."""
        return self.read(request, segments, await self._read_form(request, self.files, bounds))

    def read(self, request: Request, segments: Sequence[str], form: "Form") -> object:
        """Return the message."""
        values: dict[str, object] = {}
        found = self.slots.collect(request, segments)
        self.slots.sort(form.texts, self.slots.form, found)
        faults = [
            Fault("/" + self.slots.form[name][0], f"must be text, not a file (form field {name})")
            for name, _ in form.files
            if name in self.slots.form
        ]
        told = {each.pointer for each in faults}
        try:
            _take(self.slots.convert(self.texts, found), self.names, values)
        except InvalidMessage as error:
            faults += [each for each in error.faults if each.pointer not in told]
        faults += self._take_files(form, values)
        if faults:
            raise InvalidMessage(faults[:100])
        try:
            return self.message(**values)
        except (ValueError, TypeError) as error:  # what the message's own __post_init__ refuses
            raise InvalidMessage([Fault("", str(error))]) from None

    def _take_files(self, form: "Form", values: dict[str, object]) -> Iterator[Fault]:
        texts = {name for name, _ in form.texts}
        for slot in self.file_slots:
            given = [file for name, file in form.files if name == slot.name]
            where = f"(form field {slot.name})"
            if given:
                values[slot.field.name] = _collected(slot, given) if slot.many else given[-1]
            elif slot.name in texts:
                yield Fault("/" + slot.field.wire_name, f"must be a file {where}")
            elif slot.field.required:
                yield Fault("/" + slot.field.wire_name, f"is missing {where}")


def _collected(slot: Slot, given: list[File]) -> object:
    bare = strip(slot.field.type)
    return cast("Callable[[list[File]], object]", typing.get_origin(bare) or bare)(given)


class _Mixed:
    """Reads a message whose fields are partly in the body: each part by its own codec, all faults together."""

    def __init__(self, layout: Layout, message: type, slots: _Slots, json_case: JsonCase) -> None:
        self.message = message
        self.slots = slots
        beside = [slot.field for slot in layout.slots]
        self.beside_names = [each.name for each in beside]
        self.beside: Codec[object] | None = None
        if beside:
            self.beside = codec(partial_of(message, "Parameters", beside), json_case=json_case)
        self.body_name = layout.body_is.name if layout.body_is else None
        self.body_names = [each.name for each in layout.body]
        body_type = layout.body_is.type if layout.body_is else partial_of(message, "Body", layout.body)
        self.body: Codec[object] = codec(cast("type[object]", body_type), json_case=json_case)
        self.may_be_empty = not any(each.required for each in layout.body)

    def read(self, request: Request, segments: Sequence[str], body: bytes) -> object:
        values: dict[str, object] = {}
        faults: list[Fault] = []
        try:
            if self.beside is not None:
                _take(self.slots.convert(self.beside, self.slots.collect(request, segments)), self.beside_names, values)
        except InvalidMessage as error:
            faults += error.faults
        try:
            self._read_body(body, values)
        except InvalidMessage as error:
            faults += error.faults
        if faults:
            raise InvalidMessage(faults[:100])
        try:
            return self.message(**values)
        except (ValueError, TypeError) as error:  # what the message's own __post_init__ refuses
            raise InvalidMessage([Fault("", str(error))]) from None

    def _read_body(self, body: bytes, values: dict[str, object]) -> None:
        if not body and self.may_be_empty:
            return
        decoded = self.body.decode(body or _nothing(empty_is_object=False))
        if self.body_name is not None:
            values[self.body_name] = decoded
        else:
            _take(decoded, self.body_names, values)


def _take(part: object, names: list[str], values: dict[str, object]) -> None:
    for name in names:
        value = getattr(part, name)
        if value is not msgspec.UNSET:
            values[name] = value


def partial_of(message: type, what: str, some: Sequence[Field]) -> type[object]:
    """Return a class with *some* of the fields of *message*."""
    return cast(
        "type[object]",
        msgspec.defstruct(
            f"{message.__name__}{what}",
            [_spec(each) for each in some],
            kw_only=True,
            module=message.__module__,
            namespace={"__doc__": message.__doc__},
            rename={each.name: each.wire_name for each in some if each.name != each.wire_name} or None,
        ),
    )


def _spec(each: Field) -> tuple[str, type] | tuple[str, type, object]:
    kind = cast("type", each.type)
    if each.required:
        return each.name, kind
    if each.default_factory is not None:
        return each.name, kind, msgspec.field(default_factory=each.default_factory)
    if each.default is MISSING:  # a member that a TypedDict may leave out
        return each.name, cast("type", cast("object", kind | msgspec.UnsetType)), msgspec.UNSET
    if isinstance(each.default, list | dict | set):
        return each.name, kind, msgspec.field(default_factory=partial(copy, cast("object", each.default)))
    return each.name, kind, each.default


def is_none(annotation: object) -> bool:
    """Whether a reply annotated so is no reply."""
    return annotation is None or annotation is types.NoneType
