"""Reads a use case's signature, reporting every fault at once."""

import collections.abc
import copy
import dataclasses
import functools
import inspect
import re
import types
import typing
from collections.abc import Callable

from hardy.core._diagnostics import BuildFailed, Diagnostic, Place
from hardy.core._messages import is_message_type
from hardy.core._parameters import MISSING, Kind, Need, Parameter

_STREAMS = {collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator}
_UNRESOLVED = object()
"""Stands for an annotation that is there and names nothing; it was told already."""


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """What a use case's signature says."""

    name: str
    kind: Kind
    message: type
    reply: object
    parameters: tuple[Parameter, ...]
    synthesised: bool
    needs: tuple[Need, ...]
    doc: str
    place: Place | None


def read(function: Callable[..., object], *, raw: bool) -> Signature:
    """Return what the signature of *function* says, or raise with everything that is wrong with it."""
    reader = _Reader(function)
    signature = reader.read(raw=raw)
    if reader.faults or signature is None:
        raise BuildFailed(reader.faults)
    return signature


class _Reader:
    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", repr(function))
        self.faults: list[Diagnostic] = []

    def fault(self, code: str, title: str, *, at: str = "", label: str = "", helps: tuple[str, ...] = ()) -> None:
        place = Place.of(self.function, highlight=at)
        self.faults.append(Diagnostic(code=code, title=title, place=place, label=label, helps=helps))

    def read(self, *, raw: bool) -> Signature | None:
        if not self._is_async():
            return None
        hints = self._hints()
        if hints is None:
            return None
        signature = inspect.signature(self.function)
        parameters, needs = self._parameters(signature, hints)
        reply, streams_out = self._reply(hints)
        if self.faults:
            return None
        message, streams_in, synthesised = self._message(parameters, raw=raw)
        if message is None:
            return None
        return Signature(
            name=self.name,
            kind=_kind(streams_in=streams_in, streams_out=streams_out),
            message=message,
            reply=reply,
            parameters=parameters,
            synthesised=synthesised,
            needs=needs,
            doc=inspect.getdoc(self.function) or "",
            place=Place.of(self.function),
        )

    def _is_async(self) -> bool:
        target = inspect.unwrap(self.function)
        if inspect.iscoroutinefunction(target) or inspect.isasyncgenfunction(target):
            return True
        self.fault(
            "H0607",
            f"`{self.name}` is not an `async def`",
            at=f"def {self.name}",
            label="needs `async`",
            helps=(
                f"write `async def {self.name}(...)`",
                "blocking work inside it goes through `await hardy.concurrency.in_thread(work, ...)`",
            ),
        )
        return False

    def _hints(self) -> dict[str, object] | None:
        try:
            return typing.get_type_hints(self.function, include_extras=True)
        except (NameError, TypeError, SyntaxError, AttributeError) as error:
            function = inspect.unwrap(self.function)
            if isinstance(function, types.FunctionType | types.MethodType):
                return self._hints_one_by_one(function)
            self.fault("H0608", f"`{self.name}` has an annotation that cannot be resolved: {error}")
            return None

    def _hints_one_by_one(self, function: types.FunctionType | types.MethodType) -> dict[str, object]:
        """Resolve each annotation by itself, so that each that cannot be is told, and the others are read on."""
        names: dict[str, object] = getattr(function, "__globals__", {})
        hints: dict[str, object] = {}
        for name, annotation in function.__annotations__.items():
            alone = types.SimpleNamespace(__annotations__={name: annotation})
            try:
                hints |= typing.get_type_hints(alone, globalns=names, include_extras=True)
            except NameError as error:
                self._unresolved(error.name or str(error))
                hints[name] = _UNRESOLVED
            except (TypeError, SyntaxError, AttributeError) as error:
                self.fault("H0608", f"`{self.name}` has an annotation that cannot be resolved: {error}")
                hints[name] = _UNRESOLVED
        return hints

    def _unresolved(self, missing: str) -> None:
        self.fault(
            "H0608",
            f"`{self.name}` has an annotation that cannot be resolved: `{missing}`",
            at=missing,
            label="no such name when the service runs",
            helps=(
                f"import `{missing}` at the top of the module, not under `if TYPE_CHECKING:`",
                "a class defined inside a function must move to the module",
            ),
        )

    def _parameters(
        self, signature: inspect.Signature, hints: dict[str, object]
    ) -> tuple[tuple[Parameter, ...], tuple[Need, ...]]:
        parameters: list[Parameter] = []
        needs: list[Need] = []
        for each in signature.parameters.values():
            if each.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
                self.fault(
                    "H0611",
                    f"`{self.name}` takes `{each}`, which names nothing a caller could send",
                    at=str(each).partition(":")[0],
                    helps=("name each parameter; a list of things is one parameter `items: list[...]`",),
                )
            elif each.name not in hints:
                self.fault(
                    "H0601",
                    f"`{self.name}` has a parameter without a type",
                    at=each.name,
                    label="needs a type",
                    helps=(
                        f"write `{each.name}: SomeType`; before the star it is part of the message, after it a port",
                    ),
                )
            elif each.kind is inspect.Parameter.KEYWORD_ONLY:
                port, optional = _without_none(hints[each.name])
                needs.append(Need(each.name, port, optional))
            else:
                default = MISSING if each.default is inspect.Parameter.empty else each.default
                parameters.append(Parameter(each.name, hints[each.name], default))
        return tuple(parameters), tuple(needs)

    def _reply(self, hints: dict[str, object]) -> tuple[object, bool]:
        if "return" not in hints:
            self.fault(
                "H0602",
                f"`{self.name}` does not say what it returns",
                at=f"def {self.name}",
                label="needs `-> SomeType`",
                helps=(f"write `async def {self.name}(...) -> SomeType:`, or `-> None` for no reply",),
            )
            return None, False
        reply = hints["return"]
        if reply is _UNRESOLVED:
            return None, False
        origin = typing.get_origin(reply)
        generates = inspect.isasyncgenfunction(inspect.unwrap(self.function))
        if generates and origin not in _STREAMS:
            self.fault(
                "H0612",
                f"`{self.name}` yields, so it returns a stream, but is annotated otherwise",
                at="->",
                helps=("write `-> AsyncIterator[Item]`",),
            )
        elif origin in _STREAMS and not generates:
            self.fault(
                "H0612",
                f"`{self.name}` returns a stream without yielding",
                at="->",
                helps=("make it an async generator: `async for item in ...: yield item`",),
            )
        if origin not in _STREAMS:
            return reply, False
        items = typing.get_args(reply)
        if not items and not self.faults:
            self.fault(
                "H0612",
                f"`{self.name}` returns a stream without saying of what",
                at="->",
                helps=("write `-> AsyncIterator[Item]`",),
            )
        return (items[0] if items else None), True

    def _message(self, parameters: tuple[Parameter, ...], *, raw: bool) -> tuple[type | None, bool, bool]:
        if raw:
            return self._raw(parameters), False, False
        streams = [each for each in parameters if typing.get_origin(each.type) in _STREAMS]
        if streams and len(parameters) > 1:
            self.fault(
                "H0613",
                f"`{self.name}` takes a stream and other things beside it",
                at=next(each.name for each in parameters if each not in streams) if len(streams) == 1 else "",
                label="has no place on the wire",
                helps=("put what is said once into the first item of the stream, or into every item",),
            )
            return None, False, False
        if streams:
            return self._item(streams[0])
        if len(parameters) == 1 and is_message_type(parameters[0].type) and parameters[0].required:
            return typing.cast("type", parameters[0].type), False, False
        return _synthesise(self.function, self.name, parameters), False, True

    def _item(self, stream: Parameter) -> tuple[type | None, bool, bool]:
        item = next(iter(typing.get_args(stream.type)), None)
        if not is_message_type(item):
            self.fault(
                "H0614",
                f"`{self.name}` takes a stream of `{_show(item)}`, which is no message",
                at=stream.name,
                helps=("stream a dataclass: `AsyncIterator[NewOrder]`",),
            )
            return None, True, False
        return typing.cast("type", item), True, False

    def _raw(self, parameters: tuple[Parameter, ...]) -> type | None:
        if len(parameters) == 1 and isinstance(parameters[0].type, type):
            return parameters[0].type
        self.fault(
            "H0615",
            f"`{self.name}` is exposed raw and must take exactly the request before the star",
            at=f"def {self.name}",
            helps=(f"write `async def {self.name}(request: http.Request, *, ...) -> http.Response`",),
        )
        return None


def _kind(*, streams_in: bool, streams_out: bool) -> Kind:
    if streams_in:
        return Kind.BIDI_STREAM if streams_out else Kind.CLIENT_STREAM
    return Kind.SERVER_STREAM if streams_out else Kind.UNARY


def _without_none(annotation: object) -> tuple[object, bool]:
    if typing.get_origin(annotation) not in {typing.Union, types.UnionType}:
        return annotation, False
    rest = [each for each in typing.get_args(annotation) if each is not types.NoneType]
    if len(rest) == len(typing.get_args(annotation)):
        return annotation, False
    return (rest[0], True) if len(rest) == 1 else (typing.Union[tuple(rest)], True)  # noqa: UP007  # built at run time


def _synthesise(function: Callable[..., object], name: str, parameters: tuple[Parameter, ...]) -> type:
    title = "".join(word.capitalize() for word in re.split(r"_+", name) if word)
    fields: list[tuple[str, object, object]] = []
    for each in parameters:
        if type(each.default).__hash__ is None:  # mutable: each message gets a copy of its own
            spec = dataclasses.field(default_factory=functools.partial(copy.deepcopy, each.default), kw_only=True)
        elif each.required:
            spec = dataclasses.field(kw_only=True)
        else:
            spec = dataclasses.field(default=each.default, kw_only=True)
        fields.append((each.name, each.type, spec))
    made = dataclasses.make_dataclass(title, typing.cast("list[tuple[str, type, object]]", fields), slots=True)
    made.__module__ = function.__module__
    made.__doc__ = inspect.getdoc(function)
    return made


def _show(annotation: object) -> str:
    return getattr(annotation, "__name__", None) or str(annotation)
