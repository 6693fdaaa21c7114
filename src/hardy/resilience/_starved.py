"""How long a thread was ready to run and got no CPU."""

import os

_SCHEDSTAT = "/proc/thread-self/schedstat"


def starved() -> float:
    """Return the seconds for which this thread has waited for a CPU; 0 where the system does not tell.

    The second number of Linux's ``schedstat`` (Documentation/scheduler/sched-stats.rst).
    """
    try:
        file = os.open(_SCHEDSTAT, os.O_RDONLY)  # pathlib takes ten times as long
    except OSError:
        return 0.0
    try:
        return int(os.read(file, 128).split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
    finally:
        os.close(file)
