"""The whole service as one JSON document."""

import typing

from hardy.app._parts import Exposure, Parts
from hardy.app._policies import limits_on
from hardy.app._wiring import Wiring
from hardy.auth import rule_name
from hardy.core import Place

BUILT_IN = ("log", "recover", "deadline", "shed", "authenticate", "allow", "decode")
"""The built-in links of every chain before the user's own, outermost first."""


def describe(app: Parts) -> dict[str, object]:
    """Return what *app* consists of as plain data; nothing is opened or called."""
    return {
        "service": app.name,
        "version": app.version,
        "environment": app.settings.environment,
        "operations": [_operation(app, each) for each in app.exposures],
        "components": [name_of(each) for each in app.components],
        "providers": [
            {"factory": name_of(each.factory), "scope": each.scope, "place": _place(each.factory)}
            for each in app.provided
        ],
        "ports": Wiring(app).container.describe(),
        "authenticators": [name_of(each) for each in app.authenticators],
        "mounts": [each.path for each in app.mounts],
    }


def _operation(app: Parts, exposure: Exposure) -> dict[str, object]:
    operation = exposure.operation
    return {
        "name": operation.name,
        "kind": operation.kind.value,
        "summary": operation.summary,
        "place": operation.place.location if operation.place else None,
        "message": name_of(operation.message),
        "reply": name_of(operation.reply),
        "needs": {need.name: name_of(need.type) for need in operation.needs},
        "allow": rule_name(operation.allow) if operation.allow else None,
        "raises": [error.reason or error.code.name for error in operation.raises],
        "timeout": operation.timeout if operation.timeout is not None else app.settings.limits.timeout,
        "bindings": [binding.describe() for binding in exposure.bindings],
        "limits": [limit.describe() for _, limit in limits_on(app, exposure)],
        "idempotency": operation.idempotency,
        "chain": chain_of(app, exposure),
    }


def chain_of(app: Parts, exposure: Exposure) -> list[str]:
    """Return the links a call of the operation goes through, outermost first."""
    own = [name_of(each) for each in (*app.middleware, *exposure.middleware)]
    before = built_in(app)
    limits = limits_on(app, exposure)
    for stage, link in (("principal", "allow"), ("address", "authenticate")):
        if any(limit.stage == stage for _, limit in limits):
            before.insert(before.index(link), f"limit({stage})")
    once = ["idempotency"] if exposure.operation.idempotency else []
    return [*before, *own, "scope", *once, "use case", "encode"]


def built_in(app: Parts) -> list[str]:
    """Return the links before the user's own that are switched on."""
    return [each for each in BUILT_IN if each != "shed" or app.settings.limits.shed]


def name_of(thing: object) -> str:
    """Return what *thing* is called: functions and classes by their name, instances by their class.

    Example:
        >>> from hardy.app import App
        >>> name_of(App), name_of(App("hello")), name_of(list[int])
        ('App', 'App', 'list[int]')
    """
    if typing.get_origin(thing) is not None or (type(thing).__module__ == "typing" and not isinstance(thing, type)):
        return str(thing).replace("typing.", "")  # a type that is put together says itself
    name = getattr(thing, "__qualname__", None)
    return name if isinstance(name, str) else type(thing).__qualname__


def _place(factory: object) -> str | None:
    place = Place.of(factory)
    return place.location if place else None
