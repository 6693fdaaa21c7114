"""What the tests of orders share."""

import pytest

from hardy import App
from hardy.adapters.sql import DatabaseSettings
from orders.app import Settings, build


@pytest.fixture
def app(tmp_path) -> App:
    settings = Settings(environment="test", database=DatabaseSettings(url=f"sqlite:///{tmp_path}/orders.db"))
    return build(settings)
