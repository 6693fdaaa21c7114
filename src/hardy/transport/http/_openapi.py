"""The OpenAPI 3.1 document of what is exposed over HTTP. Deterministic: the same service gives the same bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from hardy.core import Exposed
from hardy.schema import JsonCase, json_schemas
from hardy.transport.http._describe import HEADERS, Described, Schema
from hardy.transport.http._examples import move_examples
from hardy.transport.http._path import Path
from hardy.transport.http._problem import PROBLEM_TYPE
from hardy.transport.http._route import Route
from hardy.transport.http._status import STATUS

SecuritySchemes = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Info:
    """What the document says about the service as a whole."""

    title: str
    version: str
    description: str


def openapi(  # each by name, all but two with a default
    exposed: Sequence[Exposed],
    *,
    title: str,
    version: str = "0.0.0",
    description: str = "",
    json_case: JsonCase = "snake",
    security: SecuritySchemes | None = None,
) -> dict[str, object]:
    """Describe the operations behind HTTP routes as an OpenAPI 3.1 document.

    ``operationId`` is the name of the use case; summary and description are its
    docstring; the errors listed in ``raises`` are grouped by status. Examples
    come from docstrings: a line ``Example:`` and, indented below it, one JSON
    value - in the docstring of a message or a reply, or in that of a use case
    for its message.

    Args:
        exposed: Bindings of every transport: a gRPC method of an operation
            gives its tag and stands beside it as ``x-grpc``.
        title: The name of the service.
        version: Of the API.
        description: Markdown.
        json_case: What the transport is built with.
        security: OpenAPI security schemes by name; one of them is needed for
            what is not public.

    Example:
        >>> openapi([], title="orders")["openapi"]
        '3.1.0'
    """
    methods = _methods(exposed)
    described: list[Described] = []
    names: dict[str, int] = {}
    for each in exposed:
        if isinstance(each.binding, Route):
            name = each.operation.name
            names[name] = names.get(name, 0) + 1
            unique = name if names[name] == 1 else f"{name}_{names[name]}"
            method = methods.get(name)
            described.append(Described(each.operation, each.binding, json_case, name=unique, method=method))
    types = [kind for each in described for kind in each.types()]
    schemas, components = json_schemas(types, json_case=json_case)
    move_examples(components)
    supply = iter(schemas)
    paths: dict[str, dict[str, object]] = {}
    for one in described:
        one.take(supply, components)
        path = Path.parse(one.route.path).plain
        paths.setdefault(path, {})[one.route.method.lower()] = one.operation_object(tuple(security or ()))
    return _document(Info(title, version, description), paths, components, security or {})


def _methods(exposed: Sequence[Exposed]) -> dict[str, str]:
    methods: dict[str, str] = {}
    for each in exposed:
        if each.binding.transport == "grpc":
            facts = each.binding.describe()
            methods.setdefault(each.operation.name, f"{facts.get('service')}/{facts.get('method')}")
    return methods


def _document(
    info: Info,
    paths: dict[str, dict[str, object]],
    components: dict[str, Schema],
    security: SecuritySchemes,
) -> dict[str, object]:
    tags = dict.fromkeys(
        tag
        for item in paths.values()
        for operation in item.values()
        for tag in cast("dict[str, list[str]]", operation)["tags"]
    )
    about: dict[str, object] = {"title": info.title, "version": info.version}
    if info.description:
        about["description"] = info.description
    every = dict(sorted({**components, "Problem": _problem_schema()}.items()))
    parts: dict[str, object] = {
        "schemas": every,
        "responses": {
            "Problem": {
                "description": "Any other error.",
                "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
        },
    }
    if used := {name: each for name, each in HEADERS.items() if _refers(paths, f"#/components/headers/{name}")}:
        parts["headers"] = used
    if security:
        parts["securitySchemes"] = {name: dict(scheme) for name, scheme in security.items()}
    return {
        "openapi": "3.1.0",
        "info": about,
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": parts,
    }


def _refers(part: object, name: str) -> bool:
    """Tell whether anything in *part* of the document refers to *name*."""
    if isinstance(part, dict):
        members = cast("dict[str, object]", part)
        return members.get("$ref") == name or any(_refers(each, name) for each in members.values())
    return isinstance(part, list) and any(_refers(each, name) for each in cast("list[object]", part))


def _problem_schema() -> Schema:
    text = {"type": "string"}
    fault = {
        "type": "object",
        "properties": {
            "pointer": {**text, "description": "Where, as a JSON pointer (RFC 6901)."},
            "detail": {**text, "description": "What."},
        },
        "required": ["pointer", "detail"],
    }
    return {
        "type": "object",
        "description": "What every error looks like (RFC 9457).",
        "properties": {
            "type": {**text, "format": "uri-reference"},
            "title": {**text, "description": "The status in words."},
            "status": {"type": "integer"},
            "detail": {**text, "description": "What went wrong, for a reader."},
            "code": {"enum": [code.name for code in STATUS], "description": "The canonical code: decide by this."},
            "reason": {**text, "description": "What exactly, as a word."},
            "call": {**text, "description": "The id of the call; the log has it too."},
            "details": {"type": "object", "description": "Facts beside the reason."},
            "errors": {"type": "array", "items": fault, "description": "Every fault of the message."},
        },
        "required": ["type", "title", "status", "detail", "code"],
    }
