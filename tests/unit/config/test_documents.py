import json
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from hardy.config import HttpSettings, Secret, Settings, describe, env_example, load, reference


def test_describe_tells_everything_about_each_setting(folder, orders, complete):
    described = {each["name"]: each for each in describe(load(orders, environ=complete))}
    assert described["database.pool_size"] == {
        "name": "database.pool_size",
        "variable": "ORDERS_DATABASE__POOL_SIZE",
        "value": "10",
        "set": True,
        "source": "default",
        "default": "10",
        "type": "int",
        "rule": "a whole number from 1 to 200",
        "doc": "Most connections at once.",
        "secret": False,
    }
    assert described["jwt_secret"]["value"] == "***"
    assert described["jwt_secret"]["secret"] is True
    assert described["database.password"] == {**described["database.password"], "value": None, "set": False}
    assert described["limits.body"]["value"] == "1MiB"
    assert described["http.port"]["doc"].startswith("Port to listen on")


def test_nothing_that_shows_settings_shows_a_secret(folder, orders, complete):
    complete |= {"ORDERS_JWT_SECRET": "canary" * 6, "ORDERS_DATABASE__PASSWORD": "canary" * 6}
    complete["ORDERS_DATABASE__URL"] = "postgresql://orders:canary@db/orders"
    loaded = load(orders, environ=complete)
    assert "canary" not in json.dumps(describe(loaded))
    assert "canary" not in repr(loaded.values)
    assert "canary" not in repr(loaded.settings.jwt_secret)


def test_every_setting_of_the_framework_is_documented(folder):
    undocumented = [each.name for each in load(Settings, environ={}).values if not each.doc]
    assert undocumented == []


def test_the_example_names_what_must_be_set_and_comments_what_may_be(folder, orders):
    text = env_example(orders)
    assert text.startswith("# The settings of orders. Copy to .env, which is read in dev only.\n\n# The service\n")
    assert (
        "\n# Base URL of the payment API.\n# Required: a URL like https://example.com.\nORDERS_PAYMENT_URL=\n" in text
    )
    assert "\n# database: Where orders are kept\n" in text
    assert "\n# Most connections at once.\n# A whole number from 1 to 200.\n# ORDERS_DATABASE__POOL_SIZE=10\n" in text
    assert "\n# ORDERS_HTTP__HOST=127.0.0.1\n" in text
    assert text == env_example(orders)


def test_the_example_filled_in_is_a_dotenv_file_that_loads(folder, orders, complete):
    lines = env_example(orders).replace("\n# ORDERS_", "\nORDERS_").splitlines()
    filled = [line + complete.get(line[:-1], "") if line.endswith("=") else line for line in lines]
    # TLS is absent unless something of it is set, and then its files are required.
    filled = [line for line in filled if line != "ORDERS_ENVIRONMENT=production" and "__TLS__" not in line]
    (folder / ".env").write_text("\n".join(filled))
    loaded = load(orders, environ={"ORDERS_ENVIRONMENT": "dev"})
    assert loaded.settings == load(orders, environ={**complete, "ORDERS_ENVIRONMENT": "dev"}).settings
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    "row",
    [
        "| `ORDERS_PAYMENT_URL` | `payment_url` | a URL like https://example.com | required | Base URL of the payment API. |",
        "| `ORDERS_JWT_SECRET` | `jwt_secret` | secret: text of at least 32 characters | required | Signs access tokens. |",
        "| `ORDERS_HTTP__HOST` | `http.host` | text | `127.0.0.1` in dev and test, `0.0.0.0` in production | Address to listen on. |",
        "| `ORDERS_TAGS` | `tags` | a list of texts like text,text or a JSON array | none |  |",
        "## database: Where orders are kept",
    ],
    ids=["required", "secret", "by-environment", "empty", "section"],
)
def test_the_reference_is_a_table_of_every_setting(folder, orders, row):
    assert row in reference(orders).splitlines()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part, with | in it."""

    token: Secret[str] = Secret("hunter2")  # noqa: RUF009  # a secret is immutable
    name: str
    note: str = "a b#c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Settings):
    prefix: ClassVar[str] = "WHOLE"
    part: Part | None = None
    http: HttpSettings = field(default_factory=lambda: HttpSettings(port=1234))


def test_an_optional_section_asks_for_nothing(folder):
    text = env_example(Whole)
    assert "# part: A part, with | in it (absent unless something in it is set)" in text
    assert "# WHOLE_PART__NAME=\n" in text
    assert "# WHOLE_PART__NOTE='a b#c'\n" in text
    assert "# WHOLE_HTTP__PORT=1234\n" in text


def test_documents_do_not_show_a_secret_that_stands_in_the_source(folder):
    assert "hunter2" not in env_example(Whole) + reference(Whole)
