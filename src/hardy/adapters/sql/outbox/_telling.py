"""What an outbox notices, written to the log of its service."""

from hardy.core import Emit, Logger, Notice
from hardy.messaging import EventDied, OutboxHeldBack, PublisherBack, PublisherLost


def telling(logger: Logger, emit: Emit | None) -> Emit:
    """Return what writes notices that somebody has to know of to *logger*, and hands all of them on."""
    lost = False

    def tell(notice: Notice) -> None:
        nonlocal lost
        match notice:
            case EventDied(topic=topic, id=id_, key=key, attempt=attempt, reason=reason):
                logger.error("event given up", topic=topic, event_id=id_, key=key, attempts=attempt, reason=reason)
            case PublisherLost(reason=reason) if not lost:  # once, not for each attempt
                lost = True
                logger.warning("events wait: the broker is not there", reason=reason)
            case PublisherBack(seconds=seconds):
                lost = False
                logger.info("events are published again", seconds=round(seconds, 3))
            case OutboxHeldBack(seconds=seconds, waiting=waiting):
                logger.warning("events wait behind an open transaction", seconds=round(seconds, 3), waiting=waiting)
            case _:
                pass
        if emit is not None:
            emit(notice)

    return tell
