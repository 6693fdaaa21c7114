"""The authenticator for ``Authorization: Bearer <JWT>``."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from hardy.adapters.jwt._dev import DEV_ISSUER, DevTrust
from hardy.adapters.jwt._keys import UnusableKey, read_keys
from hardy.adapters.jwt._principal import principal_of
from hardy.adapters.jwt._settings import JwtSettings
from hardy.adapters.jwt._token import Trust, check, take_apart
from hardy.core import BuildFailed, Call, Clock, Diagnostic, Principal, SystemClock, Unauthenticated

_LONGEST_REMEMBERED = 2048  # so that the memory for remembered tokens is bounded at a few megabytes


@dataclass(frozen=True, slots=True)
class JwtStatistics:
    """What a `Jwt` has done since it was made."""

    verified: int
    """Tokens whose signature was checked and right."""
    remembered: int
    """Tokens taken because they were verified before and have not expired."""
    refused: int


class Jwt:
    """Takes bearer tokens in the JWT format and turns them into principals.

    Checked are form, type, algorithm (only those of the settings, and only
    with keys of their own family), signature, ``iss``, ``aud``, ``exp``
    (required), ``nbf`` and ``iat``. A token that brings its own key is treated
    as if it did not. Whatever a token contains, the outcome is a principal or
    `Unauthenticated`.

    A verified token is remembered until the moment it expires, for checking a
    signature costs more than the rest of a call. A token cannot be revoked
    before it expires, remembered or not: keep lifetimes short.

    In the dev environment tokens of ``hardy token`` are taken as well; in every
    other the key they are signed with is not even read.

    Args:
        settings: What to take.
        clock: Tells the time to compare ``exp`` with.

    Source: RFC 6750, RFC 7515, RFC 7519, RFC 8725, RFC 9068.
    """

    challenge = "Bearer"

    def __init__(self, settings: JwtSettings, *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._types = frozenset(each.lower() for each in settings.types)
        self._dev: DevTrust | None = None
        self._trust = self._read()
        self._remembered: OrderedDict[str, tuple[Principal, float]] = OrderedDict()
        self._verified = self._hits = self._refused = 0

    def _read(self) -> Trust | None:
        settings = self._settings
        if settings.key is None:
            return None
        try:
            keys = read_keys(settings.key.reveal(), settings.algorithms)
        except UnusableKey as error:
            raise BuildFailed([_unusable(str(error))]) from None
        return Trust(settings.issuer, frozenset(settings.audience), keys)

    def configure(self, environment: str) -> None:
        """Take the dev key too when *environment* is ``"dev"``; the app calls this at build.

        Raises:
            BuildFailed: Outside of dev: issuer, audience or key is not set.
        """
        missing = [name for name in ("issuer", "audience", "key") if not getattr(self._settings, name)]
        if environment == "dev":
            self._dev = DevTrust(self._settings.dev_directory)
            missing = missing if len(missing) < 3 else []  # nothing said: the dev key is all there is
        if environment == "test" and len(missing) == 3:
            missing = []  # tests bring their principals
        if missing:
            raise BuildFailed([_incomplete(missing)])

    async def authenticate(self, call: Call) -> Principal | None:
        """Return the principal of the call's bearer token; ``None`` when it has none.

        Raises:
            Unauthenticated: The token is not valid; the message says why.
        """
        header = call.metadata.get("authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        if len(call.metadata.all("authorization")) > 1:
            raise Unauthenticated("the call has more than one Authorization")
        return self.verify(token.strip())

    def verify(self, token: str) -> Principal:
        """Return whom *token* speaks for.

        Raises:
            Unauthenticated: The token is not valid; the message says why.

        Example:
            >>> Jwt(JwtSettings()).verify("garbage")
            Traceback (most recent call last):
            hardy.core.Unauthenticated: the token is not a JWT
        """
        now = self._clock.now().timestamp()
        known = self._remembered.get(token)
        if known is not None:
            if now < known[1]:
                self._hits += 1
                return known[0]
            del self._remembered[token]
        try:
            principal, until = self._check(token, now)
        except Unauthenticated:
            self._refused += 1
            raise
        self._verified += 1
        if self._settings.cache and len(token) <= _LONGEST_REMEMBERED:
            self._remembered[token] = (principal, until)
            if len(self._remembered) > self._settings.cache:
                self._remembered.popitem(last=False)
        return principal

    def _check(self, token: str, now: float) -> tuple[Principal, float]:
        parts = take_apart(token)
        # Which issuer a token claims only chooses whose keys it is checked with.
        is_dev = self._dev is not None and parts.claims.get("iss") == DEV_ISSUER
        trust = self._dev.current() if self._dev is not None and is_dev else self._trust
        if trust is None:
            raise Unauthenticated("the token is from another issuer")
        types = self._types | {"at+jwt"} if is_dev else self._types
        until = check(parts, trust, types, now=now, leeway=self._settings.leeway)
        settings = self._settings
        roles = "roles" if is_dev else settings.roles_claim
        tenant = "tenant" if is_dev else settings.tenant_claim
        return principal_of(parts.claims, roles_claim=roles, tenant_claim=tenant), until

    def scheme(self) -> Mapping[str, object]:
        """Return the OpenAPI security scheme: bearer, in the format JWT."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}

    def statistics(self) -> JwtStatistics:
        """Return what happened so far."""
        return JwtStatistics(self._verified, self._hits, self._refused)


def _unusable(why: str) -> Diagnostic:
    return Diagnostic(
        code="H0281",
        title="the key of the JWT settings cannot be used",
        notes=(why,),
        helps=(
            "set the variable of `key`, or its _FILE twin, to the issuer's public key (PEM), JWK or JWKS",
            "for a shared secret: at least 32 random bytes, and algorithms = HS256",
        ),
    )


def _incomplete(missing: list[str]) -> Diagnostic:
    names = ", ".join(f"`{name}`" for name in missing)
    return Diagnostic(
        code="H0280",
        title=f"the JWT settings have no {names}",
        notes=("without them any token, or none, would be taken; only the dev environment does without",),
        helps=("set ORDERS_JWT__ISSUER, ORDERS_JWT__AUDIENCE and ORDERS_JWT__KEY_FILE, with your own prefix",),
    )
