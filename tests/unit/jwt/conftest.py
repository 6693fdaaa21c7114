"""An issuer of tokens, and a clock that can be turned."""

import json
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from hardy.adapters.jwt import Jwt, JwtSettings
from hardy.config import Secret

NOW = 1_800_000_000
SECRET = "a shared secret of at least 32 bytes, and of 64 bytes for the longest hash"


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(key, algorithm, header, claims) -> str:
    """A token, whatever nonsense its parts are; bytes are taken as they are."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    signed = ".".join(base64url(part) for part in parts)
    return f"{signed}.{base64url(JWSRegistry.algorithms[algorithm].sign(signed.encode(), key))}"


class Turned:
    def __init__(self, now: float = NOW):
        self.seconds = now

    def now(self):
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self):
        return time.monotonic()


class Issuer:
    """Signs with one key of each family and makes the authenticator that trusts them."""

    secret = SECRET
    sign = staticmethod(sign)

    def __init__(self):
        self.keys = {
            "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}, private=True),
            "ES256": ECKey.generate_key("P-256", {"kid": "ec"}, private=True),
            "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "okp"}, private=True),
            "HS256": OctKey.import_key(SECRET),
        }
        self.keys["PS256"] = self.keys["RS256"]
        self.jwks = json.dumps(
            {"keys": [self.keys[each].as_dict(private=False) for each in ("RS256", "ES256", "Ed25519")]}
        )

    def claims(self, **changes):
        claims = {"iss": "https://login.example", "aud": "orders", "sub": "alice", "iat": NOW, "exp": NOW + 300}
        claims |= changes
        return {name: value for name, value in claims.items() if value is not ...}

    def token(self, algorithm="ES256", header=None, **changes):
        head = {"alg": algorithm, "typ": "JWT", **(header or {})}
        head = {name: value for name, value in head.items() if value is not ...}
        return sign(self.keys[algorithm], algorithm, head, self.claims(**changes))

    def settings(self, **changes):
        options = {"issuer": "https://login.example", "audience": ("orders", "shop"), "key": Secret(self.jwks)}
        return JwtSettings(**{**options, **changes})


@pytest.fixture(scope="session")
def issuer():
    return Issuer()


@pytest.fixture
def clock():
    return Turned()


@pytest.fixture
def jwt(issuer, clock):
    return Jwt(issuer.settings(), clock=clock)
