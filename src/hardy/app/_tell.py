"""What the pieces of a service notice, written to its log."""

from dataclasses import fields

from hardy.core import ComponentClosed, ComponentOpened, Emit, Level, Logger, Notice, TaskFailed, Told, Unavailable
from hardy.server import (
    CertificatesRefused,
    CertificatesReloaded,
    ConnectionRefused,
    HandshakeFailed,
    RequestRefused,
)
from hardy.telemetry import LoopBlocked

TOLD = (
    TaskFailed,
    ComponentOpened,
    ComponentClosed,
    RequestRefused,
    ConnectionRefused,
    HandshakeFailed,
    CertificatesReloaded,
    CertificatesRefused,
    LoopBlocked,
    Told,
)
"""The kinds that are written."""
AT_WORK = 10.0
"""Seconds of running after which what a task cannot reach is lost anew, and not still."""


def telling(logger: Logger) -> Emit:
    """Return what writes notices that somebody may have to know of to *logger*.

    Calls are not among them: `hardy.telemetry.observe` writes those.

    Example:
        >>> from hardy.telemetry import make_logger
        >>> refused = RequestRefused(peer="127.0.0.1:5", status=400, detail="the Host header is missing")
        >>> telling(make_logger(format="json"))(refused)
        {..."event":"request refused","peer":"127.0.0.1:5","status":400,"detail":"the Host header is missing"}
    """

    def tell(notice: Notice) -> None:
        match notice:
            case TaskFailed():
                _tell_task(logger, notice)
            case ComponentOpened(name=name, seconds=seconds):
                logger.debug("component opened", component=name, seconds=round(seconds, 3))
            case ComponentClosed(name=name, seconds=seconds, error=None):
                logger.debug("component closed", component=name, seconds=round(seconds, 3))
            case ComponentClosed(name=name, seconds=seconds, error=error):
                logger.error("component failed to close", component=name, seconds=round(seconds, 3), exc_info=error)
            case RequestRefused(peer=peer, status=status, detail=detail, request=request, call=call):
                known = {"request": request, "call": call} if call else {}
                logger.info("request refused", peer=peer, status=status, detail=detail, **known)
            case ConnectionRefused(peer=peer, reason=reason):
                logger.warning("connection refused", peer=peer, reason=reason)
            case LoopBlocked():
                _tell_blocked(logger, notice)
            case HandshakeFailed() | CertificatesReloaded() | CertificatesRefused():
                _tell_tls(logger, notice)
            case Told():
                _tell_plainly(logger, notice)
            case _:
                pass

    return tell


def _tell_task(logger: Logger, notice: TaskFailed) -> None:
    name, error, again = notice.name, notice.error, notice.restart_in
    if again is None or not isinstance(error, Unavailable):
        logger.error("background task failed", task=name, restart_in=again, exc_info=error)
    elif notice.before == 0 or notice.ran >= AT_WORK:
        logger.warning("background task waits for what it cannot reach", task=name, error=_in_words(error))
    else:
        logger.debug("background task still waits", task=name, restart_in=again, error=_in_words(error))


def _in_words(error: BaseException) -> str:
    return ": ".join(filter(None, (type(error).__name__, str(error))))


def _tell_plainly(logger: Logger, notice: Told) -> None:
    facts: dict[str, object] = {each.name: getattr(notice, each.name) for each in fields(notice)}
    told = dict(_plainly(name, value, notice.level) for name, value in facts.items())
    match notice.level:
        case "debug":
            logger.debug(notice.says, **told)
        case "info":
            logger.info(notice.says, **told)
        case "warning":
            logger.warning(notice.says, **told)
        case "error":
            logger.error(notice.says, **told)


def _plainly(name: str, value: object, level: Level) -> tuple[str, object]:
    if isinstance(value, BaseException):
        # A stack leads to a defect. Of a peer that does not answer, it only says which call noticed first.
        return ("exc_info", value) if level == "error" else (name, _in_words(value))
    return (name, round(value, 3) if isinstance(value, float) else value)


def _tell_blocked(logger: Logger, notice: LoopBlocked) -> None:
    ms = round(notice.seconds * 1000)
    if not notice.stack:
        logger.warning("the event loop stood still and nothing ran: the process got no CPU", ms=ms)
        return
    at, *callers = notice.culprit
    logger.warning(
        "the event loop was blocked" if notice.over else "the event loop is blocked",
        ms=ms,
        error="H0901",
        at=f"{at.code or at.function}   {at.place}",
        called_by=[f"{each.function}   {each.place}" for each in callers],
        cost=f"{notice.waiting} calls in flight waited",
        help="await a library for asyncio, or: await in_thread(blocking_function, ...); hardy explain H0901",
    )


def _tell_tls(logger: Logger, notice: HandshakeFailed | CertificatesReloaded | CertificatesRefused) -> None:
    match notice:
        case HandshakeFailed(peer=peer, detail=detail):
            logger.info("handshake failed", peer=peer, detail=detail)
        case CertificatesReloaded(certificate=path):
            logger.info("certificates read anew", certificate=path)
        case CertificatesRefused(certificate=path, detail=detail):
            logger.error("new certificates cannot be used, the former are", certificate=path, detail=detail)
