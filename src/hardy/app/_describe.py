"""The whole service as one JSON document."""

from hardy.app._app import App, Exposure
from hardy.app._wiring import Wiring
from hardy.auth import rule_name
from hardy.core import Operation, Place

BUILT_IN = ("log", "recover", "deadline", "authenticate", "allow", "decode")
"""The built-in links of every chain before the user's own, outermost first."""


def describe(app: App) -> dict[str, object]:
    """Return what *app* consists of as plain data; nothing is opened or called."""
    return {
        "service": app.name,
        "environment": app.settings.environment,
        "operations": [_operation(app, each) for each in app.exposures],
        "components": [_name(each) for each in app.components],
        "providers": [
            {"factory": _name(each.factory), "scope": each.scope, "place": _place(each.factory)}
            for each in app.provided
        ],
        "ports": Wiring(app).container.describe(),
        "authenticators": [_name(each) for each in app.authenticators],
        "mounts": [each.path for each in app.mounts],
    }


def _operation(app: App, exposure: Exposure) -> dict[str, object]:
    operation = exposure.operation
    return {
        "name": operation.name,
        "kind": operation.kind.value,
        "summary": operation.summary,
        "place": operation.place.location if operation.place else None,
        "message": _name(operation.message),
        "reply": _name(operation.reply),
        "needs": {need.name: _name(need.type) for need in operation.needs},
        "allow": rule_name(operation.allow) if operation.allow else None,
        "raises": [error.reason or error.code.name for error in operation.raises],
        "timeout": operation.timeout if operation.timeout is not None else app.settings.limits.timeout,
        "bindings": [binding.describe() for binding in exposure.bindings],
        "chain": chain_of(app, exposure),
    }


def chain_of(app: App, exposure: Exposure) -> list[str]:
    """Return the links a call of the operation goes through, outermost first."""
    own = [_name(each) for each in (*app.middleware, *exposure.middleware)]
    return [*BUILT_IN, *own, "scope", "use case", "encode"]


def _name(thing: object) -> str:
    if isinstance(thing, Operation):
        return thing.name
    name = getattr(thing, "__qualname__", None)
    if isinstance(name, str):
        return name
    # An instance is told by its class, a typing construct by what it reads like.
    return str(thing) if type(thing).__module__ == "typing" else type(thing).__qualname__


def _place(factory: object) -> str | None:
    place = Place.of(factory)
    return place.location if place else None
