"""One operation behind one route, in the words of OpenAPI."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, cast

import msgspec

from hardy.auth import is_public, rule_name
from hardy.core import MISSING, Error, Kind, Operation
from hardy.schema import Field, JsonCase
from hardy.transport.http._accept import JSON, MULTIPART, NDJSON, SSE, URLENCODED
from hardy.transport.http._examples import split_doc
from hardy.transport.http._layout import Layout, Slot, layout
from hardy.transport.http._plan import is_none, partial_of
from hardy.transport.http._problem import PROBLEM_TYPE
from hardy.transport.http._route import Route
from hardy.transport.http._status import STATUS, status_of_class

Schema = dict[str, object]
_PROBLEM: Schema = {"$ref": "#/components/responses/Problem"}
_CONFLICT = 409
_OF_FRAMEWORK = {
    400: "The request cannot be read.",
    401: "Nobody known is calling.",
    403: "The caller may not do this.",
    412: "What was read has changed meanwhile.",
    422: "The message breaks its rules; every fault is listed.",
    428: "`If-Match` is missing.",
    429: "A rate limit is used up; `Retry-After` says when to come back.",
}
_OF_IDEMPOTENCY = {
    409: "A call with this `Idempotency-Key` is being carried out.",
    422: "The `Idempotency-Key` was used for another message.",
}


class Described:
    """Describes one operation: says first which types it needs, then takes their schemas and writes itself."""

    def __init__(
        self, operation: Operation, route: Route, json_case: JsonCase, *, name: str, method: str | None
    ) -> None:
        self.operation = operation
        self.route = route
        self.name = name
        self.method = method
        self._layout: Layout = layout(route, operation, json_case)
        self._parameter_slots = [slot for slot in self._layout.slots if slot.place != "form"]
        self._slots: list[tuple[Slot, Schema]] = []
        self._body: Schema | None = None
        self._reply: Schema | None = None
        self._doc, self._example = split_doc(operation.doc)

    def types(self) -> list[object]:
        """Return every type whose schema `take` will be given, in order."""
        wanted: list[object] = [slot.field.type for slot in self._parameter_slots]
        body = self._body_type()
        if body is not None:
            wanted.append(body)
        if self._has_reply:
            wanted.append(self.operation.reply)
        return wanted

    @property
    def _has_reply(self) -> bool:
        return not self.route.raw and not is_none(self.operation.reply)

    def _body_type(self) -> object:
        out = self._layout
        if self.route.raw:
            return None
        if self.operation.kind.streams_in or out.is_body_whole:
            return self.operation.message
        if out.body_is is not None:
            return out.body_is.type
        if out.form:
            return partial_of(self.operation.message, "Form", [_documented(_as_text(slot)) for slot in out.form])
        if not out.body:
            return None
        return partial_of(self.operation.message, "Body", [_documented(each) for each in out.body])

    def take(self, schemas: Iterator[Schema], components: dict[str, Schema]) -> None:
        """Take the schemas of `types`, in their order."""
        self._slots = [(slot, next(schemas)) for slot in self._parameter_slots]
        if self._body_type() is not None:
            self._body = next(schemas)
            if self._layout.slots and self._layout.body_is is None:
                self._part(self._body, components)
                self._mark_files(self._body, components)
        if self._has_reply:
            self._reply = next(schemas)

    def _mark_files(self, body: Schema, components: dict[str, Schema]) -> None:
        """Say of the fields that are files that they are bytes."""
        component = components[str(body["$ref"]).rpartition("/")[2]]
        known = cast("dict[str, Schema]", component["properties"])
        for slot in self._layout.form:
            if slot.is_file:
                schema = known[slot.field.wire_name]
                schema.pop("default", None)
                items = cast("Schema", schema["items"]) if slot.many else schema
                items["format"] = "binary"

    def _part(self, body: Schema, components: dict[str, Schema]) -> None:
        """Say of a component that is a part of a message what it is."""
        component = components[str(body["$ref"]).rpartition("/")[2]]
        component["description"] = f"The body of `{self.route.method} {self.route.path}`."
        examples = component.get("examples")
        if isinstance(examples, list):
            known = cast("dict[str, object]", component["properties"])
            component["examples"] = [
                {name: value for name, value in cast("dict[str, object]", each).items() if name in known}
                for each in cast("list[object]", examples)
                if isinstance(each, dict)
            ]

    def operation_object(self, schemes: Sequence[str]) -> Schema:
        """Return the OpenAPI operation object.

        Args:
            schemes: Names of the security schemes, one of which is needed.
        """
        summary, _, rest = self._doc.partition("\n")
        found: Schema = {"operationId": self.name, "tags": [self._tag()]}
        if self.route.summary or summary:
            found["summary"] = self.route.summary or summary
        if rest.strip():
            found["description"] = rest.strip()
        parameters = self._parameters()
        if parameters:
            found["parameters"] = parameters
        body = self._request_body()
        if body is not None:
            found["requestBody"] = body
        found["responses"] = self._responses()
        self._add_rule(found, schemes)
        if self.method is not None:
            found["x-grpc"] = self.method
        if self.operation.kind is Kind.BIDI_STREAM:
            found["x-websocket"] = {"message": self._body, "reply": self._reply}
        return found

    def _add_rule(self, found: Schema, schemes: Sequence[str]) -> None:
        rule = self.operation.allow
        if rule is None:
            return
        found["x-allow"] = rule_name(rule)
        if is_public(rule):
            found["security"] = []
        elif schemes:
            found["security"] = [{name: []} for name in schemes]

    def _tag(self) -> str:
        if self.route.tag:
            return self.route.tag
        if self.method is not None:
            return self.method.partition("/")[0].rpartition(".")[2]
        words = [word for word in self.route.path.split("/") if word and not word.startswith("{")]
        return next((word for word in words if not (word[0] == "v" and word[1:].isdigit())), "service")

    def _parameters(self) -> list[Schema]:
        if self.route.raw:
            fields = self._layout.path.fields if self._layout.path else ()
            return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in fields]
        parameters = [self._parameter(slot, schema) for slot, schema in self._slots]
        if self.operation.idempotency is not None:
            parameters.append(_key(required=self.operation.idempotency == "required"))
        return parameters

    def _parameter(self, slot: Slot, schema: Schema) -> Schema:
        schema = _without_null(schema)
        if slot is self._layout.if_match:
            number = schema.get("type") == "integer"
            digits = "(0|[1-9][0-9]{0,17})"
            tag = f'"{digits}"|{digits}' if number else '"[!#-~]*"'
            schema = {"type": "string", "pattern": f"^({tag})$" if slot.field.required else rf"^(\*|{tag})$"}
        doc = slot.field.doc or ("The entity tag that was read." if slot is self._layout.if_match else "")
        parameter: Schema = {
            "name": slot.name.title() if slot.place == "header" else slot.name,
            "in": slot.place,
            "required": slot.place == "path" or slot.field.required,
        }
        if doc:
            parameter["description"] = doc
        if slot.name != slot.field.wire_name:
            parameter["x-member"] = slot.field.wire_name
        default = _default(slot.field)
        parameter["schema"] = schema if default is None else {**schema, "default": default}
        return parameter

    def _request_body(self) -> Schema | None:
        if self.route.raw:
            return {"content": {"*/*": {}}} if self.route.method in {"POST", "PUT", "PATCH"} else None
        if self._body is None or self.operation.kind is Kind.BIDI_STREAM:
            return None
        if self.operation.kind is Kind.CLIENT_STREAM:
            return {
                "required": False,
                "description": "One item a line.",
                "content": {NDJSON: {"x-itemSchema": self._body}},
            }
        if self._layout.form:
            return self._form_body(self._body)
        content: Schema = {"schema": self._body}
        if self._example is not None:
            content["example"] = self._example
        found: Schema = {"required": any(each.required for each in self._layout.body), "content": {JSON: content}}
        if self._layout.body_is is not None:
            found["x-member"] = self._layout.body_is.wire_name
        return found

    def _form_body(self, schema: Schema) -> Schema:
        kinds = [MULTIPART] if any(slot.is_file for slot in self._layout.form) else [MULTIPART, URLENCODED]
        required = any(slot.field.required for slot in self._layout.form)
        return {"required": required, "content": {kind: {"schema": schema} for kind in kinds}}

    def _responses(self) -> Schema:
        if self.route.raw:
            return {"default": {"description": "What the service answers."}}
        status, success = self._success()
        found: dict[str, Schema] = {status: success}
        if self.route.etag is not None and self.route.method == "GET":
            found["304"] = {"description": "The client has this version already."}
        errors: dict[int, list[type[Error]]] = {each: [] for each in self._own_statuses()}
        for cls in self.operation.raises:
            for each in self._statuses_of(cls):
                errors.setdefault(each, []).append(cls)
        for each, classes in sorted(errors.items()):
            found[str(each)] = self._error(each, classes)
        found["default"] = _PROBLEM
        return cast("Schema", found)

    def _own_statuses(self) -> list[int]:
        statuses = [400, 422] if self._slots or self._body is not None else []
        if self.operation.allow is not None and not is_public(self.operation.allow):
            statuses += [401, 403]
        if (tag := self._layout.if_match) is not None:
            statuses += [412, 428] if tag.field.required else [412]
        if self.operation.idempotency is not None:
            statuses += [400, 409, 422]
        if self.operation.limited:
            statuses.append(429)
        return statuses

    def _error(self, status: int, classes: Sequence[type[Error]]) -> Schema:
        """Return the answer of a *status*, for all the reasons that there are."""
        known = [_OF_FRAMEWORK[status]] if status in _OF_FRAMEWORK else []
        if self.operation.idempotency is not None and status in _OF_IDEMPOTENCY:
            known.append(_OF_IDEMPOTENCY[status])
        found = _error(status, classes, known)
        told = [name for name, says in (("Retry-After", status in {409, 429}), ("RateLimit", status == 429)) if says]
        if (status == 429 and self.operation.limited) or (status == 409 and self.operation.idempotency is not None):
            found["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in told}
        return found

    def _statuses_of(self, cls: type[Error]) -> list[int]:
        status = status_of_class(cls)
        tag = self._layout.if_match
        if tag is None or status != _CONFLICT or STATUS[cls.code] != _CONFLICT or cls.code.name == "ALREADY_EXISTS":
            return [status]
        return [412] if tag.field.required else [409, 412]

    def _success(self) -> tuple[str, Schema]:
        kind = self.operation.kind
        if kind is Kind.BIDI_STREAM:
            return "101", {"description": "A WebSocket: one JSON item a message; an empty message ends your stream."}
        status = str(self.route.status or (204 if self._reply is None else 200))
        success: Schema = {"description": "Done." if self._reply is None else self._reply_doc()}
        headers: Schema = {}
        if self.route.location is not None:
            headers["Location"] = {"schema": {"type": "string", "format": "uri-reference"}}
        if self.route.etag is not None:
            headers["ETag"] = {"schema": {"type": "string"}}
        if self.route.next is not None:
            headers["Link"] = {"schema": {"type": "string"}, "description": "The next page, while there is one."}
        if self.operation.limited:
            headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit", "RateLimit-Policy")}
        if self.operation.idempotency is not None:
            headers["Idempotency-Replayed"] = {"$ref": "#/components/headers/Idempotency-Replayed"}
        if headers:
            success["headers"] = headers
        if self._reply is None:
            return status, success
        if kind is Kind.SERVER_STREAM:
            item = {"x-itemSchema": self._reply}
            success["content"] = {NDJSON: item, SSE: item}
        else:
            success["content"] = {JSON: {"schema": self._reply}}
        return status, success

    def _reply_doc(self) -> str:
        if self.operation.kind.streams_out:
            return "A stream of items."
        reply = self.operation.reply
        doc, _ = split_doc(getattr(reply, "__doc__", None) or "")
        first = doc.partition("\n")[0]
        if not isinstance(reply, type) or reply.__module__ == "builtins" or first.startswith(f"{reply.__name__}("):
            return "Done."
        return first or "Done."


def _as_text(slot: Slot) -> Field:
    """Return the field as a document has it, where a file is bytes."""
    if not slot.is_file:
        return slot.field
    kind: object = list[str] if slot.many else str
    if slot.field.required:
        return replace(slot.field, type=kind)
    return replace(slot.field, type=kind, default=MISSING, default_factory=None)


def _documented(each: Field) -> Field:
    if not each.doc:
        return each
    described = Annotated[each.type, msgspec.Meta(description=each.doc)]  # type: ignore[name-defined]  # made at run time
    return replace(each, type=described)


def _without_null(schema: Schema) -> Schema:
    """A text cannot be null: it is left out."""
    options = schema.get("anyOf")
    if not isinstance(options, list):
        return schema
    rest = [each for each in cast("list[Schema]", options) if each != {"type": "null"}]
    others = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**others, **rest[0]} if len(rest) == 1 else {**others, "anyOf": rest}


def _default(each: Field) -> object:
    if each.default is MISSING or each.default is None or each.default_factory is not None:
        return None
    try:
        return cast("object", msgspec.to_builtins(each.default))
    except TypeError:
        return None


def _key(*, required: bool) -> Schema:
    """Return the header that carries a key (draft-ietf-httpapi-idempotency-key-header)."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": "A random text of your own; the same one when you try again. The call is carried out once.",
        "schema": {"type": "string", "pattern": r'^([!#-+\--:<-~]{1,255}|"[ !#-\[\]-~]{1,255}")$'},
    }


HEADERS: Schema = {
    "Idempotency-Replayed": {
        "description": "`true`: this is the answer to an earlier call with the same key.",
        "schema": {"enum": ["true"]},
    },
    "RateLimit": {
        "description": "What is left: `r` calls now, and `t` seconds until all are there again.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "The limits by name: `q` calls in `w` seconds.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds after which to come back.", "schema": {"type": "integer"}},
}
"""Headers of answers that several operations have."""


def _error(status: int, classes: Sequence[type[Error]], known: Sequence[str]) -> Schema:
    own = [cls for cls in classes if cls.reason is not None]
    lines = [f"`{cls.reason}`: {(cls.__doc__ or cls.__name__).strip().partition(chr(10))[0]}" for cls in own]
    description = "\n\n".join([*known, *lines]) or "An error."
    schema: Schema = {"$ref": "#/components/schemas/Problem"}
    if own and status not in _OF_FRAMEWORK:
        # An open enum: an error that nobody listed may have the same status.
        reasons = {"anyOf": [{"enum": [cls.reason for cls in own]}, {"type": "string"}]}
        schema = {"allOf": [schema, {"properties": {"reason": reasons}}]}
    return {"description": description, "content": {PROBLEM_TYPE: {"schema": schema}}}
