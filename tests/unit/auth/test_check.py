"""What is wrong with who may call is told at build."""

import functools

import pytest

from hardy.auth import all_of, any_of, check_operation, has_role, has_scope, internal, public, signed_in
from hardy.core import Operation, Principal


async def place_order(sku: str) -> str: ...


async def whoami(*, caller: Principal) -> str: ...


async def greet(*, caller: Principal | None) -> str: ...


def two(call, other): ...


async def generator(call):
    yield True


def own(call):
    return True


async def slow(call):
    return True


class Owner:
    def __call__(self, call):
        return True


@pytest.mark.parametrize(
    ("use_case", "allow", "codes"),
    [
        (place_order, None, ["H0640"]),
        (place_order, public, []),
        (place_order, internal, []),
        (place_order, own, []),
        (place_order, slow, []),
        (place_order, Owner(), []),
        (place_order, lambda call: True, []),
        (place_order, functools.partial(two, other=1), []),
        (place_order, any_of(signed_in, has_scope("x")), []),
        (place_order, "signed_in", ["H0641"]),
        (place_order, True, ["H0641"]),
        (place_order, has_scope, ["H0641"]),
        (place_order, Owner, ["H0641"]),
        (place_order, two, ["H0641"]),
        (place_order, generator, ["H0641"]),
        (place_order, any_of(has_role, all_of(two, public)), ["H0641", "H0641"]),
        (whoami, public, ["H0642"]),
        (whoami, any_of(signed_in, public), ["H0642"]),
        (whoami, signed_in, []),
        (greet, public, []),
    ],
)
def test_a_fault_has_its_code(use_case, allow, codes):
    assert [fault.code for fault in check_operation(Operation.of(use_case).with_options(allow=allow))] == codes


def test_a_fault_says_what_to_type():
    (fault,) = check_operation(Operation.of(whoami).with_options(allow=public))
    text = fault.render()
    assert "error[H0642]: `whoami` is public, yet needs to know who is calling" in text
    assert "^^^^^^^^^^^^^^^^^ there may be nobody" in text
    assert "help: caller: Principal | None" in text


def test_a_maker_that_was_not_called_is_named():
    (fault,) = check_operation(Operation.of(place_order).with_options(allow=has_scope))
    assert fault.title == "`has_scope` is not a rule until it is called"
    assert fault.helps == ('allow=has_scope("orders:read")',)
