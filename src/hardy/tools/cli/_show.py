"""``hardy show``: what the service consists of and what it is told, as text or JSON."""

import os
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import cast

import click

from hardy.config import declared, describe
from hardy.core import BuildFailed
from hardy.tools.cli._files import sound
from hardy.tools.cli._graph import mermaid, tree
from hardy.tools.cli._group import no_such
from hardy.tools.cli._options import options_of, service_argument, settings_options
from hardy.tools.cli._style import complain, note, print_json, table
from hardy.tools.cli._target import Target


@click.command("show")
@click.argument("what", metavar="operations|config|graph|env")
@service_argument
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print the graph as a Mermaid diagram.")
@click.pass_context
def command(context: click.Context, /, what: str, *, as_json: bool, as_mermaid: bool, **given: object) -> int:
    """Print what the service consists of and what it is told.

    \b
    operations   every operation, how it is reached and who may
    config       every setting with its value, source and default; secrets are hidden
    graph        what each operation needs, and what makes it
    env          every variable that is read, and whether it is set

    Settings are those of dev, unless the project or --environment says otherwise.
    """  # noqa: D301  # \b is click's
    if what not in _SHOW:
        no_such("thing to show", what, _SHOW, context)
    if as_mermaid and what != "graph":
        raise click.UsageError("--mermaid is for the graph: hardy show graph --mermaid", ctx=context)
    options = options_of(given)
    target = options.target().for_development()
    if as_mermaid:
        sound(target)
        click.echo(mermaid(target.app.describe()))
        return 0
    return _SHOW[what](target, as_json)


def _operations(target: Target, as_json: bool) -> int:  # noqa: FBT001  # one shape for all four
    app = target.app
    if app.faults:
        raise BuildFailed(app.faults)
    operations = cast("list[dict[str, object]]", app.describe()["operations"])
    if as_json:
        print_json(operations)
        return 0
    rows: list[list[str]] = []
    for each in operations:
        bindings = cast("list[dict[str, object]]", each["bindings"])
        doors = [_door(binding) for binding in bindings] or ["nothing reaches it"]
        kind = str(each["kind"]).replace("_", " ")
        says = [str(each["summary"]), *_policies(each)]
        rows.append([str(each["name"]), kind, doors[0], str(each["allow"] or ""), says[0]])
        rows += [["", "", door, "", text] for door, text in zip_longest(doors[1:], says[1:], fillvalue="")]
    table(["operation", "kind", "reached by", "allow", "does"], rows)
    return 0


def _policies(operation: Mapping[str, object]) -> list[str]:
    """Return in words how often an operation may be called, and that it is carried out once for each key."""
    said = [f"limit: {each}" for each in cast("list[str]", operation["limits"])]
    return said + ([f"idempotency: {operation['idempotency']}"] if operation["idempotency"] else [])


def _door(binding: Mapping[str, object]) -> str:
    """Return how a binding is told in one line."""
    match binding:
        case {"transport": "http", "method": method, "path": path}:
            return f"REST {method} {path}"
        case {"transport": "grpc", "service": service, "method": method}:
            return f"gRPC {service}/{method}"
        case {"transport": transport, "name": name}:
            return f"{transport} {name}"
        case _:
            return str(binding.get("transport", "?"))


def _config(target: Target, as_json: bool) -> int:  # noqa: FBT001  # one shape for all four
    values = describe(target.loaded)
    for each in values:
        if each["name"] == "environment" and target.assumed:
            each["source"] = "assumed by hardy show"
    if as_json:
        print_json(values)
        return 0
    required = {each["name"] for each in declared(target.settings_class) if each["required"]}
    rows = [
        [
            str(each["name"]),
            "(none)" if each["value"] is None else str(each["value"]),
            str(each["source"]),
            "(required)" if each["name"] in required else str(each["default"] or ""),
            str(each["doc"]),
        ]
        for each in values
    ]
    table(["setting", "value", "source", "default", "is"], rows)
    return 0


def _graph(target: Target, as_json: bool) -> int:  # noqa: FBT001  # one shape for all four
    sound(target)
    described = target.app.describe()
    if as_json:
        print_json({"operations": described["operations"], "ports": described["ports"]})
    else:
        click.echo(tree(described))
    return 0


def _env(target: Target, as_json: bool) -> int:  # noqa: FBT001  # one shape for all four
    """Tell the variables even when the settings cannot be loaded: that is when they are wanted most."""
    target.silent = True
    failed: BuildFailed | None = None
    sources: dict[str, str] = {}
    unknown: list[str] = []
    try:
        sources = {each.variable: each.source for each in target.loaded.values}
        unknown = [warning.title for warning in target.loaded.warnings]
    except BuildFailed as error:
        failed = error
    rows = [{**each, "set": _state(str(each["variable"]), sources)} for each in declared(target.settings_class)]
    if as_json:
        print_json({"variables": rows, "unknown": unknown})
    else:
        cells = [
            [str(each["variable"]), str(each["set"]), "required" if each["required"] else "", str(each["doc"])]
            for each in rows
        ]
        table(["variable", "set", "", "is"], cells)
        for warning in () if failed else target.loaded.warnings:
            complain("\n" + warning.render())
    if failed is not None:
        note("")
        raise failed
    return 0


def _state(variable: str, sources: Mapping[str, str]) -> str:
    source = sources.get(variable)
    if source is not None and not source.startswith(("default", "command line")):
        return source
    if variable in os.environ:
        return "environment"
    if f"{variable}_FILE" in os.environ:
        return "environment, as a file"
    return "-"


_SHOW: dict[str, Callable[[Target, bool], int]] = {
    "operations": _operations,
    "config": _config,
    "graph": _graph,
    "env": _env,
}
