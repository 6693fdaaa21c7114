"""A schedule as a binding: the use case is called at the times that a cron expression says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from hardy.core import Diagnostic, Operation
from hardy.transport.schedule._expression import Expression, Refused

Misfire = Literal["skip", "run_once"]
"""What is done about ticks that passed while nobody could take them."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A binding: the use case is called at each tick of a cron expression, by one of all replicas.

    It calls as ``Principal("schedule:USE_CASE", kind="service")``, without
    scopes or roles: write ``allow=internal``.
    """

    expression: str
    timezone: str = "UTC"
    misfire: Misfire = "skip"
    grace: float = 60.0
    """Seconds after which a tick that nobody has taken counts as missed."""
    transport: str = "schedule"
    raw: bool = False

    def check(self, operation: Operation) -> Sequence[Diagnostic]:
        """Refuse an expression that says no time, a zone that does not exist, and a use case that wants a message."""
        faults = [*self._check_zone(operation), *self._check_policy(operation), *self._check_message(operation)]
        try:
            Expression(self.expression, UTC).after(datetime(2026, 1, 1, tzinfo=UTC))
        except Refused as refused:
            faults.append(
                Diagnostic(
                    code="H0685",
                    title=f'"{self.expression}" of `{operation.name}` says no time: {refused}',
                    place=operation.place,
                    notes=("minute hour day-of-month month day-of-week, as in cron; a sixth before them is seconds",),
                    helps=('schedule.cron("*/5 * * * *")  # every five minutes',),
                )
            )
        return faults

    def _check_zone(self, operation: Operation) -> Sequence[Diagnostic]:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            helps = [f'schedule.cron("{self.expression}", timezone="{each}")' for each in _like(self.timezone)]
            title = f"`{self.timezone}` of `{operation.name}` is no time zone"
            return [Diagnostic(code="H0686", title=title, place=operation.place, helps=tuple(helps))]
        return ()

    def _check_policy(self, operation: Operation) -> Sequence[Diagnostic]:
        said: object = self.misfire
        if said in {"skip", "run_once"} and self.grace > 0:
            return ()
        wrong = f"misfire={said!r}" if said not in {"skip", "run_once"} else f"grace={self.grace:g}"
        return [
            Diagnostic(
                code="H0687",
                title=f"`{operation.name}` cannot be scheduled with {wrong}",
                place=operation.place,
                helps=(
                    f'schedule.cron("{self.expression}", misfire="skip")  # what was missed is over',
                    f'schedule.cron("{self.expression}", misfire="run_once")  # once, for all that was missed',
                ),
            )
        ]

    def _check_message(self, operation: Operation) -> Sequence[Diagnostic]:
        if operation.kind.streams_in or operation.kind.streams_out:
            what = "takes a stream" if operation.kind.streams_in else "streams its reply"
        elif any(each.required for each in operation.parameters):
            what = "takes a message"
        else:
            return ()
        return [
            Diagnostic(
                code="H0688",
                title=f"`{operation.name}` {what}, and a schedule has nothing to say",
                place=operation.place,
                notes=("the parameters before the * are the message; those after it are needs",),
                helps=(f"async def {operation.name}(*, ...) -> None:",),
            )
        ]

    def describe(self) -> dict[str, object]:
        """Return the binding as plain data."""
        return {
            "transport": "schedule",
            "name": self.expression if self.timezone == "UTC" else f"{self.expression} {self.timezone}",
            "cron": self.expression,
            "timezone": self.timezone,
            "misfire": self.misfire,
        }


def cron(expression: str, *, timezone: str = "UTC", misfire: Misfire = "skip", grace: float = 60.0) -> Cron:
    """Call an operation at the times of a cron expression.

    Each tick is claimed by one of all replicas, before it is carried out, so it
    happens at most once: what must not be lost is put into a queue by the use
    case. A replica does not take a tick while it still runs the one before.

    Args:
        expression: Five fields as cron has them, or six, with seconds first.
        timezone: The zone whose clocks are meant. Where they are put forward, what
            falls into the hour that is left out happens after it; where they are put
            back, what has a fixed hour happens once (as Debian's cron does).
        misfire: What is done about ticks that passed while no replica ran:
            nothing, or one run for all of them.
        grace: Seconds after which a tick that nobody has taken counts as missed.

    Example:
        >>> cron("*/5 * * * *").describe()["cron"]
        '*/5 * * * *'
    """
    return Cron(expression, timezone, misfire, grace)


@cache
def _zones() -> Sequence[str]:
    return sorted(available_timezones())


def _like(name: str) -> Sequence[str]:
    import difflib

    return difflib.get_close_matches(name, _zones(), n=2, cutoff=0.5) or ["Europe/Berlin"]
