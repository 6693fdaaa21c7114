"""A queue as a binding: the use case is called once for each job."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hardy.core import Diagnostic, Operation
from hardy.messaging import Retry

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*\Z")
_LONGEST = 64


def retrying(retries: int) -> Retry:
    """Return the policy of a queue: seconds at first, ten minutes in the end.

    What fails because something is not there just now is tried four times as often.
    """
    return Retry(first=2.0, most=600.0, attempts=retries + 1, patience=4)


@dataclass(frozen=True, slots=True)
class JobQueue:
    """A binding: the use case is carried out for each job of a queue.

    It calls as ``Principal("job:NAME", kind="service")``, without scopes or
    roles: write ``allow=internal``. Several use cases may share a queue, and
    then how many of its jobs run at once.
    """

    name: str
    retry: Retry = field(default_factory=lambda: retrying(5))
    """When a job that failed is tried again, and when it is given up."""
    concurrency: int = 8
    """How many jobs of the queue one process does at once."""
    lease: float = 60.0
    """Seconds after which a job of a process that died is another's; one that lives renews it."""
    poll: float = 1.0
    """Seconds between two looks for work, when nothing says that there is some."""
    transport: str = "jobs"
    raw: bool = False

    def check(self, operation: Operation) -> Sequence[Diagnostic]:
        """Refuse a name that is none, an operation that takes no message, and numbers that make no sense."""
        return [*self._check_name(operation), *self._check_message(operation), *self._check_numbers(operation)]

    def _check_name(self, operation: Operation) -> Sequence[Diagnostic]:
        if _NAME.match(self.name) and len(self.name) <= _LONGEST:
            return ()
        return [
            Diagnostic(
                code="H0680",
                title=f"`{self.name}` is no name for a queue",
                place=operation.place,
                notes=(f"a name has lower-case letters and digits, with . - or _ between, up to {_LONGEST}",),
                helps=(f'app.expose({operation.name}, jobs.queue("mail"), allow=internal)',),
            )
        ]

    def _check_message(self, operation: Operation) -> Sequence[Diagnostic]:
        name, parameters = operation.name, operation.parameters
        if operation.kind.streams_in or operation.kind.streams_out:
            what = "takes a stream, and a job has one message" if operation.kind.streams_in else "streams its reply"
            helps = (f"async def {name}(msg: SendReceipt, *, ...) -> None:",)
        elif len(parameters) != 1:
            what = f"takes {len(parameters) or 'no'} parameters, and a job has one message"
            helps = (f"async def {name}(msg: {_camel(name)}, *, ...) -> None:  # a class of what it has to know",)
        else:
            return ()
        title = f"`{name}` {what}: a queue cannot call it"
        return [Diagnostic(code="H0681", title=title, place=operation.place, helps=helps)]

    def _check_numbers(self, operation: Operation) -> Sequence[Diagnostic]:
        wrong = [
            (f"{name}={value:g}", remedy)
            for name, value, remedy in (
                ("retries", self.retry.attempts - 1, "retries=0, to try it once"),
                ("concurrency", self.concurrency, "concurrency=1"),
                ("lease", self.lease, "lease=60"),
                ("poll", self.poll, "poll=1"),
            )
            if value < 0 or (value == 0 and name != "retries")
        ]
        return [
            Diagnostic(
                code="H0682",
                title=f"`{operation.name}` would never have a job of `{self.name}`: {said}",
                place=operation.place,
                helps=(f'jobs.queue("{self.name}", {remedy})',),
            )
            for said, remedy in wrong
        ]

    def describe(self) -> dict[str, object]:
        """Return the binding as plain data."""
        return {
            "transport": "jobs",
            "name": self.name,
            "queue": self.name,
            "retries": self.retry.attempts - 1,
            "concurrency": self.concurrency,
        }


def _camel(name: str) -> str:
    return "".join(word.title() for word in name.split("_"))


def queue(
    name: str,
    *,
    retries: int = 5,
    retry: Retry | None = None,
    concurrency: int = 8,
    lease: float = 60.0,
    poll: float = 1.0,
) -> JobQueue:
    """Name the queue whose jobs a use case does, in an ``expose`` line.

    Args:
        name: Lower-case words: ``mail``.
        retries: How often a job that failed is tried again: after some 2 seconds,
            then twice as long each time, up to 10 minutes. What fails because
            something is not there just now is tried four times as often.
        retry: The whole policy, in place of *retries*.
        concurrency: How many jobs of the queue one process does at once.
        lease: Seconds after which the job of a process that died is another's.
        poll: Seconds between two looks for work that other processes have enqueued.

    Example:
        >>> queue("mail", retries=5).describe()["retries"]
        5
    """
    return JobQueue(name, retry or retrying(retries), concurrency, lease, poll)
