"""Routes of another service, by the method of the port that calls them."""

from collections.abc import Mapping
from dataclasses import dataclass

from hardy.schema import JsonCase
from hardy.transport.http._route import Route


@dataclass(frozen=True, slots=True)
class RemoteRoutes:
    """Which route each method of a port calls; made by `remote`."""

    routes: Mapping[str, Route]
    json_case: JsonCase = "snake"


def remote(routes: Mapping[str, Route], *, json_case: JsonCase = "snake") -> RemoteRoutes:
    """Say which route each method of a port calls, for `hardy.remote`.

    Args:
        routes: Method name to route.
        json_case: How the far service writes its JSON members.

    Example:
        >>> remote({"price_of": Route(method="GET", path="/prices/{sku}")}).routes["price_of"].path
        '/prices/{sku}'
    """
    return RemoteRoutes(routes, json_case)
