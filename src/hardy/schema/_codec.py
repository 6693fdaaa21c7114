"""Carries values of one type to JSON and back, by hardy's message rules."""

import typing
from typing import Generic, TypeVar, overload

import msgspec

from hardy.core import BuildFailed, Fault, InvalidMessage
from hardy.schema import _pydantic, _wording as words
from hardy.schema._case import JsonCase
from hardy.schema._collect import BUDGET, Collector, decode_hook
from hardy.schema._complete import completer
from hardy.schema._families import Family
from hardy.schema._guard import FLOAT_RULES, JSON_RULES, VALUE_RULES, guard
from hardy.schema._hostile import is_depth, malformed, parse
from hardy.schema._pointer import of_msgspec
from hardy.schema._read import read
from hardy.schema._rename import Rename
from hardy.schema._shapes import Anything, Record, Scalar, Shape, reachable
from hardy.schema._show import show

T = TypeVar("T")

_syntax = msgspec.json.Decoder(msgspec.Raw).decode
_whatever = msgspec.json.Decoder().decode


@overload
def codec(  # pyright: ignore[reportOverlappingOverload]  # a type that is no class, as `int | None`, has no T to tell
    type_: type[T], *, json_case: JsonCase = "snake"
) -> "Codec[T]": ...
@overload
def codec(type_: object, *, json_case: JsonCase = "snake") -> "Codec[object]": ...
def codec(type_: object, *, json_case: JsonCase = "snake") -> "Codec[T] | Codec[object]":
    """Prepare the codec of a type; made once, at build.

    Args:
        type_: A message, a reply, or any part of one.
        json_case: ``"camel"`` renames every member that its class does not
            rename itself, at up to twice the cost of the codec.

    Raises:
        BuildFailed: Messages cannot have this type; every reason is told.
    """
    shape, faults = read(type_, what=f"`{show(type_)}`", json_case=json_case)
    if faults:
        raise BuildFailed(faults)
    return Codec(type_, shape)


class Codec(Generic[T]):
    """Carries values of one type to JSON and back, by hardy's message rules.

    Made by `codec`. Decoding goes straight from bytes into the user's class;
    only when that fails is the message read a second time, to tell every fault.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Point:
        ...     x: int
        ...     y: int
        >>> points = codec(Point)
        >>> points.decode(b'{"x": 1, "y": 2, "z": 3}')
        Point(x=1, y=2)
        >>> points.encode(Point(1, 2))
        b'{"x":1,"y":2}'
        >>> points.decode(b'{"x": 1.5}')
        Traceback (most recent call last):
        InvalidMessage: the message has 2 faults
    """

    __slots__ = (
        "_complete",
        "_dear",
        "_decode",
        "_encode",
        "_finite",
        "_hook",
        "_rename",
        "_sound",
        "_sound_value",
        "_temporal",
        "_type",
        "shape",
    )  # fmt: skip

    def __init__(self, type_: object, shape: Shape) -> None:
        self.shape = shape
        self._type = type_
        self._rename = Rename(shape)
        self._sound = guard(shape, JSON_RULES)
        self._sound_value = guard(shape, VALUE_RULES)
        self._finite = guard(shape, FLOAT_RULES)
        self._complete = completer(shape)
        parts = reachable(shape)
        # Read as text, "20240101" would be seconds since 1970 to msgspec.
        self._temporal = any(isinstance(each, Scalar) and each.python in words.MOMENTS for each in parts)
        models = any(isinstance(each, Record) and each.family is Family.PYDANTIC for each in parts)
        self._hook = decode_hook if models else None
        self._dear = models or any(isinstance(each, Anything) for each in parts)
        self._decode = self._decoder()
        self._encode = self._encoder()

    def __repr__(self) -> str:
        return f"codec({show(self._type)})"

    def decode(self, data: bytes) -> T:
        """Make the value that JSON text stands for.

        Raises:
            Malformed: The bytes are no JSON: syntax, encoding, depth.
            InvalidMessage: The message breaks its rules; every fault is told.
        """
        try:
            if not data.isascii():
                str(data, "utf-8")  # msgspec does not look into members it skips
            value = self._decode(data)
        except (ValueError, RecursionError) as error:
            return self._explain(error, data)
        try:
            if self._sound is None or self._sound(value):
                return value if self._complete is None else self._whole(value)
        except RecursionError as error:
            raise malformed(error, data) from None
        raise self._refused(Collector(self._rename, budget=BUDGET).collect(self.shape, parse(data)))

    def convert(self, value: object, *, lax: bool = False) -> T:
        """Make the value that decoded JSON, or a mapping of path and query texts, stands for.

        Args:
            value: Of dicts, lists, text, numbers, booleans and ``None``.
            lax: Whether text may stand for a number, a boolean or null, as in
                a path or a query.

        Raises:
            InvalidMessage: The message breaks its rules; every fault is told.
        """
        try:
            if lax and self._temporal:
                self._check(value, lax=lax)
            made = self._from_builtins(self._rename.inward(self.shape, value), strict=not lax)
            sound = self._sound_value is None or self._sound_value(made)
        except (msgspec.ValidationError, OverflowError) as error:
            self._check(value, lax=lax)
            raise self._refused([_only(error)]) from None
        except RecursionError:
            raise self._refused([Fault("", words.TOO_DEEP)]) from None
        if not sound:
            raise self._refused(Collector(self._rename, lax=lax).collect(self.shape, value))
        return self._whole(made)

    def _whole(self, value: T) -> T:
        if self._complete is not None:
            self._complete(value)
        return value

    def encode(self, value: T) -> bytes:
        """Write a value as JSON text.

        Raises:
            TypeError: The value, or something in it, has no form in JSON.
            ValueError: It holds what JSON text cannot: a float that is not
                finite, half of a surrogate pair, itself.
        """
        try:
            data = self._encode(value)
            # msgspec writes a float that is not finite as null. To look for that first is worth it
            # only where looking at the value is dear.
            if self._finite is not None and (not self._dear or b"null" in data) and not self._finite(value):
                raise ValueError(f"{self._named()} holds a float that is not finite, which JSON cannot carry")
        except RecursionError:
            raise ValueError(f"{self._named()} holds itself, or is nested too deeply for JSON") from None
        except AttributeError as error:
            raise TypeError(f"{self._named()} is a {type(value).__name__}: {error}") from error
        return data

    def to_builtins(self, value: T) -> object:
        """Return a value as dicts, lists, text, numbers, booleans and ``None``.

        Raises:
            TypeError: The value, or something in it, has no form in JSON.
        """
        return self._rename.outward(self.shape, msgspec.to_builtins(value, str_keys=True, enc_hook=_encode_hook))

    def validate(self, value: object) -> T:
        """Return a value made by Python code as a caller on the other side of a wire would get it.

        What it holds obeys the same rules as what is decoded: constraints,
        ranges, offsets. For direct calls, and for replies in the test environment.

        Raises:
            InvalidMessage: It breaks the rules; every fault is told.
        """
        expected = self.shape.cls if isinstance(self.shape, Record) else None
        if expected is not None and self._is_class() and not isinstance(value, expected):
            raise self._refused([Fault("", f"must be a {expected.__name__}, not a {type(value).__name__}")])
        try:
            raw = msgspec.to_builtins(value, str_keys=True, enc_hook=_stand_in)
        except RecursionError:
            raise self._refused([Fault("", words.TOO_DEEP)]) from None
        except (TypeError, ValueError) as error:
            raise self._refused([Fault("", f"has no form in JSON: {error}")]) from None
        outside = self._rename.outward(self.shape, raw)
        self._check(outside)
        return self.convert(outside)

    def _is_class(self) -> bool:
        return isinstance(self.shape, Record) and self.shape.family is not Family.TYPED_DICT

    def _named(self) -> str:
        return f"the value for {show(self._type)}"

    def _decoder(self) -> "typing.Callable[[bytes], T]":
        if isinstance(self.shape, Record) and self.shape.family is Family.PYDANTIC and not self._rename.needed:
            cls = self.shape.cls

            def model(data: bytes) -> T:
                _syntax(data)  # pydantic lets NaN and Infinity pass
                return typing.cast("T", _pydantic.from_json(cls, data))

            return model
        if self._rename.needed:
            return lambda data: self._from_builtins(self._rename.inward(self.shape, _whatever(data)), strict=True)
        return msgspec.json.Decoder(typing.cast("type[T]", self._type), dec_hook=self._hook).decode

    def _encoder(self) -> "typing.Callable[[T], bytes]":
        encode = msgspec.json.Encoder(enc_hook=_encode_hook).encode
        return (lambda value: encode(self.to_builtins(value))) if self._rename.needed else encode

    def _from_builtins(self, raw: object, *, strict: bool) -> T:
        type_ = typing.cast("type[T]", self._type)
        return msgspec.convert(raw, type_, strict=strict, str_keys=True, dec_hook=self._hook)

    def _explain(self, error: Exception, data: bytes) -> T:
        """Tell every fault of *data*, or make the value after all when the last of two members is right."""
        if isinstance(error, RecursionError):
            if is_depth(error):
                raise malformed(error, data) from None
            raise error
        if not isinstance(error, msgspec.ValidationError) and not _pydantic.is_failure(error):
            if isinstance(error, msgspec.DecodeError | UnicodeDecodeError):
                raise malformed(error, data) from None
            raise error
        raw = parse(data)
        if faults := Collector(self._rename, budget=BUDGET).collect(self.shape, raw):
            raise self._refused(faults)
        try:
            return self._whole(self._from_builtins(self._rename.inward(self.shape, raw), strict=True))
        except (msgspec.ValidationError, OverflowError):
            raise self._refused([_only(error)]) from None

    def _check(self, raw: object, *, lax: bool = False) -> None:
        if faults := Collector(self._rename, lax=lax).collect(self.shape, raw):
            raise self._refused(faults)

    def _refused(self, faults: list[Fault]) -> InvalidMessage:
        return InvalidMessage(faults or [Fault("", "holds a number or a time that no message may hold")])


def _only(error: Exception) -> Fault:
    return Fault(of_msgspec(str(error)), words.from_msgspec(str(error)))


def _encode_hook(value: object) -> object:
    if _pydantic.is_model(type(value)):
        return _pydantic.to_json_values(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def _stand_in(value: object) -> object:
    """Put what no rule lets pass in the place of what JSON cannot carry, so that the fault has its pointer."""
    return _pydantic.to_json_values(value) if _pydantic.is_model(type(value)) else float("nan")
