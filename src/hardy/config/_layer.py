"""One source of values among several."""

from dataclasses import dataclass, field

from hardy.config._raw import Raw
from hardy.config._tree import Path
from hardy.core import Diagnostic


@dataclass(slots=True, kw_only=True)
class Layer:
    """What one source says, what is wrong with it, and what in it nobody reads."""

    name: str
    """As in "looked in": ``environment``, ``.env (6 keys)``, ``/run/secrets (absent)``."""
    found: dict[Path, Raw] = field(default_factory=dict)
    faults: list[Diagnostic] = field(default_factory=list)
    unknown: list[Raw] = field(default_factory=list)
    """Variables with the service's prefix that no setting reads."""


def count(keys: int) -> str:
    """Return ``6 keys`` or ``1 key``."""
    return f"{keys} key" if keys == 1 else f"{keys} keys"
