"""Carries a command out: one call, its reply printed as JSON."""

from collections.abc import Callable

from hardy.core import Call, Exposed, Operation, Principal
from hardy.schema import Codec, codec
from hardy.transport.command._binding import Command

Write = Callable[[bytes], None]


class _CommandCall(Call):
    __slots__ = ("_codec", "_given", "_write", "encoded", "reply")

    def __init__(self, operation: Operation, given: object, reply: "Codec[object]", write: Write) -> None:
        super().__init__(operation, "command", peer="local")
        self._given = given
        self._codec = reply
        self._write = write
        self.encoded = b""
        self.reply: object = self  # no reply is this call: nothing is encoded yet

    async def receive(self) -> object:
        return self._given

    def encode(self, reply: object) -> None:
        self.encoded = self._codec.encode(reply)
        self.reply = reply

    async def send(self, item: object) -> None:
        self._write(self._codec.encode(item) + b"\n")


async def carry_out(exposed: Exposed, message: object, write: Write, *, principal: Principal | None = None) -> None:
    """Carry the command's operation out with *message*; *write* takes each line of the reply.

    Args:
        exposed: The operation with its composed chain, usually bound to a command.
        message: What the use case is given.
        write: Called with each line of the reply, as JSON.
        principal: Who calls; a command calls as itself when left out.

    Raises:
        Error: What the call was answered with.
    """
    operation = exposed.operation
    call = _CommandCall(operation, message, codec(operation.reply), write)
    if principal is not None:
        call.principal = principal
    elif isinstance(exposed.binding, Command):
        call.principal = Principal(f"command:{exposed.binding.name}", kind="service")
    reply = await call.run(exposed.handler)
    if operation.kind.streams_out or operation.reply is type(None):
        return
    if reply is not call.reply:
        call.encode(reply)  # a middleware has put another in its place
    write(call.encoded + b"\n")
