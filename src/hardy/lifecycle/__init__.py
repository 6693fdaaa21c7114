"""From the first component opened to the last one closed: order, budgets, probes, signals, background tasks.

Example:
    >>> import asyncio
    >>> async def main():
    ...     health, components = Health(), Components()
    ...     tasks = Tasks()
    ...     components.add("tasks", tasks)
    ...     async with components:
    ...         health.serve()
    ...         return (await health.ready()).ready
    >>> asyncio.run(main())
    True
"""

from hardy.core._module import publish
from hardy.lifecycle._beside import Beside
from hardy.lifecycle._component import Brings, Checks, Component, Counts, Drains, Pings
from hardy.lifecycle._components import Components
from hardy.lifecycle._health import Check, Health, Readiness
from hardy.lifecycle._signals import Signals
from hardy.lifecycle._tasks import Restart, Tasks, TaskStatistics

__all__ = [
    "Beside",
    "Brings",
    "Check",
    "Checks",
    "Component",
    "Components",
    "Counts",
    "Drains",
    "Health",
    "Pings",
    "Readiness",
    "Restart",
    "Signals",
    "TaskStatistics",
    "Tasks",
]

publish(__name__, globals())
