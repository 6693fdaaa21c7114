"""Methods: where gRPC reaches an operation, written in the ``expose`` line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from hardy.core import Diagnostic, Operation
from hardy.schema import check_type

_SERVICE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.[A-Z][A-Za-z0-9]*\Z")
_METHOD = re.compile(r"[A-Z][A-Za-z0-9]*\Z")


@dataclass(frozen=True, slots=True)
class Service:
    """A gRPC service; calling it names one of its methods.

    Example:
        >>> rpc = service("orders.v1.Orders")
        >>> rpc("PlaceOrder").path
        '/orders.v1.Orders/PlaceOrder'
    """

    name: str
    """Package and service: ``orders.v1.Orders``."""
    proto: Path | None = None
    """The checked-in ``.proto`` that owns the numbers; its descriptors lie beside it as ``.binpb``."""

    def __call__(self, method: str) -> "Method":
        """Return the binding of *method*."""
        return Method(self, method)

    @property
    def package(self) -> str:
        """The name without its last part: ``orders.v1``."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a gRPC service that reaches one operation; made by calling a `Service`."""

    service: Service
    name: str

    @property
    def transport(self) -> str:
        """Always ``"grpc"``."""
        return "grpc"

    @property
    def raw(self) -> bool:
        """Always false: bytes are HTTP's business."""
        return False

    @property
    def path(self) -> str:
        """The method's path on the wire."""
        return f"/{self.service.name}/{self.name}"

    def check(self, operation: Operation) -> Sequence[Diagnostic]:
        """Refuse names that are no proto names and types that have no proto form."""
        faults: list[Diagnostic] = []
        if not _SERVICE.match(self.service.name):
            title = f"`{self.service.name}` is no name for a gRPC service"
            helps = (f'write package and service: `grpc.service("{_suggested(self.service.name)}")`',)
            faults.append(Diagnostic(code="H0645", title=title, place=operation.place, helps=helps))
        if not _METHOD.match(self.name):
            title = f"`{self.name}` is no name for a gRPC method"
            helps = (f'write it in CamelCase: `rpc("{_camel(operation.name)}")`',)
            faults.append(Diagnostic(code="H0646", title=title, place=operation.place, helps=helps))
        faults += check_type(operation.message, what=f"the message of `{operation.name}`", place=operation.place)
        faults += check_type(operation.reply, what=f"the reply of `{operation.name}`", place=operation.place)
        return faults

    def describe(self) -> dict[str, object]:
        """Return the method as plain data."""
        return {"transport": "grpc", "service": self.service.name, "method": self.name}


def service(name: str, *, proto: "str | PathLike[str] | None" = None) -> Service:
    """Name a gRPC service.

    Args:
        name: Package and service, the package ending in a version: ``orders.v1.Orders``.
        proto: The checked-in ``.proto`` file, package data beside the code:
            ``Path(__file__).parent / "proto/orders/v1/orders.proto"``. It owns
            the numbers. Without one, numbers follow the order of declaration,
            which is refused in production.

    Example:
        >>> service("orders.v1.Orders").package
        'orders.v1'
    """
    return Service(name, None if proto is None else Path(fspath(proto)))


def _camel(name: str) -> str:
    words = (word for word in re.split(r"[^A-Za-z0-9]+", name) if word)
    return "".join(word[0].upper() + word[1:] for word in words)


def _suggested(name: str) -> str:
    *package, last = [part for part in re.split(r"[^A-Za-z0-9_]+", name) if part] or ["orders"]
    return ".".join([*(part.lower() for part in package or [last, "v1"]), _camel(last)])
