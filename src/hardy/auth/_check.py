"""What can be said about an operation's rule before anybody calls."""

import inspect

from hardy.auth._rules import all_of, any_of, has_role, has_scope, is_public, parts
from hardy.core import Diagnostic, Operation, Place, Principal

_MAKERS: tuple[tuple[object, str], ...] = (
    (has_scope, 'has_scope("orders:read")'),
    (has_role, 'has_role("admin")'),
    (any_of, "any_of(signed_in, ...)"),
    (all_of, "all_of(signed_in, ...)"),
)


def check_operation(operation: Operation) -> list[Diagnostic]:
    """Return what is wrong with who may call *operation*; run at build, for each.

    Example:
        >>> async def ping() -> str: ...
        >>> [fault.code for fault in check_operation(Operation.of(ping))]
        ['H0640']
    """
    if operation.allow is None:
        return [_unsaid(operation)]
    faults = [_no_rule(operation, part) for part in parts(operation.allow) if not _is_rule(part)]
    if not faults and is_public(operation.allow):
        faults += [
            _principal_of_nobody(operation, need.name)
            for need in operation.needs
            if need.type is Principal and not need.optional
        ]
    return faults


def _is_rule(part: object) -> bool:
    if not callable(part) or isinstance(part, type) or _maker(part):
        return False
    if inspect.isasyncgenfunction(part) or inspect.isgeneratorfunction(part):
        return False
    try:
        inspect.signature(part).bind(None)
    except TypeError:
        return False
    except ValueError:  # a callable of an extension module that does not tell its parameters
        return True
    return True


def _maker(part: object) -> str:
    """What to type, when *part* makes rules and is none."""
    return next((text for function, text in _MAKERS if function is part), "")


def _unsaid(operation: Operation) -> Diagnostic:
    return Diagnostic(
        code="H0640",
        title=f"nobody said who may call `{operation.name}`",
        place=operation.place,
        helps=(
            f"app.expose({operation.name}, ..., allow=signed_in)",
            f"app.expose({operation.name}, ..., allow=public)   # when it is open to everybody",
        ),
    )


def _no_rule(operation: Operation, part: object) -> Diagnostic:
    maker = _maker(part)
    word = getattr(part, "__name__", None) or repr(part)
    if maker:
        title, remedy = f"`{word}` is not a rule until it is called", f"allow={maker}"
    else:
        title = f"`{word}` given as allow= of `{operation.name}` is not a rule"
        remedy = "async def owns_order(call: Call) -> bool: ..."
    return Diagnostic(
        code="H0641",
        title=title,
        place=Place.of(part) or operation.place,
        notes=("a rule takes the call and returns True or False, or is an async function that does",),
        helps=(remedy,),
    )


def _principal_of_nobody(operation: Operation, need: str) -> Diagnostic:
    return Diagnostic(
        code="H0642",
        title=f"`{operation.name}` is public, yet needs to know who is calling",
        place=Place.of(operation.function, highlight=f"{need}: Principal") or operation.place,
        label="there may be nobody",
        helps=(f"{need}: Principal | None", "allow=signed_in"),
    )
