"""The rules that msgspec does not have, checked on decoded values at the price of a comparison.

One function a class is written and compiled at build, as `dataclasses` writes
``__init__``: of ``quantity: Annotated[int, Ge(1)]`` nothing is left to ask but
``value.quantity <= 9223372036854775807``.
"""

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal

import msgspec

from hardy.schema._collect import breaches
from hardy.schema._families import Family
from hardy.schema._pydantic import to_python_values
from hardy.schema._shapes import (
    Anything,
    Many,
    Mapping,
    Member,
    Nullable,
    OneOf,
    Record,
    Row,
    Scalar,
    Shape,
    reachable,
)
from hardy.schema._wording import FINITE, HIGHEST, LOWEST

Sound = Callable[[object], bool]


def guard(shape: Shape, kinds: frozenset[type]) -> Sound | None:
    """Return a function that says whether a value keeps hardy's own rules; none when there is nothing to ask.

    Args:
        kinds: The types whose rules are asked: of ``int``, ``float``,
            ``Decimal``, ``datetime``; ``object`` asks all of values without a type.
    """
    writer = _Writer(kinds)
    return writer.compiled(shape) if writer.asks(shape) else None


class _Writer:
    def __init__(self, kinds: frozenset[type]) -> None:
        self.kinds = kinds
        self.names: dict[int, str] = {}
        self.lines: list[str] = []
        self.temporary = 0
        self.namespace: dict[str, object] = {
            "INF": math.inf,
            "UNSET": msgspec.UNSET,
            "plain": _sound if object in kinds else _finite,
            "model": lambda value: self.namespace["plain"](to_python_values(value)),  # type: ignore[operator]  # one of the two above
        }

    def asks(self, shape: Shape) -> bool:
        """Whether anything in *shape* has a rule to check."""
        return any(self._asks(each) for each in reachable(shape))

    def _asks(self, shape: Shape) -> bool:
        if isinstance(shape, Scalar):
            return self.scalar(shape, "v") is not None
        return isinstance(shape, Anything) or (isinstance(shape, Record) and shape.family is Family.PYDANTIC)

    def compiled(self, shape: Shape) -> Sound:
        name = self.function(shape)
        exec(compile("\n".join(self.lines), "<hardy.schema guard>", "exec"), self.namespace)  # noqa: S102  # written above, from numbers and identifiers
        return self.namespace[name]  # type: ignore[return-value]  # it was just made

    def function(self, shape: Shape) -> str:
        """Write the function of *shape*, unless it is written, and return its name."""
        if id(shape) not in self.names:
            self.names[id(shape)] = name = f"sound{len(self.names)}"
            self.lines.append(f"def {name}(v):\n    return {self.ask(shape, 'v') or 'True'}")
        return self.names[id(shape)]

    def ask(self, shape: Shape, of: str) -> str | None:
        """Write the question to ask about the expression *of*."""
        if not self.asks(shape):
            return None
        match shape:
            case Scalar():
                return self.scalar(shape, of)
            case Anything():
                return f"plain({of})"
            case Record() if shape.family is Family.PYDANTIC:
                return f"model({of})"
            case Record():
                return " and ".join(filter(None, (self.member(shape, each, of) for each in shape.members)))
            case Nullable():
                self.temporary += 1
                held = f"t{self.temporary}"
                inner = self.called(shape.inner, held)
                return f"(({held} := {of}) is None or {held} is UNSET or {inner})"
            case Many():
                return f"all(map({self.function(shape.item)}, {of}))"
            case Row():
                asked = [self.called(each, f"{of}[{at}]") for at, each in enumerate(shape.items) if self.asks(each)]
                return " and ".join(asked)
            case Mapping():
                keys = f"all(map({self.function(shape.key)}, {of}))" if self.asks(shape.key) else ""
                values = f"all(map({self.function(shape.value)}, {of}.values()))" if self.asks(shape.value) else ""
                return " and ".join(filter(None, (keys, values)))
            case OneOf():
                return self.one_of(shape, of)
            case _:
                return None

    def called(self, shape: Shape, of: str) -> str:
        """Ask about a part: in place when it is a scalar, by its function otherwise."""
        if isinstance(shape, Scalar):
            return f"({self.scalar(shape, of)})"
        return f"{self.function(shape)}({of})"

    def member(self, record: Record, member: Member, of: str) -> str | None:
        if not self.asks(member.shape):
            return None
        if record.family is not Family.TYPED_DICT:
            part = f"{of}.{member.field.name}"
            return (
                self.ask(member.shape, part) if isinstance(member.shape, Nullable) else self.called(member.shape, part)
            )
        asked = self.called(member.shape, f"{of}[{member.field.name!r}]")
        return asked if member.field.required else f"({member.field.name!r} not in {of} or {asked})"

    def one_of(self, shape: OneOf, of: str) -> str:
        table = f"cases{len(self.namespace)}"
        functions = {each.cls: self.function(each) for each in shape.cases.values() if self.asks(each)}
        self.namespace[table] = _Cases(functions, self.namespace)
        return f"{table}({of})"

    def scalar(self, shape: Scalar, of: str) -> str | None:
        if shape.python not in self.kinds:
            return None
        if shape.python is int:
            return _within_int64(shape, of)
        if shape.python is float:
            return f"-INF < {of} < INF"
        return f"{of}.tzinfo is not None" if shape.python is dt.datetime else f"{of}.is_finite()"


class _Cases:
    """Asks the function of a tagged Struct's own class."""

    def __init__(self, names: dict[type, str], namespace: dict[str, object]) -> None:
        self.names = names
        self.namespace = namespace

    def __call__(self, value: object) -> bool:
        name = self.names.get(type(value))
        return name is None or self.namespace[name](value)  # type: ignore[operator]  # written by the same writer


def _within_int64(shape: Scalar, of: str) -> str | None:
    """Leave out the side that the type's own bounds keep."""
    low = [shape.limits[name] for name in ("ge", "gt") if name in shape.limits]
    high = [shape.limits[name] for name in ("le", "lt") if name in shape.limits]
    below = any(isinstance(each, int) and each >= LOWEST for each in low)
    above = any(isinstance(each, int) and each <= HIGHEST for each in high)
    if below and above:
        return None
    if below:
        return f"{of} <= {HIGHEST}"
    return f"{LOWEST} <= {of}" if above else f"{LOWEST} <= {of} <= {HIGHEST}"


def _sound(value: object) -> bool:
    return next(breaches(value), None) is None


def _finite(value: object) -> bool:
    return all(fault.detail != FINITE for fault in breaches(value))


JSON_RULES = frozenset[type]({int, Decimal, dt.datetime, object})
"""What JSON text may break: a number that is not finite is refused by msgspec itself."""
VALUE_RULES = JSON_RULES | {float}
"""What values may break that did not come as JSON."""
FLOAT_RULES = frozenset[type]({float})
"""What msgspec writes as null without a word."""
