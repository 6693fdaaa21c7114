"""A use case that takes a file, called as every client of a service calls it."""

from dataclasses import dataclass

import pytest

from hardy.app import App
from hardy.auth import public
from hardy.config import Settings
from hardy.core import InvalidMessage
from hardy.testing import client
from hardy.transport import grpc, http


@dataclass(frozen=True, kw_only=True)
class SetAvatar:
    user: str
    age: int = 1
    picture: http.File


async def set_avatar(msg: SetAvatar) -> str:
    return f"{msg.user} {msg.age} {msg.picture.name} {(await msg.picture.read()).decode()}"


async def log_in(user: str, remember: bool = False) -> str:
    return f"{user} {remember}"


def service(*more):
    app = App("avatars", Settings(environment="test"))
    app.expose(set_avatar, http.put("/users/{user}/avatar", form=True), *more, allow=public)
    app.expose(log_in, http.post("/login", form=True), allow=public)
    return app


@pytest.mark.parametrize("transport", ["direct", "http", "asgi"])
async def test_a_file_arrives_by_every_client(transport):
    async with client(service(), transport=transport) as caller:
        picture = http.File.of('caf"é.txt', b"hot", content_type="text/plain")
        assert await caller.call(set_avatar, SetAvatar(user="ann", age=3, picture=picture)) == 'ann 3 caf"é.txt hot'
        assert await caller.call(log_in, user="ann & bob", remember=True) == "ann & bob True"


async def test_its_rules_hold():
    async with client(service(), transport="http") as caller:
        with pytest.raises(InvalidMessage):
            await caller.call(set_avatar, SetAvatar(user="ann", age="old", picture=http.File.of("a", b"")))


def test_a_grpc_method_beside_it_is_refused():
    faults = service(grpc.service("avatars.v1.Avatars")("SetAvatar")).check()
    assert {each.code for each in faults} == {"H0603"}
    assert "form=True" in faults[0].helps[0]
