"""Compares the bindings to one queue: what it can have only once must be said alike."""

from collections.abc import Sequence

from hardy.core import Diagnostic, Exposed, Operation
from hardy.transport.jobs._queue import JobQueue


def check(bound: Sequence[Exposed]) -> Sequence[Diagnostic]:
    """Return what does not fit between the bindings of one service: queues, and use cases that have two."""
    first: dict[str, tuple[Operation, JobQueue]] = {}
    of_operation: dict[Operation, JobQueue] = {}
    faults: list[Diagnostic] = []
    for each in bound:
        operation, queue = each.operation, each.binding
        if not isinstance(queue, JobQueue):
            continue
        if of_operation.setdefault(operation, queue) is not queue:
            faults.append(_two_queues(operation, of_operation[operation], queue))
        before, other = first.setdefault(queue.name, (operation, queue))
        faults += [
            _disagree(queue.name, name, before, operation)
            for name in ("concurrency", "lease", "poll")
            if getattr(queue, name) != getattr(other, name)
        ]
    return faults


def _two_queues(operation: Operation, first: JobQueue, second: JobQueue) -> Diagnostic:
    return Diagnostic(
        code="H0683",
        title=f"`{operation.name}` is bound to two queues: `{first.name}` and `{second.name}`",
        place=operation.place,
        notes=("enqueue is told the use case, and could not tell which queue is meant",),
        helps=(f'app.expose({operation.name}, jobs.queue("{first.name}"), allow=internal)',),
    )


def _disagree(queue: str, what: str, first: Operation, second: Operation) -> Diagnostic:
    return Diagnostic(
        code="H0684",
        title=f"`{first.name}` and `{second.name}` say another `{what}` of the queue `{queue}`",
        place=second.place,
        notes=("the use cases of a queue share it",),
        helps=(f'mail = jobs.queue("{queue}", {what}=...), and bind both to `mail`',),
    )
