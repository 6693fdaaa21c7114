"""The graph of needs as a tree, and as a Mermaid diagram."""

from collections.abc import Iterator, Mapping
from typing import cast

Graph = Mapping[str, object]


def _ports(described: Graph) -> dict[str, dict[str, object]]:
    return cast("dict[str, dict[str, object]]", described["ports"])


def _operations(described: Graph) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", described["operations"])


def _needs(node: Mapping[str, object]) -> list[str]:
    return list(cast("dict[str, str]", node.get("needs", {})).values())


def tree(described: Graph) -> str:
    """Return each operation with what it needs, and what makes that, down to the end.

    Args:
        described: What ``app.describe()`` returns.
    """
    ports = _ports(described)
    lines: list[str] = []
    for operation in _operations(described):
        place = operation["place"]
        lines.append(f"{operation['name']}{f'   {place}' if place else ''}")
        lines += _branches(_needs(operation), ports, "")
    return "\n".join(lines)


def _branches(needs: list[str], ports: Mapping[str, Mapping[str, object]], indent: str) -> Iterator[str]:
    for number, port in enumerate(needs, 1):
        last = number == len(needs)
        entry = ports.get(port, {})
        place = str(entry.get("place") or "")
        place = "" if place.startswith("/") else place  # a library's: it is told by its name
        facts = f"{entry.get('source', '?')}, once per {entry.get('scope', '?')}{f'   {place}' if place else ''}"
        yield f"{indent}{'└─' if last else '├─'} {port}   {facts}"
        yield from _branches(_needs(entry), ports, indent + ("   " if last else "│  "))


def mermaid(described: Graph) -> str:
    """Return the graph as a Mermaid flow chart; an arrow goes from what needs to what is needed."""
    ports = _ports(described)
    lines = ["flowchart LR"]
    pending: list[str] = []
    for operation in _operations(described):
        name = str(operation["name"])
        lines.append(f'    {name}(["{name}"])')
        for port in _needs(operation):
            lines.append(f"    {name} --> {_id(port)}")
            pending.append(port)
    seen: set[str] = set()
    while pending:
        port = pending.pop(0)
        if port in seen:
            continue
        seen.add(port)
        entry = ports.get(port, {})
        lines.append(f'    {_id(port)}["{_text(port)}<br/>{_text(str(entry.get("source", "?")))}"]')
        for need in _needs(entry):
            lines.append(f"    {_id(port)} --> {_id(need)}")
            pending.append(need)
    return "\n".join(lines)


def _id(port: str) -> str:
    return "port_" + "".join(letter if letter.isalnum() else "_" for letter in port)


def _text(port: str) -> str:
    return port.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
