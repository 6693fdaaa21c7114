"""Lines of libraries that log with the standard library, folded into ours."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from hardy.core import Logger
from hardy.telemetry._redact import scrub


@contextmanager
def capture_stdlib(
    logger: Logger, *, level: Literal["debug", "info", "warning", "error"] = "info"
) -> Generator[None, None, None]:
    """Write what is logged with `logging`, and Python's warnings, through *logger*.

    Inside the block the root logger has one handler, ours; afterwards it is as
    it was before. This is the one thing here that is process-wide, because
    `logging` is: an app that runs as a guest of another does not use it.

    Args:
        logger: Gets each record as an event with the fact ``logger``.
        level: The root logger's level inside the block.

    Example:
        >>> import logging
        >>> from hardy.telemetry import make_logger
        >>> with capture_stdlib(make_logger(format="json")):
        ...     logging.getLogger("capture.example").warning("lost %s", "contact")
        {"time":"...","level":"warning","event":"lost contact","logger":"capture.example"}
    """
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    root.handlers[:] = [_Handler(logger)]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        root.setLevel(before)


class _Handler(logging.Handler):
    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._target = logger

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event = record.getMessage()
        except Exception:  # wrong arguments for the format: the line is worth more than the reproach
            event = str(record.msg)
        facts: dict[str, object] = {"logger": record.name}
        if record.exc_info:
            facts["exc_info"] = record.exc_info
        if record.stack_info:
            facts["stack"] = scrub(record.stack_info)
        _write(self._target, record.levelno, scrub(event), facts)


def _write(logger: Logger, level: int, event: str, facts: dict[str, object]) -> None:
    if level >= logging.ERROR:
        logger.error(event, **facts)
    elif level >= logging.WARNING:
        logger.warning(event, **facts)
    elif level >= logging.INFO:
        logger.info(event, **facts)
    else:
        logger.debug(event, **facts)
