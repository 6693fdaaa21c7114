"""Where a URL leads."""

import pytest

from hardy.adapters.redis import Redis, RedisSettings
from hardy.adapters.redis._address import Address, address_of
from hardy.config import Secret
from hardy.core import BuildFailed


@pytest.mark.parametrize(
    ("url", "address"),
    {
        "host": ("redis://cache", Address(host="cache")),
        "port": ("redis://cache:7000", Address(host="cache", port=7000)),
        "database": ("redis://cache/3", Address(host="cache", database=3)),
        "database in the query": ("redis://cache?db=3", Address(host="cache", database=3)),
        "tls": ("rediss://cache", Address(host="cache", tls=True)),
        "version 6": ("redis://[::1]:7000", Address(host="::1", port=7000)),
        "password": ("redis://:se%2Fcret@cache", Address(host="cache", password=Secret("se/cret"))),
        "user": (
            "redis://ann:secret@cache",
            Address(host="cache", username="ann", password=Secret("secret")),
        ),
        "socket": ("unix:///run/redis.sock", Address(path="/run/redis.sock")),
        "socket, database": ("unix:///run/redis.sock?db=2", Address(path="/run/redis.sock", database=2)),
    }.values(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_address_is_read_from_the_url(url, address):
    assert address_of(RedisSettings(url=url)) == address


def test_a_password_may_stand_in_a_setting_of_its_own():
    address = address_of(RedisSettings(url="redis://ann@cache", password=Secret("secret")))
    assert (address.username, address.password) == ("ann", Secret("secret"))


def test_what_is_printed_has_no_password():
    assert str(address_of(RedisSettings(url="redis://ann:secret@cache"))) == "cache:6379"


@pytest.mark.parametrize("url", ["http://cache", "redis://cache/orders", "unix:///run/redis.sock?db=x"])
def test_another_url_is_refused_at_build(url):
    with pytest.raises(BuildFailed) as failed:
        Redis(RedisSettings(url=url))
    assert [fault.code for fault in failed.value.diagnostics] == ["H0283"]
