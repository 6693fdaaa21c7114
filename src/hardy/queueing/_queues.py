"""Which use case is bound to which queue: what turns a call of ``enqueue`` into a job."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Concatenate, ParamSpec, TypeVar, cast

from hardy.core import Operation, current_call, new_call_id
from hardy.queueing._job import NewJob
from hardy.schema import Codec, codec

M = TypeVar("M")
P = ParamSpec("P")
Put = Callable[[NewJob], Awaitable[object]]


class Queues:
    """The queues of a service, as its ``expose`` lines say.

    Args:
        bound: Each operation that is bound to a queue, with the queue's name.

    Example:
        >>> async def send_receipt(order_id: int) -> None: ...
        >>> queues = Queues([(Operation.of(send_receipt), "mail")])
        >>> job = queues.job(send_receipt, 42)
        >>> job.queue, job.use_case, job.message
        ('mail', 'send_receipt', b'{"order_id":42}')
    """

    def __init__(self, bound: Iterable[tuple[Operation, str]] = ()) -> None:
        self._bound = {operation.function: (operation, queue) for operation, queue in bound}
        self._codecs: dict[Operation, Codec[object]] = {}

    def job(self, use_case: Callable[..., object], message: object, *, delay: float = 0.0, priority: int = 0) -> NewJob:
        """Return the job that calls *use_case* with *message*.

        Raises:
            LookupError: The use case is bound to no queue.
            TypeError: The message is of another class.
            InvalidMessage: The message breaks its rules.
        """
        operation, queue = self._find(use_case)
        message = operation.message_of((message,), {})
        if not isinstance(message, operation.message):
            wanted, given = operation.message.__name__, type(message).__name__
            raise TypeError(f"`{operation.name}` takes a {wanted}, it was enqueued with a {given}")
        if operation not in self._codecs:
            self._codecs[operation] = codec(cast("type[object]", operation.message))
        encoded = self._codecs[operation].encode(message)
        self._codecs[operation].decode(encoded)  # whoever enqueues learns of a fault, and not who finds the job later
        call = current_call()
        return NewJob(
            id=new_call_id(),
            queue=queue,
            use_case=operation.name,
            message=encoded,
            delay=max(0.0, delay),
            priority=priority,
            cause=None if call is None else call.id,
        )

    def _find(self, use_case: Callable[..., object]) -> tuple[Operation, str]:
        found = self._bound.get(use_case)
        if found is None:
            name: str = getattr(use_case, "__name__", repr(use_case))
            raise LookupError(
                f"`{name}` is bound to no queue; bind it where the service is put together: "
                f'app.expose({name}, jobs.queue("mail"), allow=internal), with jobs from hardy.transport'
            )
        return found


class QueuedJobs:
    """Fulfils `hardy.Jobs`: makes jobs of what is enqueued and hands each to *put*.

    Args:
        queues: Who is bound to what.
        put: Keeps a job as part of the work of the call.
    """

    def __init__(self, queues: Queues, put: Put) -> None:
        self._queues = queues
        self._put = put

    async def enqueue(
        self,
        use_case: Callable[Concatenate[M, P], Awaitable[object]],
        message: M,
        /,
        *,
        delay: float = 0.0,
        priority: int = 0,
    ) -> str:
        """Make a job and keep it; see `hardy.Jobs.enqueue`."""
        job = self._queues.job(use_case, message, delay=delay, priority=priority)
        await self._put(job)
        return job.id
