"""What a running service has done and is doing, in numbers."""

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import cast

import msgspec

from hardy.app._service import Service, named
from hardy.lifecycle import Counts


def statistics_of(service: Service) -> dict[str, object]:
    """Return the counters of a service: its calls, its doors, and its components that count something.

    Example:
        >>> import asyncio
        >>> from hardy.app import App, Assembly
        >>> async def main() -> dict[str, object]:
        ...     async with Service(Assembly(App("hello"))) as service:
        ...         return statistics_of(service)
        >>> asyncio.run(main())["calls"]
        {'now': 0, 'started': 0, 'late': 0}
    """
    counted: dict[str, object] = {"calls": service.assembly.in_flight.statistics()}
    if service.http is not None:
        counted["http"] = service.http.statistics()
    if service.grpc is not None:
        counted["grpc"] = service.grpc.statistics()
    if service.assembly.shed is not None:
        counted["shed"] = service.assembly.shed.statistics()
    if service.watchdog is not None:
        counted["loop"] = service.watchdog.statistics()
    for name, component in named(service.assembly.components):
        if isinstance(component, Counts):
            counted[name] = component.statistics()
    return {name: _plain(record) for name, record in counted.items()}


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
