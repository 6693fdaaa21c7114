"""The files that are made from a service: what stands in them, and whether they are out of date."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import cast

from hardy.app import described, openapi
from hardy.config import env_example, reference
from hardy.core import BuildFailed, Diagnostic, Operation, Place
from hardy.tools.cli._style import complain, note
from hardy.tools.cli._target import Target

KINDS = ("proto", "openapi", "env-example", "config-docs")
_DRIFT = {"H0620", "H0622", "H0623"}
"""What `hardy gen proto` is there to mend."""
_SHOWN = 12
"""Differences that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Generated:
    """A file as it should be."""

    kind: str
    path: Path
    text: str

    @property
    def shown_path(self) -> str:
        """The path as seen from here."""
        here = Path.cwd()
        path = self.path.absolute()
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

    def is_stale(self) -> bool:
        """Tell whether the file is absent, or is not what it should be."""
        return not self.path.is_file() or self.path.read_text(encoding="utf-8") != self.text

    def write(self) -> None:
        """Write it, with the folders it needs."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.text, encoding="utf-8")

    def stale(self) -> Diagnostic:
        """Return the diagnostic for a file that is out of date, naming what differs."""
        if not self.path.is_file():
            body: Sequence[str] = ("- the file is not there",)
        else:
            found = self._differences()
            body = found[:_SHOWN] + ([f"- and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])
        return Diagnostic(
            code="H0670",
            title=f"`{self.shown_path}` does not match the code",
            place=Place(self.shown_path),
            body=tuple(body),
            helps=(f"run `hardy gen {self.kind}` and commit what it writes",),
        )

    def _differences(self) -> list[str]:
        before = self.path.read_text(encoding="utf-8")
        if self.path.suffix == ".json":
            try:
                return list(_changes("", json.loads(before), json.loads(self.text))) or ["- the layout differs"]
            except ValueError:
                return ["- the file is no JSON"]
        lines = unified_diff(before.splitlines(), self.text.splitlines(), n=0, lineterm="")
        return [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]


def _changes(pointer: str, before: object, after: object) -> Sequence[str]:
    """Return what differs between two JSON documents, by JSON pointer, as deep as both are alike."""
    if before == after:
        return []
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [f"- {pointer or '/'} differs"]
    old, new = cast("dict[str, object]", before), cast("dict[str, object]", after)
    found: list[str] = []
    for name in [*old, *(name for name in new if name not in old)]:
        below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in new:
            found.append(f"- {below} is gone from the code")
        elif name not in old:
            found.append(f"- {below} is new in the code")
        else:
            found += _changes(below, old[name], new[name])
    return found


def _openapi(target: Target) -> str:
    target = target.for_development()
    sound(target)
    return json.dumps(openapi(target.app), indent=2, ensure_ascii=False) + "\n"


_MADE: Mapping[str, tuple[str, Callable[[Target], str]]] = {
    "openapi": ("openapi.json", _openapi),
    "env-example": (".env.example", lambda target: env_example(target.settings_class)),
    "config-docs": ("docs/settings.md", lambda target: reference(target.settings_class)),
}


def made_by(kind: str, target: Target) -> Generated:
    """Return the file of one *kind*, at its usual place.

    Raises:
        BuildFailed: The service is not sound.
    """
    place, make = _MADE[kind]
    return Generated(kind, Path(place), make(target))


def sound(target: Target) -> None:
    """Refuse to describe a service that is not sound: what is left out for a fault would be taken for removed.

    Raises:
        BuildFailed: It has faults beside files that are out of date.
    """
    if faults := [each for each in target.app.check() if each.code not in _DRIFT]:
        raise BuildFailed(faults)


def routes_of(target: Target) -> Callable[[Operation], Sequence[str]]:
    """Return what tells the routes of an operation, for the comments of its method: ``POST /orders``."""
    routes: dict[str, list[str]] = {}
    for each in described(target.app, "http"):
        facts = each.binding.describe()
        routes.setdefault(each.operation.name, []).append(f"{facts['method']} {facts['path']}")
    return lambda operation: routes.get(operation.name, ())


def generate_proto(target: Target, *, check: bool, out: Path | None = None, show: bool = False) -> int:
    """Write the .proto files of the service, or with *check* tell what is out of date; return the exit code.

    Args:
        out: The folder to write below, by package: ``orders/v1/orders.proto``.
        show: Print the text instead, as it would be without a checked-in file.

    Raises:
        BuildFailed: The service is not sound, or a service names no file.
    """
    from hardy.schema import proto
    from hardy.transport import grpc

    sound(target)
    files = grpc.proto_files(described(target.app), comment=routes_of(target))
    if show:
        for file in files:
            print(proto.Contract.open(file.services, file.path, production=False).text(), end="")
        return 0
    if out is None and (homeless := [file for file in files if file.path is None]):
        raise BuildFailed([_homeless(each.services[0].name) for each in homeless])
    code = 0
    for file in files:
        path = file.path if out is None else out / _path_of(file.services[0].name)
        assert path is not None
        report = proto.generate(file.services, path, check=check)
        shown = Generated("proto", path, "").shown_path
        for fault in report.diagnostics():
            complain(fault.render())
        if report.written:
            note("\n".join([f"wrote {shown} and {path.stem}.binpb", *(f"  {each}" for each in report.changes)]))
        elif not report.drift:
            note(f"{shown} is up to date")
        code = max(code, report.exit_code)
    if not files:
        note("nothing is exposed over gRPC")
    return code


def _path_of(service: str) -> Path:
    *package, name = service.split(".")
    return Path(*package) / f"{name.lower()}.proto"


def _homeless(service: str) -> Diagnostic:
    *package, name = service.split(".")
    file = "/".join(["proto", *package, f"{name.lower()}.proto"])
    return Diagnostic(
        code="H0671",
        title=f"`{service}` names no .proto file",
        helps=(
            f'say where it is kept: grpc.service("{service}", proto=Path(__file__).parent / "{file}")',
            "or write it somewhere once: hardy gen proto --out proto",
        ),
    )
