"""What an operator says about the tokens a service takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from hardy.config import Duration, Secret

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
    "HS256", "HS384", "HS512",
]  # fmt: skip
"""A signature algorithm of RFC 7518, 8037 or 9864. There is no ``none``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSettings:
    """Which tokens are taken. Issuer, audience and key are required outside of dev."""

    issuer: str = ""
    """The `iss` that tokens must carry, exactly."""
    audience: tuple[str, ...] = ()
    """Tokens must be meant for one of these (`aud`)."""
    key: Secret[str] | None = None
    """What signatures are checked with: a PEM public key, a JWK, a JWKS, or a shared secret for HS256."""
    algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
    """Signature algorithms taken, whatever a token says; a shared secret needs HS256 said here."""
    types: tuple[str, ...] = ("JWT", "at+jwt")
    """The `typ` taken; a token without one counts as JWT."""
    leeway: Annotated[Duration, Meta(ge=0, le=300)] = 30.0
    """By how much the issuer's clock may differ."""
    roles_claim: str = "roles"
    """Where the roles are; dots go down, as in `realm_access.roles`."""
    tenant_claim: str = ""
    """Where the tenant is; none when empty."""
    cache: Annotated[int, Meta(ge=0)] = 4096
    """Verified tokens remembered until they expire; 0 verifies every time."""
    dev_directory: Path = Path(".hardy")
    """Where `hardy token` keeps its key pair; read in the dev environment only."""
