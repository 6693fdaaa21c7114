"""hardy's frozen description of a use case."""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, cast

from hardy.core._diagnostics import Place
from hardy.core._errors import Error
from hardy.core._parameters import Kind, Need, Parameter
from hardy.core._signature import read

if TYPE_CHECKING:
    from hardy.core._call import Call

Rule = Callable[["Call"], bool | Awaitable[bool]]
"""Says whether the call's principal may do this; given as ``allow=``."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """hardy's frozen description of a use case; its name is the function's name.

    Made once, at build, by `Operation.of`; everything a call needs to know
    about its use case is here, so that no reflection happens later.

    Example:
        >>> async def get_order(order_id: str) -> dict[str, str]:
        ...     '''Look one order up.'''
        ...     return {"id": order_id}
        >>> operation = Operation.of(get_order)
        >>> operation.name, operation.kind.name, operation.summary
        ('get_order', 'UNARY', 'Look one order up.')
    """

    name: str
    function: Callable[..., object]
    kind: Kind
    message: type
    """The message's class, or of a client stream the class of one item."""
    reply: object
    """The reply's type, or of a server stream the type of one item."""
    parameters: tuple[Parameter, ...] = ()
    """The positional parameters, as written."""
    synthesised: bool = False
    """Whether *message* was made from the parameters (``GetOrder {order_id}``)."""
    raw: bool = False
    """Whether it takes and returns the transport's own request and response."""
    needs: tuple[Need, ...] = ()
    doc: str = ""
    place: Place | None = None
    allow: Rule | None = None
    raises: tuple[type[Error], ...] = ()
    timeout: float | None = None
    """Seconds for a unary call, or for a stream's first item; the service's default when none."""
    finish_on_disconnect: bool = False
    """Whether a call goes on when its client is gone."""
    idempotency: Literal["accepted", "required"] | None = None
    """Whether a call may, or has to, bring an ``Idempotency-Key``."""
    limited: bool = False
    """Whether its calls are counted against rate limits."""

    @classmethod
    def of(cls, function: Callable[..., object], *, raw: bool = False) -> "Operation":
        """Read a use case's signature.

        Positional parameters are the message, keyword-only parameters are
        needs, the return annotation is the reply.

        Args:
            function: The use case: an ``async def``, or an async generator
                function for a stream of replies.
            raw: Whether its one positional parameter is the transport's request.

        Raises:
            BuildFailed: With every fault of the signature, by name and place.
        """
        found = read(function, raw=raw)
        return cls(
            name=found.name,
            function=function,
            kind=found.kind,
            message=found.message,
            reply=found.reply,
            parameters=found.parameters,
            synthesised=found.synthesised,
            raw=raw,
            needs=found.needs,
            doc=found.doc,
            place=found.place,
        )

    @property
    def summary(self) -> str:
        """The first line of the use case's docstring."""
        return self.doc.partition("\n")[0]

    def with_options(
        self,
        *,
        allow: Rule | None = None,
        raises: tuple[type[Error], ...] = (),
        timeout: float | None = None,
        finish_on_disconnect: bool = False,
        idempotency: Literal["accepted", "required"] | None = None,
        limited: bool = False,
    ) -> "Operation":
        """Return the operation with what its ``expose`` line says."""
        return replace(
            self,
            allow=allow,
            raises=raises,
            timeout=timeout,
            finish_on_disconnect=finish_on_disconnect,
            idempotency=idempotency,
            limited=limited,
        )

    def message_of(self, given: Sequence[object], named: Mapping[str, object]) -> object:
        """Return the message that a caller sends with these arguments of the use case.

        Of a client stream that is the iterator over its items.

        Raises:
            TypeError: These are not its arguments.
        """
        if len(given) > len(self.parameters) or (self.kind.streams_in and len(given) + len(named) != 1):
            takes, got = len(self.parameters), len(given) + len(named)
            raise TypeError(f"`{self.name}` takes {takes} positional arguments, {got} were given")
        arguments = dict(zip((each.name for each in self.parameters), given, strict=False)) | dict(named)
        if self.kind.streams_in:
            (items,) = arguments.values()
            return aiter(cast("AsyncIterable[object]", items))
        if self.synthesised or not self.parameters or self.parameters[0].name not in arguments:
            return self.message(**arguments)
        return arguments[self.parameters[0].name]

    def invoke(self, message: object, needs: dict[str, object]) -> object:
        """Call the use case: returns the coroutine, or the async generator of a stream."""
        return self.invoker()(message, needs)

    def invoker(self) -> Callable[[object, dict[str, object]], object]:
        """Return what `invoke` does with all decided that the signature decides, for those who call often."""
        function = self.function
        names = [each.name for each in self.parameters]
        if self.synthesised and len(names) > 1:
            every = attrgetter(*names)
            return lambda message, needs: function(*every(message), **needs)
        if self.synthesised and names:
            one = attrgetter(names[0])
            return lambda message, needs: function(one(message), **needs)
        if not self.parameters:
            return lambda message, needs: function(**needs)
        if not self.needs:
            return lambda message, needs: function(message)
        return lambda message, needs: function(message, **needs)
