"""What the server's refusals become."""

import pytest

from hardy.adapters.redis import RedisError
from hardy.adapters.redis._errors import translate
from hardy.core import Unavailable


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("LOADING Redis is loading the dataset in memory", Unavailable),
        ("READONLY You can't write against a read only replica.", Unavailable),
        ("MASTERDOWN Link with MASTER is down", Unavailable),
        ("BUSY Redis is busy running a script", Unavailable),
        ("MISCONF Redis is configured to save RDB snapshots", Unavailable),
        ("OOM command not allowed when used memory > 'maxmemory'.", Unavailable),
        ("ERR max number of clients reached", Unavailable),
        ("WRONGTYPE Operation against a key", RedisError),
        ("NOAUTH Authentication required.", RedisError),
        ("ERR unknown command", RedisError),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_has_a_meaning(text, kind):
    assert type(translate(text)) is kind


async def test_a_refused_command_fails_alone(redis):
    await redis.execute("SET", "tea", "green")
    with pytest.raises(RedisError, match="not an integer"):
        await redis.execute("INCR", "tea")
    assert await redis.execute("GET", "tea") == b"green"


async def test_one_refused_of_many_leaves_the_others_done(redis):
    with pytest.raises(RedisError, match="not an integer"):
        await redis.execute_many([("SET", "tea", "green"), ("INCR", "tea"), ("SET", "cup", "1")])
    assert await redis.execute("GET", "cup") == b"1"
