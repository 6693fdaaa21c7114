"""What of a history is applied to a database, and what is wrong between the two."""

from collections.abc import Sequence
from dataclasses import dataclass

from hardy.adapters.sql.migrations import _faults
from hardy.adapters.sql.migrations._migration import Migration, Record, number_of
from hardy.core import Diagnostic


@dataclass(frozen=True, slots=True)
class Standing:
    """How a history and a database stand to each other.

    Example:
        >>> Standing((), (Record(name="0001_orders", checksum="", applied_at=None),)).is_current
        True
    """

    history: Sequence[Migration]
    """What the code has, in order."""
    records: Sequence[Record]
    """What the database remembers."""

    def record_of(self, migration: Migration) -> Record | None:
        """Return what the database remembers of *migration*; ``None`` when it was never begun."""
        return next((each for each in self.records if each.name == migration.name), None)

    def is_applied(self, migration: Migration) -> bool:
        """Tell whether *migration* was applied as a whole."""
        record = self.record_of(migration)
        return record is not None and record.applied_at is not None

    @property
    def applied(self) -> Sequence[Migration]:
        """What is applied, in the order of the history."""
        return [each for each in self.history if self.is_applied(each)]

    @property
    def pending(self) -> Sequence[Migration]:
        """What is not applied, in the order of the history."""
        return [each for each in self.history if not self.is_applied(each)]

    @property
    def is_current(self) -> bool:
        """Whether nothing is pending and nothing is wrong."""
        return not self.pending and not self.faults()

    @property
    def drifted(self) -> Sequence[Migration]:
        """What was changed after it was applied; one that is under way may be corrected."""
        return [
            each
            for each in self.history
            if (record := self.record_of(each)) and record.applied_at and record.checksum != each.checksum
        ]

    @property
    def unknown(self) -> Sequence[Record]:
        """What is applied and the code does not have; steps of parts that are used no more are not counted."""
        known = {each.name for each in self.history}
        return [each for each in self.records if each.name not in known and number_of(each.name)]

    @property
    def ahead(self) -> Sequence[str]:
        """The names of what a newer version of the service has applied."""
        newest = max((each.number for each in self.history), default=0)
        return [each.name for each in self.unknown if number_of(each.name) > newest]

    def faults(self) -> Sequence[Diagnostic]:
        """Return everything that forbids to go on: changed, missing and late migrations."""
        ahead = set(self.ahead)
        found = [_faults.drifted(each, record) for each in self.drifted if (record := self.record_of(each))]
        found += [_faults.missing(each) for each in self.unknown if each.name not in ahead]
        newest = max((each for each in self.applied if each.number), key=lambda each: each.number, default=None)
        if newest is not None:
            free = max(each.number for each in self.history) + 1
            late = [each for each in self.pending if 0 < each.number < newest.number]
            found += [_faults.late(each, newest.name, free + index) for index, each in enumerate(late)]
        return found
