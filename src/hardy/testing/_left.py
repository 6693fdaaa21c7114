"""What a call can leave behind: tasks, threads, file descriptors, what components have lent."""

import asyncio
import dataclasses
import threading
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from hardy.app import Assembly
from hardy.lifecycle import Counts

GAUGES = frozenset(
    {"active", "busy", "held", "idle", "in_flight", "in_use", "leased", "locked", "now", "open", "pending", "running"}
    | {"waiting"}
)
"""Statistics that say how it is now, and not how often something has happened."""

_DESCRIPTORS = Path("/proc/self/fd")

Left = Counter[str]
"""How many there are of each thing, by what it is."""


Census = tuple[Left, dict[str, object]]
"""Things that may not become more, and gauges that may not change."""


def census(assembly: Assembly, gauges: Collection[str]) -> Census:
    """Count what there is now."""
    things: Left = Counter(_task(each) for each in asyncio.all_tasks() if each is not asyncio.current_task())
    things.update(f"thread {each.name}" for each in threading.enumerate())
    things.update(_descriptors())
    things["calls in flight"] = len(assembly.in_flight)
    return things, _gauges(assembly, gauges)


def _task(task: "asyncio.Task[object]") -> str:
    coroutine = task.get_coro()
    return f"task {getattr(coroutine, '__qualname__', coroutine)}"


def _descriptors() -> Collection[str]:
    found: list[str] = []
    for each in _DESCRIPTORS.iterdir() if _DESCRIPTORS.exists() else ():
        try:
            target = str(each.readlink())
        except OSError:  # the one that reads the directory
            continue
        kind = target.partition(":[")[0] if ":[" in target else target
        found.append(f"file descriptor {kind}")
    return found


def _gauges(assembly: Assembly, names: Collection[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for component in assembly.components:
        if not isinstance(component, Counts):
            continue
        record = component.statistics()
        if dataclasses.is_dataclass(record) and not isinstance(record, type):
            kind = type(component).__qualname__
            found |= {
                f"{kind}.statistics().{each.name}": getattr(record, each.name)
                for each in dataclasses.fields(record)
                if each.name in names
            }
    return found


KEPT_ALIVE = Counter({"file descriptor socket": 2})
"""Both ends of the one connection more that a client keeps for its next call."""


def difference(before: Census, after: Census) -> list[str]:
    """Return what is there now and was not before, a line each."""
    more = after[0] - before[0]
    lines = [f"{name}: {count} more" for name, count in sorted(more.items())]
    changed = [name for name, value in before[1].items() if after[1].get(name) != value]
    return lines + [f"{name}: {after[1].get(name)}, was {before[1][name]}" for name in changed]
