"""Counters as plain data, of one process and of several."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import cast

import msgspec


def plain(records: Mapping[str, object]) -> dict[str, object]:
    """Return frozen *records* of counters as JSON can tell them.

    Example:
        >>> from hardy.resilience import InFlight
        >>> plain({"calls": InFlight().statistics()})
        {'calls': {'now': 0, 'started': 0, 'late': 0}}
    """
    return {name: _plain(record) for name, record in records.items()}


def _plain(record: object) -> object:
    if is_dataclass(record) and not isinstance(record, type):
        record = asdict(record)
    return msgspec.to_builtins(record, str_keys=True, enc_hook=str)


def add_up(records: Sequence[object]) -> object:
    """Return the sum of the counters of several processes; what is no number is left out."""
    groups = [cast("dict[str, object]", each) for each in records if isinstance(each, dict)]
    if groups:
        names = dict.fromkeys(name for each in groups for name in each)
        summed = {name: add_up([each.get(name) for each in groups]) for name in names}
        return {name: value for name, value in summed.items() if value is not None}
    numbers = [each for each in records if isinstance(each, int | float) and not isinstance(each, bool)]
    return sum(numbers) if numbers else None
