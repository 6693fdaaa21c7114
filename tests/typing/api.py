"""What a type checker must see of the public API. Checked by basedpyright and mypy, never run.

One function for each entry a user writes: what it is given, and by ``assert_type`` what it answers.
"""

from typing import assert_type

from hardy.core import Call, Code, Deadline, Error, Handler, NotFound, current_call


async def the_waist(call: Call, proceed: Handler) -> object:
    """A middleware sees a call and hands it on; the reply is opaque to it."""
    assert_type(call.deadline, Deadline)
    assert_type(current_call(), Call | None)
    return assert_type(await proceed(call), object)


def errors() -> None:
    """An error carries its canonical code."""
    error = NotFound("no such order", order_id=7)
    assert_type(error.code, Code)
    caught: Error = error
    assert_type(caught.code, Code)
