"""What the server and the client need of the proto: classes, paths and converters."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from google.protobuf import duration_pb2, empty_pb2, message_factory, timestamp_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from hardy.core import BuildFailed, Diagnostic, Operation, Place
from hardy.schema.proto._changes import Changes
from hardy.schema.proto._converter import Converter, Tools
from hardy.schema.proto._draft import Draft, draft
from hardy.schema.proto._generate import canonical_name, drift_of
from hardy.schema.proto._numbers import number
from hardy.schema.proto._protoc import own_file
from hardy.schema.proto._service import Rpc, Service
from hardy.schema.proto._text import text_of

_WELL_KNOWN = (timestamp_pb2, duration_pb2, empty_pb2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One rpc, ready to be served or called."""

    path: str
    """As HTTP/2 has it: ``/orders.v1.Orders/PlaceOrder``."""
    operation: Operation
    message: Converter[object]
    """Of one item, where the message is a stream."""
    reply: Converter[object]
    """Of one item, where the reply is a stream."""


class Contract:
    """The proto form of services, with its numbers, in a descriptor pool of its own.

    Made once, at build, by `declare`, `load` or `open`.
    """

    def __init__(self, services: Sequence[Service], made: Draft, files: FileDescriptorSet) -> None:
        self.services = tuple(services)
        self._draft = made
        self._files = files
        self.pool = DescriptorPool()
        """Holds these files and no others: two contracts never clash."""
        for each in files.file:
            try:
                self.pool.AddSerializedFile(each.SerializeToString())
            except TypeError as error:
                raise BuildFailed([_unusable(each.name, error)]) from error

    @classmethod
    def declare(cls, services: Sequence[Service]) -> "Contract":
        """Return the contract numbered in the order of declaration: for development and tests only.

        Raises:
            BuildFailed: A type has no form in proto (H0621), or the services do
                not fit one file (H0625).
        """
        made = draft(services, file_name=_declared_name(services))
        return cls(services, made, _with_imports(made.file))

    @classmethod
    def load(cls, binpb_path: str | os.PathLike[str], services: Sequence[Service]) -> "Contract":
        """Return the contract with the numbers of a checked-in descriptor set.

        Raises:
            BuildFailed: It is missing (H0623), or says something else than the
                code (H0620), or as `declare`.
        """
        path = Path(binpb_path)
        made = draft(services, file_name=canonical_name(services, path))
        files = _read(path)
        changes = Changes({}, str(path))
        number(made.file, own_file(files, made.file.name), changes)
        if changes.found:
            raise BuildFailed([drift_of(path.with_suffix(".proto"), changes.found)])
        return cls(services, made, files)

    @classmethod
    def open(
        cls, services: Sequence[Service], proto_path: str | os.PathLike[str] | None, *, production: bool
    ) -> "Contract":
        """Return the contract of the .proto at *proto_path*, or a declared one where that is allowed.

        Args:
            services: All of one package.
            proto_path: The checked-in .proto, its descriptor set beside it.
            production: Whether numbers that nothing holds fast are refused.

        Raises:
            BuildFailed: There is no file in production (H0623), or as `load`.
        """
        if proto_path is not None:
            path = Path(proto_path)
            binpb = path.with_suffix(".binpb")
            if production or path.exists() or binpb.exists():
                return cls.load(binpb, services)
        elif production:
            raise BuildFailed([_unowned(services)])
        return cls.declare(services)

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """Every rpc of every service, with its converters; made at the first use."""
        tools = Tools()
        return tuple(self._method(service, rpc, tools) for service in self.services for rpc in service.rpcs)

    def _method(self, service: Service, rpc: Rpc, tools: Tools) -> Method:
        described = self.pool.FindMethodByName(f"{service.name}.{rpc.name}")
        message, reply = (
            message_factory.GetMessageClass(each) for each in (described.input_type, described.output_type)
        )
        return Method(
            path=f"/{service.name}/{rpc.name}",
            operation=rpc.operation,
            message=tools.converter(rpc.operation.message, message),
            reply=tools.converter(rpc.operation.reply, reply),
        )

    def text(self) -> str:
        """Return the .proto."""
        return text_of(self._draft.file, self._draft.comments)

    def descriptor_set(self) -> bytes:
        """Return the serialized ``FileDescriptorSet``, imports included, as reflection serves it."""
        return self._files.SerializeToString(deterministic=True)

    def message_class(self, name: str) -> type[Message]:
        """Return the class of a message by its full name, ``orders.v1.Order``.

        Raises:
            KeyError: There is none.
        """
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))


def _declared_name(services: Sequence[Service]) -> str:
    return canonical_name(services, Path(f"{_stem(services[0].package if services else '')}.proto"))


def _stem(package: str) -> str:
    """Return what a package's file is called: ``acme.orders.v1`` has ``orders.proto``."""
    words = [each for each in package.split(".") if each and not re.fullmatch(r"v\d+\w*", each)]
    return words[-1] if words else "service"


def _with_imports(file: FileDescriptorProto) -> FileDescriptorSet:
    files = FileDescriptorSet()
    for each in _WELL_KNOWN:
        if each.DESCRIPTOR.name in file.dependency:
            each.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.add().CopyFrom(file)
    return files


def _read(path: Path) -> FileDescriptorSet:
    try:
        files = FileDescriptorSet.FromString(path.read_bytes())
    except (FileNotFoundError, DecodeError) as error:
        missing = isinstance(error, FileNotFoundError)
        raise BuildFailed([_unreadable(path, "is missing" if missing else "is no descriptor set")]) from error
    if not files.file:
        raise BuildFailed([_unreadable(path, "is empty")])
    return files


def _unusable(name: str, error: TypeError) -> Diagnostic:
    return Diagnostic(
        code="H0624",
        title=f"`{name}` does not compile",
        notes=(str(error),),
        helps=("two names clash once they are written as proto wants them; rename one in the code",),
    )


def _unreadable(path: Path, what: str) -> Diagnostic:
    return Diagnostic(
        code="H0623",
        title=f"`{path.name}` {what}",
        place=Place(str(path)),
        notes=("the server takes the numbers of its proto from there",),
        helps=("run `hardy gen proto` and commit both files it writes", "make sure they are packaged as data"),
    )


def _unowned(services: Sequence[Service]) -> Diagnostic:
    name = services[0].name if services else ""
    package = services[0].package if services else ""
    file = "/".join(["proto", *package.split("."), f"{_stem(package)}.proto"])
    return Diagnostic(
        code="H0623",
        title=f"`{name}` has no .proto that owns its numbers",
        place=next((rpc.operation.place for each in services for rpc in each.rpcs), None),
        notes=("numbers in the order of declaration change with the code; production refuses them",),
        helps=(f'write `grpc.service("{name}", proto=Path(__file__).parent / "{file}")`', "run `hardy gen proto`"),
    )
