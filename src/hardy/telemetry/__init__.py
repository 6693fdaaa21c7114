"""Logs: one event is one line, made once, that cannot be forged and gives no secret away.

Floor 1. Nothing is configured for the process: a logger carries its own
settings, so that two apps in one process log differently. Beside logs there is
the watchdog of the event loop; metrics and traces will live here too.

Example:
    >>> make_logger(format="json", app="orders").info("order placed", sku="tea", password="hunter2")
    {"time":"...","level":"info","event":"order placed","app":"orders","sku":"tea","password":"[redacted]"}
"""

from hardy.core._module import publish
from hardy.telemetry._logger import Format, Level, make_logger
from hardy.telemetry._observe import observe
from hardy.telemetry._redact import REDACTED, is_secret_name, scrub
from hardy.telemetry._spots import Spot
from hardy.telemetry._stdlib import capture_stdlib
from hardy.telemetry._watchdog import LoopBlocked, LoopStatistics, Watchdog

__all__ = [
    "REDACTED",
    "Format",
    "Level",
    "LoopBlocked",
    "LoopStatistics",
    "Spot",
    "Watchdog",
    "capture_stdlib",
    "is_secret_name",
    "make_logger",
    "observe",
    "scrub",
]

publish(__name__, globals())
