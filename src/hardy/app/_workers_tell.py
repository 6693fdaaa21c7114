"""What the parent of several workers says."""

import signal
import sys
from collections.abc import Sequence

from hardy.app._link import Drained
from hardy.app._workers_child import Child
from hardy.app._workers_pool import Pool


def how_it_ended(child: Child) -> dict[str, object]:
    """Return how the process ended and what it said about it, for the log."""
    code = child.ended.result()
    facts: dict[str, object] = {"code": code} if code >= 0 else {"signal": _name(-code)}
    return facts if child.failed is None else {**facts, "faults": child.failed.text}


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def say_wrong(text: str) -> None:
    """Print what is wrong with the service."""
    print(text, file=sys.stderr, flush=True)


def tell_unstarted(pool: Pool, child: Child) -> int:
    """Say, once and not for every worker, why the service cannot start; return the exit code."""
    if child.failed is not None:
        say_wrong(child.failed.text)
        return child.failed.code
    code = child.ended.result()
    if code <= 0:  # otherwise it has said itself what is wrong
        pool.logger.error("the first worker ended before it served", **how_it_ended(child))
    return code if code > 0 else 1


def tell_started(pool: Pool, seconds: float) -> None:
    """Log that every worker serves, and where."""
    checked = pool.checked
    assert checked is not None
    found = {door: pool.addresses.address(door) for door in ("http", "grpc", "admin")}
    pool.logger.info(
        "started",
        environment=checked.environment,
        **{door: None if address is None else str(address) for door, address in found.items()},
        operations=checked.operations,
        workers=pool.count,
        pids=[slot.child.pid for slot in pool.slots],
        seconds=round(seconds, 3),
    )


def tell_drained(pool: Pool, children: Sequence[Child], *, forced: bool, seconds: float) -> bool:
    """Log how the shutdown of all workers went; return whether each ended cleanly."""
    drained = [child.drained or Drained(finished=0, streams=0, stuck=()) for child in children]
    stuck = [f"{each} (pid {child.pid})" for child, said in zip(children, drained, strict=True) for each in said.stuck]
    killed = [child.pid for child in children if child.killed]
    failed = {str(child.pid): how_it_ended(child) for child in children if child.ended.result() != 0}
    write = pool.logger.warning if stuck or failed else pool.logger.info
    write(
        "drained",
        workers=len(children),
        seconds=round(seconds, 3),
        forced=forced,
        finished=sum(each.finished for each in drained),
        streams=sum(each.streams for each in drained),
        stuck=stuck,
        killed=killed,
        failed=failed,
    )
    return not failed
