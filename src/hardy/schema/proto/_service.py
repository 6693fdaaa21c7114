"""What is exposed over gRPC: services and their rpcs."""

from dataclasses import dataclass

from hardy.core import Operation


@dataclass(frozen=True, slots=True)
class Rpc:
    """One operation as a method of a proto service."""

    name: str
    """In Pascal case: ``PlaceOrder``."""
    operation: Operation
    comment: tuple[str, ...] = ()
    """Lines written under the docstring, such as the HTTP routes: ``POST /orders``."""


@dataclass(frozen=True, slots=True)
class Service:
    """A proto service: a full name and its rpcs.

    Example:
        >>> Service("orders.v1.Orders", ()).package
        'orders.v1'
    """

    name: str
    """With its package: ``orders.v1.Orders``."""
    rpcs: tuple[Rpc, ...]

    @property
    def package(self) -> str:
        """The name without its last part."""
        return self.name.rpartition(".")[0]

    @property
    def short_name(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]
