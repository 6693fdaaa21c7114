"""What the pieces of a service notice, written to its log."""

from hardy.core import ComponentClosed, ComponentOpened, Emit, Logger, Notice, TaskFailed
from hardy.resilience import OverloadBegan, OverloadEnded
from hardy.server import ConnectionRefused, RequestRefused

TOLD = (
    TaskFailed,
    ComponentOpened,
    ComponentClosed,
    RequestRefused,
    ConnectionRefused,
    OverloadBegan,
    OverloadEnded,
)
"""The kinds that are written."""


def telling(logger: Logger) -> Emit:
    """Return what writes notices that somebody may have to know of to *logger*.

    Calls are not among them: `hardy.telemetry.observe` writes those.

    Example:
        >>> from hardy.telemetry import make_logger
        >>> tell = telling(make_logger(format="json"))
        >>> tell(RequestRefused(peer="127.0.0.1:5", status=400, detail="the Host header is missing"))
        {..."event":"request refused","peer":"127.0.0.1:5","status":400,"detail":"the Host header is missing"}
    """

    def tell(notice: Notice) -> None:
        match notice:
            case TaskFailed(name=name, error=error, restart_in=restart_in):
                logger.error("background task failed", task=name, restart_in=restart_in, exc_info=error)
            case ComponentOpened(name=name, seconds=seconds):
                logger.debug("component opened", component=name, seconds=round(seconds, 3))
            case ComponentClosed(name=name, seconds=seconds, error=None):
                logger.debug("component closed", component=name, seconds=round(seconds, 3))
            case ComponentClosed(name=name, seconds=seconds, error=error):
                logger.error("component failed to close", component=name, seconds=round(seconds, 3), exc_info=error)
            case RequestRefused(peer=peer, status=status, detail=detail):
                logger.info("request refused", peer=peer, status=status, detail=detail)
            case ConnectionRefused(peer=peer, reason=reason):
                logger.warning("connection refused", peer=peer, reason=reason)
            case OverloadBegan(delay=delay):
                logger.warning("overloaded: calls are refused until the event loop keeps up", delay=round(delay, 3))
            case OverloadEnded(seconds=seconds, shed=shed):
                logger.info("no longer overloaded", seconds=round(seconds, 3), refused=shed)
            case _:
                pass

    return tell
