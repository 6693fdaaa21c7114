"""A verified token is remembered, and never a moment longer than it is valid."""

import pytest

from hardy.adapters.jwt import Jwt, JwtStatistics
from hardy.core import Unauthenticated


def test_a_token_is_verified_once(jwt, issuer):
    token = issuer.token()
    assert jwt.verify(token) is jwt.verify(token)
    assert jwt.statistics() == JwtStatistics(verified=1, remembered=1, refused=0)


def test_a_remembered_token_does_not_outlive_its_end(jwt, issuer, clock):
    token = issuer.token(exp=1_800_000_300)
    jwt.verify(token)
    clock.seconds = 1_800_000_329.9
    jwt.verify(token)
    clock.seconds = 1_800_000_330
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="has expired"):
            jwt.verify(token)
    assert jwt.statistics() == JwtStatistics(verified=1, remembered=1, refused=2)


def test_a_refused_token_is_not_remembered(jwt, issuer, clock):
    token = issuer.token(nbf=1_800_000_100)
    with pytest.raises(Unauthenticated):
        jwt.verify(token)
    clock.seconds += 100
    assert jwt.verify(token).subject == "alice"


def test_what_is_remembered_is_bounded(issuer, clock):
    jwt = Jwt(issuer.settings(cache=2), clock=clock)
    tokens = [issuer.token(sub=f"user-{number}") for number in range(3)]
    for token in tokens:
        jwt.verify(token)
    assert len(jwt._remembered) == 2
    jwt.verify(tokens[0])
    assert jwt.statistics().verified == 4


def test_remembering_can_be_turned_off(issuer, clock):
    jwt = Jwt(issuer.settings(cache=0), clock=clock)
    token = issuer.token()
    jwt.verify(token)
    jwt.verify(token)
    assert jwt.statistics().verified == 2


def test_a_remembered_principal_cannot_be_changed_by_a_call(jwt, issuer):
    principal = jwt.verify(issuer.token())
    with pytest.raises(TypeError):
        principal.claims["sub"] = "root"
