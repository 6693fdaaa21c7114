"""What a cron expression says, by the library cronsim: which moments come after one, and before."""

from datetime import UTC, datetime, timedelta, tzinfo

try:
    from cronsim import CronSim, CronSimError
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "hardy.transport.schedule needs cronsim. Install it with: pip install 'hardy[schedule]'", name=error.name
    ) from None

_SECOND = timedelta(seconds=1)


class Refused(Exception):
    """The expression says no time; the text says why."""


class Expression:
    """The ticks of a cron expression in a time zone, in UTC.

    Raises:
        Refused: It cannot be read.

    Example:
        >>> every_hour = Expression("0 * * * *", UTC)
        >>> every_hour.after(datetime(2026, 1, 1, 9, 30, tzinfo=UTC)).hour
        10
    """

    def __init__(self, expression: str, zone: tzinfo) -> None:
        self._expression = expression
        self._zone = zone
        try:
            CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise Refused(str(error).lower()) from None

    def after(self, moment: datetime) -> datetime:
        """Return the first tick after *moment*.

        Raises:
            Refused: There is none, ever.
        """
        return self._next(moment, reverse=False)

    def before(self, moment: datetime) -> datetime:
        """Return the last tick that is not after *moment*.

        Raises:
            Refused: There is none, ever.
        """
        return self._next(moment.replace(microsecond=0) + _SECOND, reverse=True)

    def _next(self, moment: datetime, *, reverse: bool) -> datetime:
        try:
            return next(CronSim(self._expression, moment.astimezone(self._zone), reverse=reverse)).astimezone(UTC)
        except StopIteration:
            raise Refused("there is no such day") from None
