"""Which source wins, and where each value says it is from."""

import os
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from hardy.config import HttpSettings, Secret, Settings, Url, by_environment, load


def value(loaded, name):
    return next(each for each in loaded.values if each.name == name)


# One row per source, weakest first: each is written with all the rows above it still in place.
SOURCES = [
    ("default", "10", "default"),
    ("file", "11", "orders.toml:4"),
    ("dotenv", "12", ".env:3"),
    ("environment", "13", "environment"),
    ("secret", "14", "secrets/orders_database__pool_size"),
    ("flag", "15", "command line"),
]


@pytest.mark.parametrize(("strongest", "expected", "source"), SOURCES, ids=[row[0] for row in SOURCES])
def test_the_last_source_that_sets_a_value_wins(folder, orders, complete, strongest, expected, source):
    present = [row[0] for row in SOURCES[: [row[0] for row in SOURCES].index(strongest) + 1]]
    flags = {"environment": "dev"}
    if "file" in present:
        (folder / "orders.toml").write_text("# where\n\n[database]\npool_size = 11\n")
    if "dotenv" in present:
        (folder / ".env").write_text("# local\n\nORDERS_DATABASE__POOL_SIZE=12\n")
    if "environment" in present:
        complete["ORDERS_DATABASE__POOL_SIZE"] = "13"
    if "secret" in present:
        (folder / "secrets").mkdir()
        (folder / "secrets/orders_database__pool_size").write_text("14\n")
    if "flag" in present:
        flags["database.pool_size"] = "15"

    loaded = load(orders, environ=complete, secrets_dir="secrets", flags=flags)

    assert loaded.settings.database.pool_size == int(expected)
    told = value(loaded, "database.pool_size")
    assert (told.value, told.source, told.default, told.type) == (expected, source, "10", "int")
    assert loaded.warnings == ()


@pytest.mark.parametrize("environment", ["test", "production"])
def test_dotenv_is_read_in_dev_only(folder, orders, complete, environment):
    (folder / ".env").write_text("ORDERS_WAIT=1m\n")
    assert load(orders, environ={**complete, "ORDERS_ENVIRONMENT": "dev"}).settings.wait == 60
    assert load(orders, environ={**complete, "ORDERS_ENVIRONMENT": environment}).settings.wait == 30


def test_a_dotenv_file_that_is_named_is_read_anywhere(folder, orders, complete):
    (folder / "local.env").write_text("ORDERS_WAIT=1m\nORDERS_ENVIRONMENT=test\n")
    loaded = load(orders, environ=complete, dotenv="local.env")
    assert (loaded.settings.wait, loaded.settings.environment) == (60, "test")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ORDERS_TAGS=a,b", ["a", "b"]),
        ("export ORDERS_TAGS = 'a,b'  # two", ["a", "b"]),
        ('HOST=h\nORDERS_TAGS="${HOST},${HOME_TOWN:-x}"', ["h", "x"]),
        ("ORDERS_TAGS='${HOST}'", ["${HOST}"]),
        ("ORDERS_TAGS=${SHELL_SAYS}", ["yes"]),
        ("\ufeffORDERS_TAGS=a", ["a"]),
        ("ORDERS_TAGS=a\nORDERS_TAGS=b", ["b"]),
        ("ORDERS_TAGS=a\r\n", ["a"]),
    ],
    ids=["plain", "export", "expanded", "single-quotes", "environment", "bom", "twice", "windows"],
)
def test_dotenv_is_read_as_a_shell_would(folder, orders, complete, text, expected):
    (folder / ".env").write_bytes(text.encode())
    environ = {**complete, "ORDERS_ENVIRONMENT": "dev", "SHELL_SAYS": "yes"}
    assert load(orders, environ=environ).settings.tags == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ORDERS_WAIT=1s", 1),
        ("\n\n# x\nORDERS_WAIT=1s\n", 4),
        ('A="1\n2\n3"\nORDERS_WAIT=1s\n', 4),
        ("A=1\r\n\r\nORDERS_WAIT=1s", 3),
        ("ORDERS_WAIT=9s\nORDERS_WAIT=1s", 2),
    ],
    ids=["first", "blank", "multiline-value", "windows", "twice"],
)
def test_a_value_from_dotenv_knows_its_line(folder, orders, complete, text, line):
    (folder / ".env").write_bytes(text.encode())
    loaded = load(orders, environ=complete, flags={"environment": "dev"})
    assert value(loaded, "wait").source == f".env:{line}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("database.pool_size = 5", 1),
        ("database = { pool_size = 5 }", 1),
        ('[http]\nport = 1\n[ "database" ] # x\npool_size = 5', 4),
        ('tags = ["""\npool_size = 1\n"""]\n[database]\npool_size = 5', 5),
    ],
    ids=["dotted", "inline", "table", "multiline-text"],
)
def test_a_value_from_toml_knows_its_line(folder, orders, complete, text, line):
    (folder / "orders.toml").write_text(text)
    loaded = load(orders, environ=complete)
    assert (loaded.settings.database.pool_size, value(loaded, "database.pool_size").source) == (
        5,
        f"orders.toml:{line}",
    )


def test_the_file_that_is_named_is_read(folder, orders, complete):
    (folder / "other.conf").write_text('wait = "5m"\ntags = ["a"]\n')
    settings = load(orders, environ=complete, file="other.conf").settings
    assert (settings.wait, settings.tags) == (300, ["a"])


@pytest.mark.parametrize(
    ("environ", "expected", "source"),
    [
        ({}, 8080, "default"),
        ({"PORT": "3000"}, 3000, "environment"),
        ({"PORT": "3000", "ORDERS_HTTP__PORT": "4000"}, 4000, "environment"),
    ],
    ids=["none", "platform", "both"],
)
def test_the_port_of_a_platform_is_honoured_unless_the_own_is_set(folder, orders, complete, environ, expected, source):
    loaded = load(orders, environ={**complete, **environ})
    assert (loaded.settings.http.port, value(loaded, "http.port").source) == (expected, source)
    assert loaded.settings.grpc.port == 9090


@pytest.mark.parametrize("name", ["orders_jwt_secret", "ORDERS_JWT_SECRET"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"], ids=["bare", "newline", "windows"])
def test_a_mounted_secret_is_read_without_its_line_break(folder, orders, complete, name, ending):
    (folder / "secrets").mkdir()
    (folder / "secrets" / name).write_bytes(f" {'x' * 32}{ending}".encode())
    del complete["ORDERS_JWT_SECRET"]
    loaded = load(orders, environ=complete, secrets_dir="secrets")
    assert loaded.settings.jwt_secret.reveal() == " " + "x" * 32
    assert value(loaded, "jwt_secret").source == f"secrets/{name}"


@pytest.mark.parametrize("where", ["environment", "dotenv"])
def test_a_secret_is_read_from_the_file_that_its_variable_names(folder, orders, complete, where):
    (folder / "key").write_text("x" * 32)
    del complete["ORDERS_JWT_SECRET"]
    complete["ORDERS_ENVIRONMENT"] = "dev"
    if where == "dotenv":
        (folder / ".env").write_text("ORDERS_JWT_SECRET_FILE=key\n")
    else:
        complete["ORDERS_JWT_SECRET_FILE"] = "key"
    loaded = load(orders, environ=complete)
    assert loaded.settings.jwt_secret == Secret("x" * 32)
    assert loaded.warnings == ()


def test_a_setting_whose_own_name_ends_in_file_is_no_twin(folder):
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Tls(Settings):
        prefix: ClassVar[str] = "TLS"
        cert: str = ""
        cert_file: str = ""

    settings = load(Tls, environ={"TLS_CERT_FILE": "/nowhere", "TLS_CERT": "x"}).settings
    assert (settings.cert, settings.cert_file) == ("x", "/nowhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    url: Url
    send: bool = by_environment(dev=False, test=False, production=True)
    size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop(Settings):
    prefix: ClassVar[str] = "MY_SHOP"
    mail: Mail | None = None
    other: Mail = field(default_factory=lambda: Mail(url="http://default", size=7))
    http: HttpSettings = field(default_factory=lambda: HttpSettings(port=1234))


def test_an_optional_section_is_none_until_something_in_it_is_set(folder):
    assert load(Shop, environ={}).settings.mail is None
    mail = load(Shop, environ={"MY_SHOP_MAIL__URL": "http://a"}).settings.mail
    assert mail == Mail(url="http://a", send=True)


def test_the_default_of_a_section_gives_the_defaults_inside(folder):
    loaded = load(Shop, environ={"MY_SHOP_OTHER__SIZE": "8", "MY_SHOP_ENVIRONMENT": "dev"})
    assert loaded.settings.other == Mail(url="http://default", size=8, send=False)
    assert value(loaded, "other.size").default == "7"
    assert (loaded.settings.http.port, loaded.settings.http.host) == (1234, "127.0.0.1")


@pytest.mark.parametrize(
    ("environment", "host", "delay", "reflection", "docs"),
    [
        ("dev", "127.0.0.1", 0, True, True),
        ("test", "127.0.0.1", 0, False, False),
        ("production", "0.0.0.0", 5, False, False),
    ],
    ids=["dev", "test", "production"],
)
def test_the_environment_switches_defaults(folder, environment, host, delay, reflection, docs):
    loaded = load(Settings, environ={"HARDY_ENVIRONMENT": environment})
    for settings in (loaded.settings, Settings(environment=environment)):
        assert {settings.http.host, settings.grpc.host, settings.admin.host} == {host}
        assert settings.shutdown.drain_delay == delay
        assert (settings.grpc.reflection, settings.http.docs) == (reflection, docs)
    assert loaded.settings == Settings(environment=environment)
    assert value(loaded, "admin.host").source == f"default for {environment}"


def test_what_is_set_wins_over_the_default_of_the_environment(folder):
    loaded = load(Settings, environ={"HARDY_SHUTDOWN__DRAIN_DELAY": "0", "HARDY_HTTP__HOST": "::1"})
    assert (loaded.settings.shutdown.drain_delay, loaded.settings.http.host) == (0, "::1")
    assert Settings(http=HttpSettings(host="::1")).http.host == "::1"


def test_production_is_the_default(folder):
    assert load(Settings, environ={}).settings.environment == "production"


def test_the_environment_of_the_process_is_read_and_left_alone(folder, monkeypatch):
    monkeypatch.setenv("HARDY_REPLICAS", "3")
    before = dict(os.environ)
    assert load(Settings).settings.replicas == 3
    assert dict(os.environ) == before


def test_two_services_live_in_one_process(folder, orders, complete):
    one = load(orders, environ=complete).settings
    other = load(Shop, environ={"MY_SHOP_HTTP__PORT": "1"}).settings
    assert (one.http.port, other.http.port) == (8080, 1)


def test_a_flag_that_was_not_given_sets_nothing(folder):
    loaded = load(Settings, environ={}, flags={"http.port": None, "grpc.port": 0, "shutdown.drain_delay": "2s"})
    assert (loaded.settings.http.port, loaded.settings.grpc.port, loaded.settings.shutdown.drain_delay) == (8080, 0, 2)
    assert value(loaded, "grpc.port").source == "flag --grpc-port"
    assert value(loaded, "shutdown.drain_delay").source == "flag --drain-delay"
