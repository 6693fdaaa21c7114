"""JSON Web Tokens: the authenticator for ``Authorization: Bearer``, and the dev key that mints them.

Floor 3, extra ``auth`` (joserfc). Checks tokens that somebody else issues; it
is no identity provider.

Example:
    >>> from hardy.config import Secret
    >>> settings = JwtSettings(
    ...     issuer="https://login.example",
    ...     audience=("orders",),
    ...     algorithms=("HS256",),
    ...     key=Secret("a shared secret of at least 32 bytes"),
    ... )
    >>> Jwt(settings).challenge
    'Bearer'
"""

from hardy.adapters.jwt._authenticator import Jwt, JwtStatistics
from hardy.adapters.jwt._dev import DEV_AUDIENCE, DEV_ISSUER, DevKey, dev_key, mint
from hardy.adapters.jwt._settings import Algorithm, JwtSettings
from hardy.core._module import publish

__all__ = [
    "DEV_AUDIENCE",
    "DEV_ISSUER",
    "Algorithm",
    "DevKey",
    "Jwt",
    "JwtSettings",
    "JwtStatistics",
    "dev_key",
    "mint",
]

publish(__name__, globals())
