"""How long a thread was ready to run and got no CPU."""

from pathlib import Path

_SCHEDSTAT = Path("/proc/thread-self/schedstat")


def starved() -> float:
    """Return the seconds for which this thread has waited for a CPU; 0 where the system does not tell.

    The second number of Linux's ``schedstat`` (Documentation/scheduler/sched-stats.rst).
    """
    try:
        return int(_SCHEDSTAT.read_bytes().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
