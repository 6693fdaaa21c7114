"""Writes the .proto and its descriptor set, or says what writing would change."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError

from hardy.core import Diagnostic, Place
from hardy.schema.proto._changes import Change, Changes
from hardy.schema.proto._draft import draft
from hardy.schema.proto._numbers import number
from hardy.schema.proto._protoc import compile_proto, lines_of, own_file, without_source
from hardy.schema.proto._service import Service
from hardy.schema.proto._text import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `generate` did, or with ``check=True`` would do."""

    path: Path
    changes: tuple[Change, ...]
    drift: bool
    """Whether the checked-in files are not what the code asks for; comments count."""
    written: bool = False

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that somebody built from the checked-in file would misunderstand."""
        return tuple(each for each in self.changes if each.breaking)

    @property
    def exit_code(self) -> int:
        """What ``hardy gen proto`` ends with: 1 for drift that was only looked at."""
        return int(self.drift and not self.written)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return the drift (H0620) and each breaking change (H0622); nothing when all is in step."""
        if not self.drift:
            return ()
        named = [
            Diagnostic(
                code="H0622",
                title=f"breaking: {each.text}",
                place=each.place,
                helps=("keep it beside the new one until nobody uses it, or go on as a new version of the package",),
                severity="warning" if self.written else "error",
            )
            for each in self.breaking
        ]
        return (*(() if self.written else (drift_of(self.path, self.changes),)), *named)


def drift_of(path: Path, changes: Sequence[Change]) -> Diagnostic:
    """Return the fault of a file that does not say what the code says."""
    return Diagnostic(
        code="H0620",
        title=f"`{path.name}` does not match the code",
        place=Place(str(path)),
        body=tuple(f"- {each}" for each in changes) or ("- comments or layout differ",),
        helps=(
            "run `hardy gen proto` and commit what it writes",
            "a name changed in the code? rename it in the .proto by hand first, so that it keeps its number",
        ),
    )


def generate(services: Sequence[Service], proto_path: str | os.PathLike[str], *, check: bool = False) -> Report:
    """Write the .proto of *services*, and the descriptor set beside it.

    The file at *proto_path*, when there is one, owns the numbers of fields,
    enum values and members of a ``oneof``: what it names keeps its number,
    what is new is appended, what is gone becomes ``reserved``. Both files are
    replaced at once and only when protoc accepts the result.

    Args:
        services: All of one package; a file holds one package.
        proto_path: Where the .proto is, such as ``proto/orders/v1/orders.proto``;
            the descriptor set lies beside it as ``orders.binpb``.
        check: Whether to write nothing and only to report.

    Raises:
        BuildFailed: A type has no form in proto (H0621), the services do not
            fit one file (H0625), or the file does not compile (H0606, H0624).
        ImportError: grpcio-tools is not installed.
        OSError: A file cannot be read or written.
    """
    path = Path(proto_path)
    name = canonical_name(services, path)
    wanted = draft(services, file_name=name)
    before = path.read_text(encoding="utf-8") if path.exists() else None
    known: FileDescriptorSet | None = None
    binpb = path.with_suffix(".binpb")
    changes = Changes({}, str(path))
    if before is None:
        changes.add(f"the file `{path.name}` is new")
    else:
        known = compile_proto(before, name=name, shown_as=path)
        old = own_file(known, name)
        changes = Changes(lines_of(old), str(path))
        number(wanted.file, old, changes)
        if not _says(binpb, without_source(known)):
            changes.add(f"`{binpb.name}` does not say what `{path.name}` says")
    text = text_of(wanted.file, wanted.comments)
    fresh = known if known is not None and text == before else compile_proto(text, name=name, shown_as=path)
    compiled = without_source(fresh)
    drift = text != before or not _says(binpb, compiled)
    if drift and not check:
        _write({path: text.encode(), binpb: compiled.SerializeToString(deterministic=True)})
    return Report(path=path, changes=tuple(changes.found), drift=drift, written=drift and not check)


def canonical_name(services: Sequence[Service], path: Path) -> str:
    """Return the name under which others import the file: its package as folders, as buf wants it."""
    package = services[0].package if services else ""
    return "/".join([*package.split("."), path.with_suffix(".proto").name]) if package else path.name


def _says(binpb: Path, compiled: FileDescriptorSet) -> bool:
    try:
        return FileDescriptorSet.FromString(binpb.read_bytes()) == compiled
    except (FileNotFoundError, DecodeError):
        return False


def _write(files: dict[Path, bytes]) -> None:
    """Put every file in place by renaming, after all of them were written in full."""
    ready: list[tuple[str, Path]] = []
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            ready.append((temporary, path))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, 0o644)  # noqa: PTH101  # mkstemp makes it 0600; it is a source file
        for temporary, path in ready:
            os.replace(temporary, path)  # noqa: PTH105  # as above
    finally:
        for temporary, _ in ready:
            Path(temporary).unlink(missing_ok=True)
