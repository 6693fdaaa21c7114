"""`hardy token` mints in dev, with a key that nobody else can read, and nowhere else."""

import stat

import pytest

from hardy.adapters.jwt import DEV_AUDIENCE, Jwt, JwtSettings


async def principal_of(token: str):
    jwt = Jwt(JwtSettings())
    jwt.configure("dev")
    return jwt.verify(token.strip())


async def test_a_token_is_taken_by_a_service_in_dev_on_this_machine(project, hardy):
    done = hardy("token", "--as", "alice", "--scope", "orders:read", "--scope", "orders:ship", "--role", "clerk")
    assert (done.code, done.err) == (0, "")
    alice = await principal_of(done.out)
    assert (alice.subject, alice.scopes, alice.roles) == ("alice", {"orders:read", "orders:ship"}, {"clerk"})


def test_the_key_is_for_its_owner_only(project, hardy):
    hardy("token", "--as", "alice")
    [key] = (project.path / ".hardy").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_the_key_stays_the_same(project, hardy):
    first, second = hardy("token", "--as", "alice"), hardy("token", "--as", "bob")
    assert first.out.partition(".")[0] == second.out.partition(".")[0]
    assert DEV_AUDIENCE == "hardy:dev"


@pytest.mark.parametrize("environment", ["production", "test"])
def test_outside_dev_nothing_is_minted(project, hardy, monkeypatch, environment):
    monkeypatch.setenv("SHOP_ENVIRONMENT", environment)
    done = hardy("token", "--as", "alice")
    assert (done.code, done.out) == (2, "")
    assert f"tokens are minted in dev only, and SHOP_ENVIRONMENT is {environment}" in done.err
    assert not (project.path / ".hardy").exists()


def test_a_file_of_settings_can_say_that_this_is_not_dev(project, hardy):
    project.write("shop.toml", 'environment = "production"\n')
    assert hardy("token", "--as", "alice").code == 2


def test_without_a_service_hardys_own_variable_decides(folder, hardy, monkeypatch):
    assert hardy("token", "--as", "alice").code == 0
    monkeypatch.setenv("HARDY_ENVIRONMENT", "production")
    assert hardy("token", "--as", "alice").code == 2


def test_a_key_that_others_can_read_is_refused(project, hardy):
    hardy("token", "--as", "alice")
    [key] = (project.path / ".hardy").iterdir()
    key.chmod(0o644)
    done = hardy("token", "--as", "alice")
    assert (done.code, done.out) == (2, "")
    assert "chmod 600" in done.err


@pytest.mark.parametrize("length", ["soon", "-5m", "0s", "", "nan", "inf"])
def test_a_length_that_is_none_is_wrong_usage(project, hardy, length):
    done = hardy("token", "--as", "alice", "--ttl", length)
    assert (done.code, done.out) == (2, "")
    assert f'"{length}" is no length of time; write 30s, 5m or 8h' in done.err


def test_somebody_must_be_named(project, hardy):
    done = hardy("token")
    assert done.code == 2
    assert "--as" in done.err
