"""Replacing every worker by one that has read code and configuration anew, with no request lost."""

import asyncio

from hardy.app._link import Checked
from hardy.app._workers_child import Child
from hardy.app._workers_pool import Pool
from hardy.app._workers_tell import how_it_ended
from hardy.core import BuildFailed


class Roll:
    """Replaces the workers of *pool*, one after the other.

    A new worker is started, checked, and ready before the old one is told to
    drain. When one does not get as far, everything stays as it is and the log
    says why. An address that the new configuration moves is listened on beside
    the old one until the last old worker is relieved.

    Args:
        pool: The workers.
        limit: Seconds that a new worker has to be ready.
    """

    def __init__(self, pool: Pool, limit: float) -> None:
        self._pool = pool
        self._limit = limit
        self.told = asyncio.Event()
        """Set it to have the workers replaced."""

    async def when_told(self) -> None:
        """Replace the workers each time that `told` is set."""
        pool = self._pool
        while True:
            await self.told.wait()
            self.told.clear()
            if pool.stopping.is_set():
                return
            pool.logger.info("replacing workers", workers=pool.count)
            if await self._replace_all():
                pool.rolls += 1
                pool.addresses.forget_former()
                pool.logger.info("replaced workers", pids=[slot.child.pid for slot in pool.slots])
            else:
                pool.failed_rolls += 1

    async def _replace_all(self) -> bool:
        pool = self._pool
        for slot in pool.slots:
            new = pool.spawn(slot.number)
            if not await pool.unless_stopping(self._gets_ready(new)):
                await new.drain()
                pool.watch(pool.see_off(new))
                return False
            old, slot.child, slot.row = slot.child, new, 0
            if old.state != "ended":
                await old.drain(relieved=True)
                pool.watch(pool.see_off(old))
        return True

    async def _gets_ready(self, new: Child) -> bool:
        log = self._pool.logger
        try:
            async with asyncio.timeout(self._limit):
                checked = await asyncio.shield(new.checked)
                if checked is not None:
                    await self._adopt(checked)
                    await self._pool.send_out(new)
                    if await asyncio.shield(new.served):
                        return True
                await asyncio.shield(new.ended)
        except TimeoutError:
            log.error("not replaced: a new worker is not ready in time", pid=new.pid, failing=new.ready.failing)
        except BuildFailed as failed:
            log.error("not replaced: the new configuration is wrong", faults=str(failed))
        else:
            log.error("not replaced: a new worker cannot serve", pid=new.pid, **how_it_ended(new))
        return False

    async def _adopt(self, checked: Checked) -> None:
        """Listen where the new configuration says.

        Raises:
            BuildFailed: That is not possible.
        """
        pool = self._pool
        former = pool.checked
        assert former is not None
        if checked.listen["admin"] != former.listen["admin"]:
            pool.logger.warning("the admin port stays where it is until a restart")
            checked.listen["admin"] = former.listen["admin"]
        await pool.addresses.obtain(checked)
        pool.checked = checked
