"""A small app with everything that can be plugged into one."""

import io
import json

import pytest

from hardy.app import App
from hardy.config import Settings


@pytest.fixture
def app() -> App:
    return App("shop", Settings(environment="dev"))


class Log(io.StringIO):
    """A log that can be asked."""

    def entries(self, event: str) -> list[dict[str, object]]:
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        return [each for each in found if each["event"] == event]


@pytest.fixture
def log() -> Log:
    return Log()
