"""What is written about a service for those outside, from its ``expose`` lines alone."""

from hardy.app._parts import Parts
from hardy.core import Call, Exposed
from hardy.transport import http


async def _unserved(call: Call) -> object:
    raise RuntimeError(f"{call.operation.name} is described, not served")


def described(app: Parts, transport: str = "") -> list[Exposed]:
    """Return what *app* exposes, to be documented, examined or called from outside; it cannot be served.

    Args:
        app: It need not be sound.
        transport: Only what is bound to this one; everything when left out.

    Example:
        >>> from hardy.app import App
        >>> described(App("hello"))
        []
    """
    return [
        Exposed(each.operation, binding, _unserved)
        for each in app.exposures
        for binding in each.bindings
        if transport in {"", binding.transport}
    ]


def openapi(app: Parts) -> dict[str, object]:
    """Return the OpenAPI 3.1 document of *app*: what ``/openapi.json`` answers and ``hardy gen openapi`` writes."""
    schemes = {type(each).__name__.lower(): each.scheme() for each in app.authenticators}
    return http.openapi(described(app), title=app.name, version=app.version, json_case=app.json_case, security=schemes)
