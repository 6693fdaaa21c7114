"""Take a compact token apart and check it: form, header, signature, claims, in this order."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from hardy.adapters.jwt._keys import Keys
from hardy.core import Unauthenticated

LONGEST = 8192
"""Characters of the longest token taken; longer ones are refused unread."""


@dataclass(frozen=True, slots=True)
class Trust:
    """One issuer, what its tokens must be meant for, and its keys."""

    issuer: str
    audience: frozenset[str]
    keys: Keys


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token in its parts. Nothing in it is true yet."""

    algorithm: str
    kid: str | None
    type: str
    claims: dict[str, object]
    signed: bytes
    signature: bytes


def take_apart(token: str) -> Unverified:
    """Read the parts of a compact JWS (RFC 7515, 7.1).

    Of the header, ``alg``, ``kid`` and ``typ`` are read. ``jwk``, ``jku``,
    ``x5c`` and ``x5u``, with which a token brings its own key, are not.

    Raises:
        Unauthenticated: It is no such thing.
    """
    if len(token) > LONGEST:
        raise Unauthenticated("the token is too long")
    head, _, rest = token.partition(".")
    body, _, tail = rest.partition(".")
    try:
        header = _json(head)
        claims = _json(body)
        signature = _bytes(tail)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise Unauthenticated("the token is not a JWT") from None
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or not isinstance(kind, str) or not (kid is None or isinstance(kid, str)):
        raise Unauthenticated("the token is not a JWT")
    if "crit" in header:  # extensions that must be understood, and none is (RFC 7515, 4.1.11)
        raise Unauthenticated("the token has a header that is not understood")
    return Unverified(algorithm, kid, kind, claims, f"{head}.{body}".encode("ascii"), signature)


def _json(part: str) -> dict[str, object]:
    return msgspec.json.decode(_bytes(part), type=dict[str, object])


def _bytes(part: str) -> bytes:
    """Decode base64url without padding (RFC 7515, 2); stricter than the standard library's."""
    raw = part.encode("ascii")
    if raw.translate(None, _ALPHABET):
        raise binascii.Error
    return urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))


_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def check(token: Unverified, trust: Trust, types: Collection[str], *, now: float, leeway: float) -> float:
    """Check type, signature and claims of *token*; returns when it stops being valid.

    Source: RFC 7519, 4.1 and RFC 8725 (algorithms pinned per key, issuer,
    audience and type checked).

    Raises:
        Unauthenticated: Something does not hold; the message says what.
    """
    if token.type.lower().removeprefix("application/") not in types:
        raise Unauthenticated("the token is of another type")
    if token.algorithm not in trust.keys.by_algorithm:
        raise Unauthenticated("the token is signed with another algorithm")
    if not trust.keys.verify(token.algorithm, token.kid, token.signed, token.signature):
        raise Unauthenticated("the token's signature is wrong")
    claims = token.claims
    if claims.get("iss") != trust.issuer:
        raise Unauthenticated("the token is from another issuer")
    audience = claims.get("aud")
    named = cast("list[object]", audience if isinstance(audience, list) else [audience])
    if not any(isinstance(each, str) and each in trust.audience for each in named):
        raise Unauthenticated("the token is meant for another audience")
    expires = _moment(claims, "exp")
    if expires is None:
        raise Unauthenticated("the token does not say when it expires")
    if expires + leeway <= now:
        raise Unauthenticated("the token has expired")
    for name in ("nbf", "iat"):
        begins = _moment(claims, name)
        if begins is not None and begins - leeway > now:
            raise Unauthenticated("the token is not valid yet")
    return expires + leeway


def _moment(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise Unauthenticated(f"the token's {name} is not a time")
    return value
