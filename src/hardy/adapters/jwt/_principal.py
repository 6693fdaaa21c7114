"""From the claims of a verified token to the principal."""

from types import MappingProxyType
from typing import cast

from hardy.core import Principal, Unauthenticated


def principal_of(claims: dict[str, object], *, roles_claim: str, tenant_claim: str) -> Principal:
    """Read subject, scopes, roles and tenant.

    Scopes come from ``scope`` (a text with blanks, RFC 8693) and ``scp`` (a
    text or a list, as Microsoft and Okta write it).

    Raises:
        Unauthenticated: There is no subject.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise Unauthenticated("the token does not say who it is for")
    tenant = _at(claims, tenant_claim)
    return Principal(
        subject,
        scopes=_words(claims.get("scope")) | _words(claims.get("scp")),
        roles=_words(_at(claims, roles_claim)),
        tenant=tenant if isinstance(tenant, str) else None,
        claims=MappingProxyType(claims),  # a remembered principal is shared by calls
    )


def _words(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list):
        return frozenset(each for each in cast("list[object]", value) if isinstance(each, str))
    return frozenset()


def _at(claims: dict[str, object], path: str) -> object:
    """Follow *path*; a claim whose own name has dots, such as a URL, comes first."""
    if not path:
        return None
    if path in claims:
        return claims[path]
    value: object = claims
    for part in path.split("."):
        value = _member(value, part)
    return value


def _member(value: object, name: str) -> object:
    return cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None
