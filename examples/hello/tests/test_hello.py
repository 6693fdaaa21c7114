"""The smallest service answers on every transport."""

import pytest

import hello


@pytest.fixture
def app():
    return hello.build(hello.Settings(environment="test"))


@pytest.mark.every_transport
@pytest.mark.parametrize(("name", "reply"), [("you", "hello you"), ("Grüße, Жизнь", "hello Grüße, Жизнь")])
async def test_it_greets_by_name(client, name, reply):
    assert await client.call(hello.hello, name) == reply
