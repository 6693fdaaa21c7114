"""Rules: who may call. Plain functions of the call, and ways to put them together."""

import inspect
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import ClassVar

from hardy.core import Call, Rule

OUTSIDE = frozenset({"http", "grpc", "asgi", "websocket"})
"""Transports on which strangers knock."""


def public(call: Call) -> bool:
    """Allow everybody, known or not."""
    return True


def signed_in(call: Call) -> bool:
    """Allow whoever is known, whatever they may do."""
    return call.principal is not None


def internal(call: Call) -> bool:
    """Allow the service's own doors only: topics, schedules, jobs, commands.

    The principal must be a service and the call must not have come over a
    transport that strangers reach, so that a stolen service token opens nothing.
    """
    return call.principal is not None and call.principal.kind == "service" and call.transport not in OUTSIDE


@dataclass(frozen=True, slots=True)
class _HasScope:
    words: frozenset[str]
    __name__: ClassVar[str] = "has_scope"

    def __call__(self, call: Call) -> bool:
        return call.principal is not None and self.words <= call.principal.scopes


@dataclass(frozen=True, slots=True)
class _HasRole:
    words: frozenset[str]
    __name__: ClassVar[str] = "has_role"

    def __call__(self, call: Call) -> bool:
        return call.principal is not None and self.words <= call.principal.roles


@dataclass(frozen=True, slots=True)
class _Combined:
    """Rules in order, until one says *enough*; waits only for a rule that has to be waited for."""

    rules: tuple[Rule, ...]
    enough: bool
    __name__: str

    def __call__(self, call: Call) -> "bool | Awaitable[bool]":
        for place, rule in enumerate(self.rules):
            answer = rule(call)
            if inspect.isawaitable(answer):
                return self._await(call, place, answer)
            if verdict(rule, answer) is self.enough:
                return self.enough
        return not self.enough

    async def _await(self, call: Call, place: int, answer: Awaitable[object]) -> bool:
        if verdict(self.rules[place], await answer) is self.enough:
            return self.enough
        for rule in self.rules[place + 1 :]:
            if await decide(rule, call) is self.enough:
                return self.enough
        return not self.enough


async def decide(rule: Rule, call: Call) -> bool:
    """Ask *rule*, waiting when it has to be waited for."""
    answer: object = rule(call)
    if inspect.isawaitable(answer):
        answer = await answer
    return verdict(rule, answer)


def verdict(rule: Rule, answer: object) -> bool:
    """Return a rule's *answer*; ``None``, what a forgotten ``return`` gives, refuses.

    Raises:
        TypeError: It is no answer: truthy things, such as a generator somebody
            forgot to run, must not open a door.
    """
    if answer is True:
        return True
    if answer is False or answer is None:
        return False
    raise TypeError(f"the rule {rule_name(rule)} answered with {type(answer).__name__}; a rule returns True or False")


def has_scope(scope: str, /, *more: str) -> Rule:
    """Allow a principal whose credentials were given for *scope*, and for *more*.

    Example:
        >>> rule_name(has_scope("orders:read"))
        "has_scope('orders:read')"
    """
    return _HasScope(frozenset({scope, *more}))


def has_role(role: str, /, *more: str) -> Rule:
    """Allow a principal that has *role*, and *more*.

    Example:
        >>> rule_name(any_of(has_role("admin"), signed_in))
        "any_of(has_role('admin'), signed_in)"
    """
    return _HasRole(frozenset({role, *more}))


def any_of(rule: Rule, /, *more: Rule) -> Rule:
    """Allow when one of the rules does; they are asked in order, until one does."""
    return _Combined((rule, *more), True, "any_of")


def all_of(rule: Rule, /, *more: Rule) -> Rule:
    """Allow when all of the rules do; they are asked in order, until one does not."""
    return _Combined((rule, *more), False, "all_of")


def rule_name(rule: Rule) -> str:
    """Return *rule* as one would write it."""
    name: str = getattr(rule, "__name__", None) or type(rule).__name__
    if isinstance(rule, _HasScope | _HasRole):
        return f"{name}({', '.join(map(repr, sorted(rule.words)))})"
    if isinstance(rule, _Combined):
        return f"{name}({', '.join(map(rule_name, rule.rules))})"
    return name


def is_public(rule: Rule | None) -> bool:
    """Tell whether *rule* lets everybody in."""
    if isinstance(rule, _Combined):
        return (any if rule.enough else all)(map(is_public, rule.rules))
    return rule is public


def is_internal(rule: Rule | None) -> bool:
    """Tell whether *rule* lets nobody in from outside."""
    if isinstance(rule, _Combined):
        return (all if rule.enough else any)(map(is_internal, rule.rules))
    return rule is internal


def parts(rule: object) -> list[object]:
    """Return *rule*, and what it is put together from."""
    inner = rule.rules if isinstance(rule, _Combined) else ()
    return [rule, *(part for each in inner for part in parts(each))]
