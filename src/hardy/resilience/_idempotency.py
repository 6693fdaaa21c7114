"""What remembers the outcome of a call under its caller's key: the port, and what passes through it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry a call out: nobody else has it while it lasts.

    Example:
        >>> Claim("place_order:9f8a", b"...", token="7c21").key
        'place_order:9f8a'
    """

    key: str
    fingerprint: bytes
    """Of the message, at most 64 bytes: under one key only the same message may come again."""
    token: str
    """Unique to this claim: a holder that lost it to another cannot write under it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody carries out a call under this key at this moment."""

    fingerprint: bytes | None = None
    """Of its message; ``None`` where the store cannot tell."""
    retry_after: float = 1.0
    """Seconds after which asking again is worth while."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A call under this key has ended, and this is how."""

    fingerprint: bytes
    outcome: bytes
    """What was given to `IdempotencyStore.keep`."""


class IdempotencyStore(Protocol):
    """Remembers the outcome of a call under a key: the port that ``idempotency=`` needs.

    There are two kinds, told apart by `within`:

    - A store **of its own** (memory, Redis): *within* is ``None``. `begin` claims the key for
      *lease* seconds, `keep` is called once the call's effects are committed, `release`
      when there are none. A process that dies in between leaves the claim to end by itself.
    - A store **in the transaction** (SQL): *within* is the port of the call's
      transaction (``Session``), which is then handed to `begin` and `keep`; what
      they write becomes true together with the effects, or not at all. `release` is
      called after the end of the transaction, whatever its end was. A process that
      dies loses claim and effects together.

    A component yields one, under this port (``port = IdempotencyStore``); that of one process says so
    by its attribute ``process_local = True``. Keys and outcomes are opaque.
    What has expired counts as absent; the store gets rid of it.
    """

    @property
    def within(self) -> type[object] | None:
        """The port of the transaction that it writes in; ``None`` for a store of its own."""
        ...

    async def begin(
        self, key: str, fingerprint: bytes, *, lease: float, within: object = None
    ) -> Claim | Claimed | Kept:
        """Claim *key*, or tell who has it or what came of it; one round trip where the store is its own.

        It does not wait for another holder.

        Args:
            key: Whose, which operation's, and the caller's own text, in one: at most 200 characters of ASCII.
            fingerprint: Of the message; the caller compares it with that of `Claimed` and `Kept`.
            lease: Seconds after which a claim that was neither kept nor released is nobody's.
            within: The call's transaction, for a store that has `within`.

        Raises:
            Unavailable: The store cannot be asked. The call must not be carried out.
        """
        ...

    async def keep(self, claim: Claim, outcome: bytes, *, lifetime: float, within: object = None) -> bool:
        """Remember *outcome* in the place of *claim*.

        Args:
            claim: What `begin` returned.
            outcome: Given back by `begin` from now on.
            lifetime: Seconds after which it is forgotten.
            within: The call's transaction. A store that has `within` and is given ``None`` here (the
                outcome is an error, so the transaction was undone) opens one of its own.

        Returns:
            Whether it is remembered: not when the claim was lost meanwhile, and to whom it went has an
            outcome of its own. A store in the transaction raises instead, so that the effects are undone.

        Raises:
            Aborted: Another call under this key was committed meanwhile, and the transaction cannot be.
            Unavailable: The store cannot be asked.
        """
        ...

    async def release(self, claim: Claim) -> None:
        """Give *claim* up: unless an outcome is kept under the key, the next one may begin at once.

        A claim that is lost, released or kept already is left alone.

        Raises:
            Unavailable: The store cannot be asked; the claim ends by itself.
        """
        ...
