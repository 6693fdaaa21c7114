"""Reads .proto files with the protoc that grpcio-tools carries."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from hardy.core import BuildFailed, Diagnostic, Place
from hardy.schema.proto._changes import Path as DescriptorPath
from hardy.schema.proto._extra import require_protoc

_ERROR = re.compile(r"^[^:\n]+:(\d+):(\d+): (.+)$", re.MULTILINE)


def compile_proto(text: str, *, name: str, shown_as: Path) -> FileDescriptorSet:
    """Return what protoc makes of *text*: the file, with what it imports before it.

    Args:
        name: The file's canonical name, ``orders/v1/orders.proto``.
        shown_as: Where the text comes from, for the places of its faults.

    Raises:
        BuildFailed: protoc refuses it: a number used twice or in spite of its
            reservation is H0606, anything else H0624.
        ImportError: grpcio-tools is not installed.
    """
    require_protoc()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        out = Path(folder, "out.binpb")
        done = subprocess.run(  # noqa: S603  # our own interpreter, our own arguments
            [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", "--include_imports", "--include_source_info",
             f"--descriptor_set_out={out}", name],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            raise BuildFailed(_faults(done.stderr, shown_as))
        return FileDescriptorSet.FromString(out.read_bytes())


def _faults(output: str, shown_as: Path) -> list[Diagnostic]:
    found = [_fault(int(line), detail, shown_as) for line, _, detail in _ERROR.findall(output)]
    return found or [
        Diagnostic(code="H0624", title=f"`{shown_as.name}` does not compile", body=tuple(output.strip().splitlines()))
    ]


def _fault(line: int, detail: str, shown_as: Path) -> Diagnostic:
    place = Place.of_line(str(shown_as), line)
    detail = detail.rstrip(".")
    if "has already been used" in detail or "uses reserved number" in detail:
        return Diagnostic(
            code="H0606",
            title=f"`{shown_as.name}` uses a number twice",
            place=place,
            notes=(detail,),
            helps=("take the line out and run `hardy gen proto`, which gives it a number that nothing ever had",),
        )
    return Diagnostic(
        code="H0624",
        title=f"`{shown_as.name}` does not compile",
        place=place,
        notes=(detail,),
        helps=("take back the last change made by hand, or correct it, then run `hardy gen proto`",),
    )


def own_file(compiled: FileDescriptorSet, name: str) -> FileDescriptorProto:
    """Return the file called *name*, or the last, which is the one that imports the others."""
    return next((each for each in compiled.file if each.name == name), compiled.file[-1])


def lines_of(file: FileDescriptorProto) -> dict[DescriptorPath, int]:
    """Return the line, from 1, of everything in *file*."""
    return {tuple(each.path): each.span[0] + 1 for each in file.source_code_info.location}


def without_source(compiled: FileDescriptorSet) -> FileDescriptorSet:
    """Return *compiled* without comments and positions: what the server needs."""
    bare = FileDescriptorSet()
    bare.CopyFrom(compiled)
    for each in bare.file:
        each.ClearField("source_code_info")
    return bare
