"""From the text of a key to the keys that each algorithm may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from hardy.adapters.jwt._joserfc import ECKey, JoseError, JWKRegistry, JWSRegistry, Key, OctKey, OKPKey, RSAKey

_KINDS: Mapping[str, type[Key]] = {"RS": RSAKey, "PS": RSAKey, "ES": ECKey, "Ed": OKPKey, "HS": OctKey}
_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518, 3.2: no shorter than the hash


class UnusableKey(ValueError):
    """The key cannot be used, in words for the operator; they do not contain the key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one issuer, by algorithm.

    An algorithm only ever meets keys of its own family, so that nobody can pass
    a public key off as a shared secret.
    """

    by_algorithm: Mapping[str, tuple[Key, ...]]

    def verify(self, algorithm: str, kid: str | None, signed: bytes, signature: bytes) -> bool:
        """Tell whether one of the keys made *signature*; *kid* only narrows which are tried."""
        model = JWSRegistry.algorithms[algorithm]
        for key in self.by_algorithm.get(algorithm, ()):
            if kid is not None and key.kid is not None and key.kid != kid:
                continue
            try:
                if model.verify(signed, signature, key):
                    return True
            except (JoseError, ValueError, TypeError, ArithmeticError):  # a signature of no possible shape
                continue
        return False


def read_keys(text: str, algorithms: Sequence[str]) -> Keys:
    """Read a PEM public key, a JWK, a JWKS or a shared secret.

    Raises:
        UnusableKey: It cannot be read, or no algorithm can use it.
    """
    text = text.strip()
    try:
        keys = _parsed(text, algorithms)
    except (JoseError, ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
        if isinstance(error, UnusableKey):
            raise
        # The cause may quote the key.
        raise UnusableKey("it is neither a PEM key nor a JWK nor a JWKS that can be read") from None
    found = {algorithm: tuple(key for key in keys if _fits(key, algorithm)) for algorithm in algorithms}
    if not any(found.values()):
        names = ", ".join(sorted({str(key.key_type) for key in keys})) or "no"
        raise UnusableKey(f"it holds {names} key, which none of {', '.join(algorithms)} can use")
    return Keys(found)


def _parsed(text: str, algorithms: Sequence[str]) -> list[Key]:
    if text.startswith("-----BEGIN"):
        return [_pem(text)]
    if text.startswith("{"):
        document = cast("dict[str, object]", msgspec.json.decode(text, type=dict))
        entries = cast("list[dict[str, str | list[str]]]", document.get("keys", [document]))
        # A set may hold keys for encryption, and kinds that are not known here (RFC 7517, 5).
        return [JWKRegistry.import_key(each) for each in entries if _can_sign(each)]
    shortest = min((_SECRET_BYTES[each] for each in algorithms if each in _SECRET_BYTES), default=0)
    if not shortest:
        raise UnusableKey("it is a shared secret, which needs HS256 among the algorithms")
    if len(text.encode()) < shortest:
        raise UnusableKey(f"a shared secret has at least {shortest} bytes")
    return [OctKey.import_key(text)]


def _can_sign(entry: Mapping[str, object]) -> bool:
    known = entry.get("kty") in {"RSA", "EC", "OKP", "oct"} and entry.get("crv") not in {"X25519", "X448"}
    return known and entry.get("use", "sig") == "sig"


def _pem(text: str) -> Key:
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            return kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
    raise ValueError


def _fits(key: Key, algorithm: str) -> bool:
    if not isinstance(key, _KINDS[algorithm[:2]]):
        return False
    said = key.get("alg", algorithm)
    if said != algorithm:
        return False
    if isinstance(key, OctKey):
        return len(key.raw_value) >= _SECRET_BYTES[algorithm]
    if isinstance(key, RSAKey) and key.raw_value.key_size < 2048:  # RFC 7518, 3.3
        return False
    try:
        JWSRegistry.algorithms[algorithm].check_key(key)
    except (JoseError, ValueError):
        return False
    return True
