"""The proto form of everything that is bound to gRPC, file by file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardy.core import BuildFailed, Diagnostic, Exposed, Operation
from hardy.schema import proto
from hardy.transport.grpc._binding import Method


@dataclass(frozen=True, slots=True)
class ProtoFile:
    """One ``.proto`` file and what must stand in it."""

    path: Path | None
    """Where it is checked in; ``None`` for services without ``proto=``."""
    services: tuple[proto.Service, ...]


def proto_files(
    exposed: Iterable[Exposed], *, comment: Callable[[Operation], Sequence[str]] = lambda operation: ()
) -> tuple[ProtoFile, ...]:
    """Return the files that *exposed* is described by, one for each package.

    Args:
        comment: Lines written under the docstring of an operation's method,
            such as its routes: ``POST /orders``.
    """
    packages: dict[str, dict[str, list[proto.Rpc]]] = {}
    paths: dict[str, Path] = {}
    for operation, method in _methods(exposed):
        service = method.service
        rpcs = packages.setdefault(service.package, {}).setdefault(service.name, [])
        if all(rpc.name != method.name for rpc in rpcs):  # the second one is a fault of its own
            rpcs.append(proto.Rpc(method.name, operation, tuple(comment(operation))))
        if service.proto is not None:
            paths.setdefault(service.package, service.proto)
    files: dict[object, ProtoFile] = {}
    for package, services in packages.items():
        path = paths.get(package)
        made = tuple(proto.Service(name, tuple(rpcs)) for name, rpcs in services.items())
        # Two packages that name one file meet here, and the contract refuses them by name.
        known = files.get(path or package)
        files[path or package] = ProtoFile(path, (*(known.services if known else ()), *made))
    return tuple(files.values())


class Contracts:
    """Prepares the messages of every method, from the checked-in files or in the order of declaration.

    Args:
        exposed: Everything that is exposed, in that order; what is not bound to
            gRPC is passed over. Handlers are not called.
        environment: In ``"production"`` every service needs its ``.proto``.

    Raises:
        BuildFailed: With everything that `check` finds.
    """

    def __init__(self, exposed: Iterable[Exposed], *, environment: str = "production") -> None:
        exposed = tuple(exposed)
        faults = _clashes(exposed)
        self._contracts: list[proto.Contract] = []
        for file in proto_files(exposed):
            try:
                contract = proto.Contract.open(file.services, file.path, production=environment == "production")
            except BuildFailed as failed:
                faults += failed.diagnostics
                continue
            self._contracts.append(contract)
        if faults:
            raise BuildFailed(faults)

    def __iter__(self) -> Iterator[proto.Contract]:
        """Iterate over the contracts, one for each file."""
        return iter(self._contracts)

    @property
    def services(self) -> tuple[str, ...]:
        """The full names of all services."""
        return tuple(service.name for contract in self._contracts for service in contract.services)

    def methods(self) -> dict[str, proto.Method]:
        """Return every method with its converters, by its path; made anew at each call."""
        return {method.path: method for contract in self._contracts for method in contract.methods}


def check(exposed: Iterable[Exposed], *, environment: str = "production") -> list[Diagnostic]:
    """Return what is wrong with the methods taken together; `Method.check` looks at each alone.

    That is a method bound twice (H0647), a package that names two ``.proto``
    files (H0648), one without a file in production (H0623), and a file that
    does not say what the code says (H0620).
    """
    # What is wrong by itself has been told and would only be told again, in other words.
    sound = [each for each in exposed if not each.binding.check(each.operation)]
    try:
        Contracts(sound, environment=environment)
    except BuildFailed as failed:
        return list(failed.diagnostics)
    return []


def _methods(exposed: Iterable[Exposed]) -> list[tuple[Operation, Method]]:
    return [(each.operation, each.binding) for each in exposed if isinstance(each.binding, Method)]


def _clashes(exposed: Iterable[Exposed]) -> list[Diagnostic]:
    faults: list[Diagnostic] = []
    first: dict[str, Operation] = {}
    files: dict[str, Method] = {}
    for operation, method in _methods(exposed):
        if (known := first.setdefault(method.path, operation)) is not operation:
            faults.append(_twice(method, known, operation))
        path = method.service.proto
        if path is None:
            continue
        claimed = files.setdefault(method.service.package, method)
        if claimed.service.proto != path:
            faults.append(_two_files(claimed, method, operation))
            files[method.service.package] = method  # told once
    return faults


def _twice(method: Method, first: Operation, second: Operation) -> Diagnostic:
    return Diagnostic(
        code="H0647",
        title=f"two operations are bound to `{method.path}`",
        place=second.place,
        also=() if first.place is None else ((first.place, "bound first"),),
        notes=(f"it reaches `{first.name}` and `{second.name}`",),
        helps=(f'give one of them another name: `rpc("{_other_name(method, second)}")`',),
    )


def _other_name(method: Method, operation: Operation) -> str:
    name = "".join(word.capitalize() for word in operation.name.split("_"))
    return name if name != method.name else f"{name}2"


def _two_files(first: Method, second: Method, operation: Operation) -> Diagnostic:
    package = second.service.package
    return Diagnostic(
        code="H0648",
        title=f"the package `{package}` names two .proto files",
        place=operation.place,
        notes=tuple(f'`{each.service.name}` says proto="{each.service.proto}"' for each in (first, second)),
        helps=(
            f'give both services the same file: `grpc.service("{second.service.name}", proto="{first.service.proto}")`',
            f"or put `{second.service.name}` into a package of its own",
        ),
    )
