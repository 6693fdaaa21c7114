"""The key that a caller sends along: how it is read, and what is told when it cannot be."""

import re
from hashlib import sha256

import msgspec

from hardy.core import Aborted, Call, InvalidArgument

HEADER = "idempotency-key"
"""Header and metadata that carry the key."""
LONGEST = 255
"""Characters of a key: as many as Stripe takes, which no random name needs."""

_BARE = re.compile(r"[!#-+\--:<-~]+")
"""Visible ASCII but for the quote, the comma and the semicolon."""
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"(?: *;.*)?')
"""A String of RFC 9651; its parameters mean nothing here."""


class IdempotencyKeyMissing(InvalidArgument):
    """The operation is only carried out under an ``Idempotency-Key``, and there is none."""


class IdempotencyKeyMalformed(InvalidArgument):
    """The ``Idempotency-Key`` is no text of 1 to 255 characters, or there are two."""


class IdempotencyKeyReused(InvalidArgument):
    """The ``Idempotency-Key`` was used before, for another message."""


class IdempotencyKeyInUse(Aborted):
    """A call with the same ``Idempotency-Key`` is being carried out."""


def key_of(call: Call, *, required: bool) -> str | None:
    """Return the caller's key; ``None`` when there is none and none is required.

    A key is a String of RFC 9651, ``"8e03978e"`` with its quotes
    (draft-ietf-httpapi-idempotency-key-header). As many clients leave the quotes
    away, both are read, and name the same key.

    Raises:
        IdempotencyKeyMissing: There has to be one.
        IdempotencyKeyMalformed: What there is, is none.
    """
    given = call.metadata.all(HEADER)
    if not given:
        if required:
            raise IdempotencyKeyMissing(
                "send a random text of your own in Idempotency-Key, and the same when you try again"
            )
        return None
    first, *others = given
    if others:
        raise IdempotencyKeyMalformed("there are several Idempotency-Key headers")
    text = first.strip(" \t")
    if quoted := _QUOTED.fullmatch(text):
        text = re.sub(r"\\(.)", r"\1", quoted[1])
    elif not _BARE.fullmatch(text):
        raise IdempotencyKeyMalformed("the Idempotency-Key is no text in quotes")
    if not 0 < len(text) <= LONGEST:
        raise IdempotencyKeyMalformed(f"an Idempotency-Key has 1 to {LONGEST} characters")
    return text


def stored_key(call: Call, key: str) -> str:
    """Return the name under which a store knows *key*: it is the principal's own, and the operation's.

    So nobody is answered with what was somebody else's, whatever key they guess.
    """
    who = call.principal
    owner = None if who is None else (who.kind, who.tenant, who.subject)
    digest = sha256(msgspec.json.encode((call.operation.name, owner, key))).hexdigest()
    name = call.operation.name
    return f"{name[:64]}:{digest}" if name.isascii() else digest


def fingerprint_of(message: object) -> bytes:
    """Return what tells *message* from another: a digest of what it says, by whichever transport it came."""
    return sha256(_encode(message)).digest()


def _model(value: object) -> object:
    dump = getattr(value, "model_dump", None)  # pydantic's
    if dump is None:
        raise TypeError(f"a {type(value).__name__} has no form in JSON")
    return dump(mode="json")


_encode = msgspec.json.Encoder(enc_hook=_model, order="deterministic").encode
