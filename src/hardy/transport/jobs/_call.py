"""One job in the hands of a use case."""

from hardy.core import Call, Metadata, Operation, Principal
from hardy.queueing import Job
from hardy.schema import Codec

_LONGEST_ID = 64


class JobCall(Call):
    """A call that a job makes: its message was kept, and nobody waits for a reply."""

    __slots__ = ("_codec", "job")

    def __init__(self, operation: Operation, job: Job, message: Codec[object]) -> None:
        # The same id as the call that asked for it: their lines in the log belong together.
        cause = job.cause if job.cause and len(job.cause) <= _LONGEST_ID else None
        super().__init__(operation, "jobs", id=cause, peer=f"job:{job.queue}")
        self.job = job
        self._codec = message
        self.principal = Principal(f"job:{job.queue}", kind="service")

    def read_metadata(self) -> Metadata:
        """Return the id of the job and how often it was tried."""
        return Metadata([("job-id", self.job.id), ("job-attempt", str(self.job.attempt))])

    async def receive(self) -> object:
        """Decode the message.

        Raises:
            Malformed: It is no JSON.
            InvalidMessage: It is not what the use case takes, which may have changed since.
        """
        return self._codec.decode(self.job.message)
