"""A message as an HTTP request and an answer as a reply: the inverse of what the server does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast
from urllib.parse import quote, urlencode

import msgspec

from hardy.core import Code, Error, Fault, InvalidArgument, Operation, Unknown, error_from_wire
from hardy.schema import Codec, JsonCase, codec
from hardy.transport.http._endpoint import entity_tag
from hardy.transport.http._layout import Slot, layout
from hardy.transport.http._outgoing_form import FormFields, encode_form
from hardy.transport.http._plan import is_none
from hardy.transport.http._route import Route
from hardy.transport.http._status import code_of

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request that is ready to be sent."""

    method: str
    target: str
    headers: list[Header]
    body: bytes | None


class Method:
    """One operation of a service, as its clients call it: prepared once.

    Raises:
        BuildFailed: The operation does not fit its route.
    """

    def __init__(self, operation: Operation, route: Route, json_case: JsonCase) -> None:
        self.operation = operation
        self.route = route
        self._layout = layout(route, operation, json_case)
        has_files = any(slot.is_file for slot in self._layout.form)
        self._form = FormFields(self._layout, operation, json_case) if has_files else None
        message = object if has_files else operation.message
        self.message: Codec[object] = codec(message, json_case=json_case)
        self._reply: Codec[object] | None = None
        if not is_none(operation.reply):
            self._reply = codec(cast("type[object]", operation.reply), json_case=json_case)

    def request(self, message: object) -> Outgoing:
        """Lay *message* out on a request."""
        out = self._layout
        headers: list[Header] = []
        if out.is_body_whole:
            return Outgoing(self.route.method, self._path({}), [_JSON], self.message.encode(message))
        if self._form is not None:
            values = self._form.values(message)
        else:
            values = cast("dict[str, object]", self.message.to_builtins(message)) if out.slots or out.body else {}
        target = self._path(values)
        pairs = [pair for slot in out.slots if slot.place == "query" for pair in _texts(slot, values)]
        if pairs:
            target += "?" + urlencode(pairs)
        for slot in out.slots:
            if slot.place == "header":
                headers += _headers(slot, values, is_tag=slot is out.if_match)
        cookies = [
            f"{name}={value}" for slot in out.slots if slot.place == "cookie" for name, value in _texts(slot, values)
        ]
        if cookies:
            headers.append(("cookie", "; ".join(cookies)))
        body = None
        if out.form:
            texts = [pair for slot in out.form if not slot.is_file for pair in _texts(slot, values)]
            kind, body = encode_form(texts, self._form.files(message) if self._form else [])
            headers.append(("content-type", kind))
        if out.body:
            headers.append(_JSON)
            content = (
                values[out.body_is.wire_name]
                if out.body_is
                else {each.wire_name: values[each.wire_name] for each in out.body if each.wire_name in values}
            )
            body = msgspec.json.encode(content)
        return Outgoing(self.route.method, target, headers, body)

    def target(self) -> str:
        """Return the path of a stream from the client, which has no fields."""
        return self._path({})

    def _path(self, values: Mapping[str, object]) -> str:
        path = self._layout.path
        assert path is not None
        names = {slot.name: slot.field.wire_name for slot in self._layout.slots if slot.place == "path"}
        parts = [
            quote(_text(values[names[each.text]]), safe="/" if each.is_tail else "")
            if each.is_field
            else quote(each.text)
            for each in path.segments
        ]
        return "/" + "/".join(parts)

    def reply(self, body: bytes) -> object:
        """Return the reply, or the item, that *body* is.

        Raises:
            Unknown: The service sent something else than it promised.
        """
        if self._reply is None:
            return None
        try:
            return self._reply.decode(body)
        except InvalidArgument as error:  # of a reply it is not the caller's fault
            route = f"{self.route.method} {self.route.path}"
            raise Unknown(f"the reply of {route} cannot be read: {error.message}") from error

    def error(self, status: int, header: Callable[[str], str | None], body: bytes) -> Error:
        """Return what the service raised."""
        return error_of(status, header("retry-after"), _problem(body), self.operation.raises)

    def error_in(self, item: bytes) -> Error | None:
        """Return what the service raised in the middle of a stream; ``None`` when *item* is an item."""
        if not item.startswith(b'{"error":'):
            return None
        document = _problem(item)
        problem = document.get("error")
        if len(document) != 1 or not isinstance(problem, dict):
            return None
        members = cast("dict[str, object]", problem)
        status = members.get("status")
        if not isinstance(status, int) or "code" not in members:
            return None
        return error_of(status, None, members, self.operation.raises)


def outgoing(operation: Operation, route: Route, message: object, *, json_case: JsonCase = "snake") -> Outgoing:
    """Return the request that calls *operation* by *route* with *message*.

    Raises:
        BuildFailed: The operation does not fit its route.

    Example:
        >>> from hardy.transport import http
        >>> async def hello(name: str) -> str: ...
        >>> operation = Operation.of(hello)
        >>> outgoing(operation, http.get("/hello"), operation.message(name="you")).target
        '/hello?name=you'
    """
    return Method(operation, route, json_case).request(message)


_JSON = ("content-type", "application/json")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _texts(slot: Slot, values: Mapping[str, object]) -> list[tuple[str, str]]:
    value = values.get(slot.field.wire_name)
    if isinstance(value, list):
        return [(slot.name, _text(each)) for each in cast("list[object]", value)]
    if value is None and (slot.field.default is None or slot.field.wire_name not in values):
        return []
    return [(slot.name, _text(value))]


def _headers(slot: Slot, values: Mapping[str, object], *, is_tag: bool) -> list[Header]:
    texts = _texts(slot, values)
    if is_tag:
        return [("if-match", entity_tag(text).decode()) for _, text in texts]
    return texts


def _problem(body: bytes) -> dict[str, object]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}


def error_of(
    status: int, retry_after: str | None, problem: Mapping[str, object], raises: Sequence[type[Error]]
) -> Error:
    """Return what a service raised that answered with *problem*: its ``code`` counts, its status only without one."""
    name, reason, details = problem.get("code"), problem.get("reason"), problem.get("details")
    detail = problem.get("detail") or problem.get("title")
    faults = [
        Fault(str(each.get("pointer", "")), str(each.get("detail", "")))
        for each in cast("list[object]", problem.get("errors") or [])
        if isinstance(each, dict)
        for each in [cast("dict[str, object]", each)]
    ]
    return error_from_wire(
        Code.of_name(name) if isinstance(name, str) else code_of(status),
        str(detail) if detail else _phrase(status),
        reason=reason if isinstance(reason, str) else None,
        details=cast("dict[str, object]", details) if isinstance(details, dict) else None,
        faults=faults,
        retry_after=float(retry_after) if retry_after is not None and retry_after.isdigit() else None,
        raises=raises,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
