"""Scripts run in one round trip once the server knows them."""

from hardy.adapters.redis import Script

COUNT = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


async def test_a_script_is_known_from_its_second_run_on(redis):
    assert await redis.run(COUNT, ["n"], [2]) == 2
    before = redis.statistics().commands
    assert await redis.run(COUNT, ["n"], [3]) == 5
    assert redis.statistics().commands == before + 1


async def test_a_server_that_has_forgotten_it_is_told_again(redis):
    await redis.run(COUNT, ["n"], [1])
    await redis.execute("SCRIPT", "FLUSH")
    assert await redis.run(COUNT, ["n"], [1]) == 2
