"""Ending the generators of a scope: in reverse, all of them, whatever happens to one."""

from collections.abc import AsyncGenerator

from hardy.core import Call

Opened = list[tuple[str, AsyncGenerator[object, None]]]
"""Provider's name and its running generator, in the order of opening."""


async def finish(opened: Opened, call: Call) -> None:
    """End a call's scope whose body succeeded.

    The first generator to fail makes the call fail: its error is thrown into
    those that are still open, as the body's would have been.
    """
    while opened:
        name, generator = opened.pop()
        try:
            await generator.__anext__()
        except StopAsyncIteration:
            continue
        except BaseException as error:
            await abort(opened, error, call)
            raise
        again = RuntimeError(f"provider `{name}` yields more than once")
        opened.append((name, generator))
        await abort(opened, again, call)
        raise again


async def abort(opened: Opened, error: BaseException, call: Call | None) -> None:
    """End a scope that failed with *error*: each generator has it thrown in.

    A generator that swallows *error* ends normally and changes nothing for the
    others or for the caller. What another one raises instead is noted on
    *error*, which is the one that counts, and written to the log of *call*.
    """
    traceback = error.__traceback__
    while opened:
        name, generator = opened.pop()
        try:
            await _throw(name, generator, error)
        except BaseException as another:  # noted and logged; the scope fails with *error* in any case
            error.add_note(f"when it was thrown into provider `{name}`, that raised {another!r}")
            if call is not None:
                call.log.exception("provider failed while closing", provider=name)
        error.__traceback__ = traceback  # each generator adds its frames on the way through


async def _throw(name: str, generator: AsyncGenerator[object, None], error: BaseException) -> None:
    """Throw *error* into *generator*; raises only what is not *error* itself."""
    try:
        await generator.athrow(error)
    except StopAsyncIteration:
        return
    except BaseException as raised:
        # A StopAsyncIteration cannot leave a generator, Python wraps it.
        if raised is error or (isinstance(error, StopAsyncIteration) and raised.__cause__ is error):
            return
        raise
    await generator.aclose()
    raise RuntimeError(f"provider `{name}` yields again after a failure")


async def end(name: str, generator: AsyncGenerator[object, None]) -> None:
    """Let *generator*, of the app's scope, run to its end."""
    try:
        await generator.__anext__()
    except StopAsyncIteration:
        return
    await generator.aclose()
    raise RuntimeError(f"provider `{name}` yields more than once")


async def start(name: str, generator: AsyncGenerator[object, None]) -> object:
    """Run *generator* to its ``yield`` and return what it hands over."""
    try:
        return await generator.__anext__()
    except StopAsyncIteration:
        raise RuntimeError(f"provider `{name}` ended without a `yield`") from None
