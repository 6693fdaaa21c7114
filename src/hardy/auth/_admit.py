"""The middleware that authenticates and asks the operation's rule."""

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable

from hardy.auth._authenticator import Authenticator
from hardy.auth._rules import is_public, verdict
from hardy.core import Call, Handler, Layer, PermissionDenied, Principal, Rule, Unauthenticated


def admit(
    authenticators: Sequence[Authenticator] = (), *, between: Callable[[Call], Awaitable[None]] | None = None
) -> Layer:
    """Make the middleware that lets a call in, or answers 401 or 403.

    The authenticators are asked in order and the first principal is taken; a
    call that has one already (a job, a test) keeps it. Then the operation's
    ``allow=`` decides. Nobody known and refused is `Unauthenticated`, somebody
    known and refused is `PermissionDenied`, an operation without a rule is
    refused to all.

    Credentials that are not valid are refused, except by a public operation
    that has no `Principal` need: nobody should be kept from signing in by the
    expired token they are about to replace.

    Args:
        authenticators: With none, only calls that bring their principal have one.
        between: Asked once the principal is known and before the rule is; it may refuse the call.

    Example:
        >>> import asyncio
        >>> from hardy.auth import public
        >>> from hardy.core import Call, Operation
        >>> async def ping() -> str: ...
        >>> async def use_case(call):
        ...     return "pong"
        >>> call = Call(Operation.of(ping).with_options(allow=public), "http")
        >>> asyncio.run(admit()(call, use_case))
        'pong'
    """
    kinds = tuple(authenticators)

    def around(proceed: Handler) -> Handler:
        def admitting(call: Call) -> Awaitable[object]:
            if between is not None or (kinds and call.principal is None):
                return authenticating(call, proceed)
            # Most rules say it at once, and cost no coroutine.
            rule = call.operation.allow
            answer = None if rule is None else rule(call)
            return proceed(call) if answer is True else _when_allowed(rule, answer, call, proceed)

        return admitting

    async def authenticating(call: Call, proceed: Handler) -> object:
        principal = await _authenticate(kinds, call) if kinds and call.principal is None else None
        if principal is not None:
            call.principal = principal
        if between is not None:
            await between(call)
        rule = call.operation.allow
        return await _when_allowed(rule, None if rule is None else rule(call), call, proceed)

    return Layer(around)


async def _when_allowed(rule: Rule | None, answer: object, call: Call, proceed: Handler) -> object:
    """Go on when the *answer* of the *rule* is yes, or becomes it."""
    if rule is None:
        raise _refusal(call)
    if isawaitable(answer):
        answer = await answer
    if not verdict(rule, answer):
        raise _refusal(call)
    return await proceed(call)


async def _authenticate(kinds: tuple[Authenticator, ...], call: Call) -> Principal | None:
    try:
        for kind in kinds:
            principal = await kind.authenticate(call)
            if principal is not None:
                return principal
    except Unauthenticated as error:
        if not is_public(call.operation.allow) or any(need.type is Principal for need in call.operation.needs):
            raise
        call.log.debug("credentials ignored on a public operation", why=error.message)
    return None


def _refusal(call: Call) -> PermissionDenied | Unauthenticated:
    if call.principal is None:
        return Unauthenticated("this call needs credentials")
    return PermissionDenied(f"not allowed to call {call.operation.name}")
