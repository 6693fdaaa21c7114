"""A call is let in, or answered with 401 or 403, before its message is read."""

import pytest

from hardy.auth import admit, has_scope, public, signed_in
from hardy.core import Call, Operation, PermissionDenied, Principal, Unauthenticated, compose

ALICE = Principal("alice")


async def place_order(sku: str) -> str: ...


async def greet(*, caller: Principal | None) -> str: ...


class Door:
    """An authenticator that answers what it is told and counts."""

    challenge = "Test"

    def __init__(self, answer):
        self.answer, self.asked = answer, 0

    async def authenticate(self, call):
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def scheme(self):
        return {"type": "http", "scheme": "test"}


async def run(allow, *doors, use_case=place_order, principal=None):
    call = Call(Operation.of(use_case).with_options(allow=allow), "http")
    if principal:
        call.principal = principal

    async def innermost(call):
        return call.principal

    return await call.run(compose([admit(doors)], innermost))


async def test_the_first_principal_is_taken():
    second = Door(Principal("bob"))
    assert await run(signed_in, Door(None), Door(ALICE), second) is ALICE
    assert second.asked == 0


async def test_nobody_known_is_unauthenticated():
    with pytest.raises(Unauthenticated, match="this call needs credentials"):
        await run(signed_in, Door(None))


async def test_somebody_known_and_refused_is_permission_denied():
    with pytest.raises(PermissionDenied, match="not allowed to call place_order"):
        await run(has_scope("x"), Door(ALICE))


async def test_an_operation_without_a_rule_is_refused_to_all():
    with pytest.raises(PermissionDenied):
        await run(None, Door(ALICE))
    with pytest.raises(Unauthenticated):
        await run(None)


async def test_bad_credentials_stop_the_search():
    second = Door(ALICE)
    with pytest.raises(Unauthenticated, match="expired"):
        await run(signed_in, Door(Unauthenticated("expired")), second)
    assert second.asked == 0


async def test_bad_credentials_do_not_keep_anybody_from_what_is_public():
    assert await run(public, Door(Unauthenticated("expired"))) is None


async def test_bad_credentials_are_refused_where_a_public_operation_asks_who_calls():
    with pytest.raises(Unauthenticated):
        await run(public, Door(Unauthenticated("expired")), use_case=greet)


async def test_a_public_operation_learns_who_calls():
    assert await run(public, Door(ALICE), use_case=greet) is ALICE


async def test_a_call_that_brings_its_principal_keeps_it():
    door = Door(Principal("bob"))
    assert await run(signed_in, door, principal=ALICE) is ALICE
    assert door.asked == 0


@pytest.mark.parametrize(("answer", "refused"), [(True, False), (False, True), (None, True)])
@pytest.mark.parametrize("slow", [True, False], ids=["async", "sync"])
async def test_the_users_own_rule_is_asked(answer, refused, slow):
    async def waits(call):
        return answer

    rule = waits if slow else lambda call: answer
    if refused:
        with pytest.raises(PermissionDenied):
            await run(rule, Door(ALICE))
    else:
        assert await run(rule, Door(ALICE)) is ALICE


async def test_a_rule_that_answers_with_something_else_is_a_defect():
    async def forgot_to_run(call):
        yield True

    with pytest.raises(TypeError, match="forgot_to_run answered with async_generator"):
        await run(forgot_to_run, Door(ALICE))


async def test_a_rule_may_say_no_in_its_own_words():
    def closed(call):
        raise PermissionDenied("we are closed")

    with pytest.raises(PermissionDenied, match="we are closed"):
        await run(closed, Door(ALICE))


async def test_a_rule_cannot_look_at_the_message():
    with pytest.raises(RuntimeError, match="not read yet"):
        await run(lambda call: call.message == "x", Door(ALICE))
