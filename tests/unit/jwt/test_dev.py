"""The machine's own key signs tokens that a service takes in dev, and nowhere else."""

import stat
import threading

import pytest

from hardy.adapters.jwt import DEV_ISSUER, Jwt, JwtSettings, dev_key, mint
from hardy.config import Secret
from hardy.core import BuildFailed, Unauthenticated


def settings(tmp_path):
    return JwtSettings(dev_directory=tmp_path / ".hardy")


@pytest.fixture
def in_dev(tmp_path):
    jwt = Jwt(settings(tmp_path))
    jwt.configure("dev")
    return jwt


def test_a_minted_token_is_taken_in_dev(in_dev, tmp_path):
    token = mint(dev_key(tmp_path / ".hardy"), "alice", scopes=["orders:read", "x"], roles=["admin"], tenant="acme")
    principal = in_dev.verify(token)
    assert principal.subject == "alice"
    assert (principal.scopes, principal.roles, principal.tenant) == ({"orders:read", "x"}, {"admin"}, "acme")


def test_the_key_may_be_made_and_replaced_while_the_service_runs(in_dev, tmp_path):
    stranger = mint(dev_key(tmp_path / "elsewhere"), "mallory")
    with pytest.raises(Unauthenticated):
        in_dev.verify(stranger)
    first = dev_key(tmp_path / ".hardy")
    old = mint(first, "alice")
    assert in_dev.verify(old).subject == "alice"
    first.path.unlink()
    assert in_dev.verify(mint(dev_key(tmp_path / ".hardy"), "bob")).subject == "bob"
    with pytest.raises(Unauthenticated):
        in_dev.verify(stranger)


@pytest.mark.parametrize("environment", ["test", "production", None])
def test_elsewhere_the_key_is_not_read(tmp_path, environment, issuer):
    key = dev_key(tmp_path / ".hardy")
    jwt = Jwt(issuer.settings(dev_directory=tmp_path / ".hardy"))
    if environment:
        jwt.configure(environment)
    with pytest.raises(Unauthenticated):
        jwt.verify(mint(key, "alice"))
    assert jwt._dev is None


def test_a_minted_token_expires(in_dev, tmp_path):
    with pytest.raises(Unauthenticated, match="expired"):
        in_dev.verify(mint(dev_key(tmp_path / ".hardy"), "alice", lifetime=-60))


def test_the_issuers_own_tokens_cannot_pass_for_dev_tokens(tmp_path, issuer, clock):
    dev_key(tmp_path)
    jwt = Jwt(issuer.settings(dev_directory=tmp_path), clock=clock)
    jwt.configure("dev")
    with pytest.raises(Unauthenticated, match="signature is wrong"):
        jwt.verify(issuer.token(iss=DEV_ISSUER, aud=DEV_ISSUER))
    assert jwt.verify(issuer.token()).subject == "alice"


def test_only_the_owner_can_read_the_key(tmp_path):
    key = dev_key(tmp_path / ".hardy")
    assert stat.S_IMODE(key.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.path.parent.stat().st_mode) & 0o077 == 0
    assert dev_key(tmp_path / ".hardy").pair.kid == key.pair.kid
    assert list(key.path.parent.iterdir()) == [key.path]
    assert repr(key) == f"DevKey({str(key.path)!r})"


def test_a_key_that_is_open_to_others_is_refused(in_dev, tmp_path):
    key = dev_key(tmp_path / ".hardy")
    key.path.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        dev_key(tmp_path / ".hardy")
    with pytest.raises(Unauthenticated):
        in_dev.verify(mint(key, "alice"))


def test_a_link_is_not_followed(tmp_path):
    real = dev_key(tmp_path / "real")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / real.path.name).symlink_to(real.path)
    with pytest.raises(OSError):
        dev_key(tmp_path / "linked")


def test_a_damaged_key_is_named(in_dev, tmp_path):
    key = dev_key(tmp_path / ".hardy")
    key.path.write_text("{}")
    with pytest.raises(ValueError, match="holds no key"):
        dev_key(tmp_path / ".hardy")
    with pytest.raises(Unauthenticated):
        in_dev.verify(mint(key, "alice"))


def test_two_at_once_get_the_same_key(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(dev_key(tmp_path / "x").pair.kid)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("environment", "changes", "fails"),
    [
        ("production", {}, True),
        ("production", {"issuer": "i", "audience": ("a",), "key": ...}, False),
        ("production", {"issuer": "i", "key": ...}, True),
        ("dev", {}, False),
        ("dev", {"issuer": "i"}, True),
        ("test", {}, False),
        ("test", {"audience": ("a",)}, True),
    ],
)
def test_incomplete_settings_are_refused_at_build(issuer, environment, changes, fails):
    changes = {name: Secret(issuer.jwks) if value is ... else value for name, value in changes.items()}
    jwt = Jwt(JwtSettings(**changes))
    if fails:
        with pytest.raises(BuildFailed, match="H0280"):
            jwt.configure(environment)
    else:
        jwt.configure(environment)


@pytest.mark.parametrize(
    ("key", "algorithms", "why"),
    [
        ("-----BEGIN PUBLIC KEY-----\ncanary\n-----END PUBLIC KEY-----", ("RS256",), "can be read"),
        ("{canary", ("RS256",), "can be read"),
        ('{"keys": 5}', ("RS256",), "can be read"),
        ('{"keys": []}', ("RS256",), "no key"),
        ('{"kty": "EC", "crv": "canary"}', ("ES256",), "can be read"),
        ("canary canary canary canary canary canary", ("RS256",), "needs HS256"),
        ("canary", ("HS256",), "at least 32 bytes"),
        ("canary canary canary canary canary canary", ("HS512",), "at least 64 bytes"),
        ("RSA", ("ES256", "HS256"), "holds RSA key, which none of ES256, HS256 can use"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_without_being_shown(issuer, key, algorithms, why):
    if key == "RSA":
        key = issuer.keys["RS256"].as_pem(private=False).decode()
    with pytest.raises(BuildFailed, match="H0281") as caught:
        Jwt(JwtSettings(key=Secret(key), algorithms=algorithms))
    assert why in str(caught.value)
    assert "canary" not in str(caught.value)
