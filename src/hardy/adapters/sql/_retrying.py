"""Do a transaction again when others were in its way."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hardy.adapters.sql._block import Block
from hardy.adapters.sql._session import Session
from hardy.core import Aborted

T = TypeVar("T")

_FIRST = 0.002
_LONGEST = 0.25


async def retrying(begin: Callable[[], Block], work: Callable[[Session], Awaitable[T]], attempts: int) -> T:
    """Run *work* in a transaction of its own, again while conflicts undo it.

    Raises:
        Aborted: The last attempt conflicted, too.
    """
    attempt = 0
    while True:
        attempt += 1
        block = begin()
        try:
            async with block as session:
                result = await work(session)
        except Aborted:
            if attempt >= attempts or not block.transaction.conflicted:
                raise
        else:
            return result
        # Whoever collided must not come back at the same moment.
        pause = min(_FIRST * 2**attempt, _LONGEST) * random.uniform(0.5, 1.0)  # no secret
        block.transaction.terms.deadline.check()
        await asyncio.sleep(block.transaction.terms.deadline.clamp(pause))
