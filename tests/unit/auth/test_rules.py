"""Rules say who may call, alone and together, with and without waiting."""

import inspect

import pytest

from hardy.auth import (
    all_of,
    any_of,
    has_role,
    has_scope,
    internal,
    is_internal,
    is_public,
    public,
    rule_name,
    signed_in,
)
from hardy.core import Call, Operation, Principal

READ = "orders:read"


async def list_orders() -> list[str]: ...


def call_of(principal: Principal | None = None, transport: str = "http") -> Call:
    call = Call(Operation.of(list_orders), transport)
    if principal is not None:
        call.principal = principal
    return call


async def answer(rule, call):
    got = rule(call)
    return await got if inspect.isawaitable(got) else got


ALICE = Principal("alice", scopes=frozenset({READ, "x"}), roles=frozenset({"admin"}))
CRON = Principal("schedule:expire", kind="service")


async def slow_yes(call):
    return True


async def slow_no(call):
    return False


@pytest.mark.parametrize(
    ("rule", "principal", "transport", "expected"),
    [
        (public, None, "http", True),
        (signed_in, None, "http", False),
        (signed_in, ALICE, "http", True),
        (internal, CRON, "schedule", True),
        (internal, CRON, "http", False),
        (internal, CRON, "grpc", False),
        (internal, CRON, "asgi", False),
        (internal, ALICE, "direct", False),
        (internal, None, "direct", False),
        (has_scope(READ), ALICE, "http", True),
        (has_scope(READ, "x"), ALICE, "http", True),
        (has_scope(READ, "y"), ALICE, "http", False),
        (has_scope(READ), None, "http", False),
        (has_scope("orders"), ALICE, "http", False),
        (has_role("admin"), ALICE, "http", True),
        (has_role("admin", "root"), ALICE, "http", False),
        (has_role("admin"), None, "http", False),
        (any_of(has_role("root"), has_scope(READ)), ALICE, "http", True),
        (any_of(has_role("root"), has_scope("y")), ALICE, "http", False),
        (all_of(signed_in, has_role("root")), ALICE, "http", False),
        (all_of(signed_in, has_role("admin")), ALICE, "http", True),
        (any_of(slow_no, slow_yes), None, "http", True),
        (any_of(slow_no, signed_in), None, "http", False),
        (all_of(slow_yes, slow_yes, signed_in), ALICE, "http", True),
        (all_of(slow_yes, slow_no), ALICE, "http", False),
        (any_of(all_of(signed_in, slow_no), all_of(slow_yes, has_scope(READ))), ALICE, "http", True),
    ],
    ids=lambda value: rule_name(value) if callable(value) else None,
)
async def test_a_rule_decides(rule, principal, transport, expected):
    assert await answer(rule, call_of(principal, transport)) is expected


def test_rules_that_need_no_waiting_are_not_waited_for():
    assert any_of(has_role("root"), all_of(signed_in, has_scope(READ)))(call_of(ALICE)) is True
    # The slow one stands behind the one that decides.
    assert any_of(public, slow_no)(call_of()) is True


async def test_a_truthy_answer_opens_no_door():
    with pytest.raises(TypeError, match="the rule odd answered with list"):

        def odd(call):
            return [1]

        await answer(all_of(public, odd), call_of(ALICE))


def test_names_are_as_one_would_write_them():
    assert rule_name(all_of(signed_in, any_of(has_scope("b", "a"), slow_yes))) == (
        "all_of(signed_in, any_of(has_scope('a', 'b'), slow_yes))"
    )


@pytest.mark.parametrize(
    ("rule", "open_to_all", "closed_to_outside"),
    [
        (public, True, False),
        (signed_in, False, False),
        (internal, False, True),
        (any_of(public, signed_in), True, False),
        (all_of(public, signed_in), False, False),
        (all_of(public, public), True, False),
        (any_of(internal, signed_in), False, False),
        (all_of(internal, slow_yes), False, True),
        (None, False, False),
    ],
)
def test_what_a_rule_means_is_known_at_build(rule, open_to_all, closed_to_outside):
    assert (is_public(rule), is_internal(rule)) == (open_to_all, closed_to_outside)
