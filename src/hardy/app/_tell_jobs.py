"""What becomes of jobs and schedules, as far as somebody may have to know of it, written to the log."""

from hardy.core import Emit, Logger, Notice
from hardy.queueing import JobDied, JobLost, JobRetried, StoreBack, StoreLost, TickMissed

JOBS_TOLD = (JobRetried, JobDied, JobLost, StoreLost, StoreBack, TickMissed)
"""The kinds that are written."""


def telling_jobs(logger: Logger) -> Emit:
    """Return what writes notices of jobs and schedules to *logger*."""

    def tell(notice: Notice) -> None:
        match notice:
            case JobRetried(queue=queue, use_case=name, id=id_, attempt=attempt, delay=delay, reason=reason):
                facts = {"job": id_, "operation": name, "attempt": attempt, "reason": reason}
                logger.info("job will be tried again", queue=queue, delay=round(delay, 3), **facts)
            case JobDied(queue=queue, use_case=name, id=id_, attempt=attempt, reason=reason):
                facts = {"job": id_, "operation": name, "attempt": attempt, "reason": reason}
                logger.error("job given up: hardy jobs retry ID gives it another chance", queue=queue, **facts)
            case JobLost(queue=queue, use_case=name, id=id_, attempt=attempt):
                logger.warning("job cancelled: its lease ended", queue=queue, job=id_, operation=name, attempt=attempt)
            case StoreLost(name=name, reason=reason):
                logger.warning("no work can be taken", of=name, reason=reason)
            case StoreBack(name=name, seconds=seconds):
                logger.info("work is taken again", of=name, seconds=round(seconds, 3))
            case TickMissed(name=name, tick=tick, reason=reason):
                logger.warning("schedule missed its time", schedule=name, tick=tick.isoformat(), reason=reason)
            case _:
                pass

    return tell
