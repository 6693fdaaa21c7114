"""What a person reads, word by word."""

import textwrap
import time

import pytest

from hardy.config import load
from hardy.core import BuildFailed


def text(expected: str) -> str:
    return textwrap.dedent(expected).strip("\n")


def one(diagnostics, code):
    """The only diagnostic of a code, as text."""
    [found] = [each for each in diagnostics if each.code == code]
    return found.render()


def test_all_missing_settings_are_told_at_once(folder, orders, faults):
    (folder / ".env").write_text("\n\nORDERS_WAIT=30s\nORDERS_PAYMNET_URL=https://pay.example.com\n")
    diagnostics = faults(orders, {"ORDERS_ENVIRONMENT": "dev"})
    assert [each.code for each in diagnostics] == ["H0201"]
    assert one(diagnostics, "H0201") == text("""
        error[H0201]: 3 settings have no value
          --> app.py:25
           |
        25 |     payment_url: Url
           |     ^^^^^^^^^^^ ORDERS_PAYMENT_URL is not set
        27 |     jwt_secret: Secret[Annotated[str, Meta(min_length=32)]]
           |     ^^^^^^^^^^ ORDERS_JWT_SECRET is not set
        29 |     database: DatabaseSettings
           |     ^^^^^^^^ ORDERS_DATABASE__URL is not set
          looked in   environment   .env (2 keys)   secrets (absent)   orders.toml (absent)

          help: .env:4 sets ORDERS_PAYMNET_URL, which no setting reads; rename it to ORDERS_PAYMENT_URL
          help: for local work   echo 'ORDERS_PAYMENT_URL=https://example.com' >> .env   # Base URL of the payment API.
          help: for local work   echo "ORDERS_JWT_SECRET=$(python3 -c 'import secrets; print(secrets.token_hex())')" >> .env   # Signs access tokens.
          help: for local work   echo 'ORDERS_DATABASE__URL=https://example.com' >> .env   # Where the database is.
          more: hardy explain H0201
        """)


def test_in_production_a_missing_setting_is_exported_or_mounted(folder, orders, faults, complete):
    (folder / ".env").write_text(f"ORDERS_JWT_SECRET={'s' * 32}\n")
    (folder / "orders.toml").write_text('payment_url = "https://pay.example.com"\n')
    diagnostics = faults(orders, {})
    assert one(diagnostics, "H0201") == text("""
        error[H0201]: 2 settings have no value
          --> app.py:27
           |
        27 |     jwt_secret: Secret[Annotated[str, Meta(min_length=32)]]
           |     ^^^^^^^^^^ ORDERS_JWT_SECRET is not set
        29 |     database: DatabaseSettings
           |     ^^^^^^^^ ORDERS_DATABASE__URL is not set
          looked in   environment   .env (read in dev only)   secrets (absent)   orders.toml

          help: export ORDERS_JWT_SECRET_FILE=/run/secrets/orders_jwt_secret   # Signs access tokens.
          help: export 'ORDERS_DATABASE__URL=https://example.com'   # Where the database is.
          more: hardy explain H0201
        """)


def test_a_bad_value_in_dotenv_is_pointed_at(folder, orders, faults, complete):
    (folder / ".env").write_text("# local\n\nORDERS_DATABASE__POOL_SIZE=ten\n")
    diagnostics = faults(orders, complete, flags={"environment": "dev"})
    assert one(diagnostics, "H0202") == text("""
        error[H0202]: ORDERS_DATABASE__POOL_SIZE must be a whole number from 1 to 200
          --> .env:3
          |
        3 | ORDERS_DATABASE__POOL_SIZE=ten
          |                            ^^^ not a number
          note: declared at app.py:16   pool_size: Annotated[int, Meta(ge=1, le=200)] = 10
          help: delete the line to use the default, 10
          more: hardy explain H0202
        """)


def test_a_bad_value_in_the_environment_is_pointed_at(folder, orders, faults, complete):
    diagnostics = faults(orders, {**complete, "ORDERS_DATABASE__POOL_SIZE": "300"})
    assert one(diagnostics, "H0202") == text("""
        error[H0202]: ORDERS_DATABASE__POOL_SIZE must be a whole number from 1 to 200
          --> environment
          |
          | ORDERS_DATABASE__POOL_SIZE=300
          |                            ^^^ too large
          note: declared at app.py:16   pool_size: Annotated[int, Meta(ge=1, le=200)] = 10
          help: unset ORDERS_DATABASE__POOL_SIZE to use the default, 10
          more: hardy explain H0202
        """)


def test_a_bad_value_in_toml_names_key_and_variable(folder, orders, faults, complete):
    (folder / "orders.toml").write_text("[http]\nport = 99999\n")
    assert one(faults(orders, complete), "H0202") == text("""
        error[H0202]: `http.port` (ORDERS_HTTP__PORT) must be a whole number from 0 to 65535
          --> orders.toml:2
          |
        2 | port = 99999
          |        ^^^^^ too large
          note: Port to listen on; 0 takes a free one. The plain variable PORT is honoured too.
          help: delete the line to use the default, 8080
          more: hardy explain H0202
        """)


def test_a_bad_flag_is_pointed_at(folder, orders, faults, complete):
    diagnostics = faults(orders, complete, flags={"shutdown.drain_timeout": "soon"})
    assert one(diagnostics, "H0202") == text("""
        error[H0202]: --drain-timeout (ORDERS_SHUTDOWN__DRAIN_TIMEOUT) must be a duration like 30s, 5m or 1h30m
          --> command line
          |
          | --drain-timeout=soon
          |                 ^^^^ not a duration
          note: Time for calls in flight to end before they are cancelled.
          help: leave out --drain-timeout to use the default, 18s
          more: hardy explain H0202
        """)


def test_a_bad_value_without_a_default_is_answered_with_an_example(folder, orders, faults, complete):
    diagnostics = faults(orders, {**complete, "ORDERS_PAYMENT_URL": "pay.example.com"})
    assert one(diagnostics, "H0202") == text("""
        error[H0202]: ORDERS_PAYMENT_URL must be a URL like https://example.com
          --> environment
          |
          | ORDERS_PAYMENT_URL=pay.example.com
          |                    ^^^^^^^^^^^^^^^ not a URL
          note: declared at app.py:25   payment_url: Url
          help: export 'ORDERS_PAYMENT_URL=https://example.com'
          more: hardy explain H0202
        """)


def test_a_bad_choice_is_answered_with_the_nearest(folder, orders, faults, complete):
    diagnostics = faults(orders, {**complete, "ORDERS_ENVIRONMENT": "prod"})
    assert one(diagnostics, "H0202") == text("""
        error[H0202]: ORDERS_ENVIRONMENT must be one of dev, test, production
          --> environment
          |
          | ORDERS_ENVIRONMENT=prod
          |                    ^^^^ no such choice
          note: Where the service runs; it switches defaults and what is allowed.
          help: write production
          help: unset ORDERS_ENVIRONMENT to use the default, production
          more: hardy explain H0202
        """)


def test_a_bad_secret_is_never_shown(folder, orders, faults, complete):
    (folder / ".env").write_text("ORDERS_JWT_SECRET=elevenchars\n")
    del complete["ORDERS_JWT_SECRET"]
    diagnostics = faults(orders, complete, flags={"environment": "dev"})
    assert one(diagnostics, "H0202") == text("""
        error[H0202]: ORDERS_JWT_SECRET must be text of at least 32 characters
          --> .env:1
          |
        1 | ORDERS_JWT_SECRET=***
          |                   ^^^ 11 characters, at least 32 needed (value hidden)
          note: declared at app.py:27   jwt_secret: Secret[Annotated[str, Meta(min_length=32)]]
          help: make one   python3 -c 'import secrets; print(secrets.token_hex())'
          more: hardy explain H0202
        """)


@pytest.mark.parametrize("url", ["postgresql://bob:hunt/er2@db/orders", "postgresql://bob:hunter2@db:99999/orders"])
def test_the_password_of_what_is_no_url_is_never_shown(orders, faults, complete, url):
    said = one(faults(orders, complete | {"ORDERS_DATABASE__URL": url}), "H0202")
    assert "ORDERS_DATABASE__URL=***" in said
    assert "hunt" not in said


def test_a_bad_value_in_a_mounted_file_is_named(folder, orders, faults, complete):
    (folder / "secrets").mkdir()
    (folder / "secrets/orders_jwt_secret").write_text("short\n")
    assert one(faults(orders, complete), "H0202") == text("""
        error[H0202]: ORDERS_JWT_SECRET must be text of at least 32 characters
          --> secrets/orders_jwt_secret
          |
          | ORDERS_JWT_SECRET=***
          |                   ^^^ 5 characters, at least 32 needed (value hidden)
          note: declared at app.py:27   jwt_secret: Secret[Annotated[str, Meta(min_length=32)]]
          help: make one   python3 -c 'import secrets; print(secrets.token_hex())'
          more: hardy explain H0202
        """)


def test_an_unknown_key_is_named_with_the_nearest(folder, orders, faults, complete):
    (folder / "orders.toml").write_text("[database]\npoolsize = 5\n")
    assert one(faults(orders, complete), "H0203") == text("""
        error[H0203]: orders.toml sets `database.poolsize`, which no setting reads
          --> orders.toml:2
          |
        2 | poolsize = ***
          | ^^^^^^^^ unknown key
          help: rename it to `pool_size`
          help: hardy show config
          more: hardy explain H0203
        """)


def test_an_unknown_flag_is_an_error(folder, orders, faults, complete):
    assert one(faults(orders, complete, flags={"http.prot": 1}), "H0203") == text("""
        error[H0203]: the command line sets `http.prot`, which no setting reads
          --> command line
          |
          | http.prot=***
          | ^^^^^^^^^
          help: hardy show config
          more: hardy explain H0203
        """)


def test_a_section_that_is_no_table_is_an_error(folder, orders, faults, complete):
    (folder / "orders.toml").write_text("http = 8080\n")
    assert one(faults(orders, complete), "H0202") == text("""
        error[H0202]: `http` must be a table
          --> orders.toml:1
          |
        1 | http = ***
          | ^^^^ not a table
          help: write it as a table: [http]
          more: hardy explain H0202
        """)


def test_a_variable_beside_its_file_is_an_error(folder, orders, faults, complete):
    (folder / "key").write_text("k" * 32)
    (folder / ".env").write_text(f"ORDERS_JWT_SECRET={'s' * 32}\n")
    del complete["ORDERS_JWT_SECRET"]
    environ = {**complete, "ORDERS_ENVIRONMENT": "dev", "ORDERS_JWT_SECRET_FILE": "key"}
    assert one(faults(orders, environ), "H0204") == text("""
        error[H0204]: ORDERS_JWT_SECRET and ORDERS_JWT_SECRET_FILE are both set
          --> .env:1
          |
        1 | ORDERS_JWT_SECRET=***
          | ^^^^^^^^^^^^^^^^^ ORDERS_JWT_SECRET is set in .env:1
          --> environment
          |
          | ORDERS_JWT_SECRET_FILE=key
          |                        ^^^ ORDERS_JWT_SECRET_FILE is set in environment
          help: delete line 1 of .env
          more: hardy explain H0204
        """)


def test_a_secret_file_that_is_not_there_is_named(folder, orders, faults, complete):
    del complete["ORDERS_JWT_SECRET"]
    diagnostics = faults(orders, {**complete, "ORDERS_JWT_SECRET_FILE": "secrets/tokne"})
    assert one(diagnostics, "H0207") == text("""
        error[H0207]: ORDERS_JWT_SECRET_FILE names secrets/tokne, which cannot be read: no such file or directory
          --> secrets/tokne
          note: it holds the value of ORDERS_JWT_SECRET
          help: ls -l secrets/tokne
          more: hardy explain H0207
        """)


def test_toml_that_does_not_parse_is_pointed_at_without_its_text(folder, orders, faults, complete):
    (folder / "orders.toml").write_text("wait = 5\nport 8080\n")
    assert one(faults(orders, complete), "H0207") == text("""
        error[H0207]: orders.toml is not TOML: expected '=' after a key in a key/value pair
          --> orders.toml:2
          help: vi +2 orders.toml
          more: hardy explain H0207
        """)


def test_a_named_file_that_is_not_there_is_an_error(folder, orders, faults, complete):
    assert one(faults(orders, complete, file="prod.toml"), "H0207") == text("""
        error[H0207]: prod.toml does not exist
          --> prod.toml
          help: leave out `--config`
          more: hardy explain H0207
        """)


def test_a_line_of_dotenv_that_is_no_assignment_is_pointed_at_without_its_text(folder, orders, faults, complete):
    (folder / ".env").write_text("A=1\nhunter2 is 'the password\n")
    assert one(faults(orders, complete, flags={"environment": "dev"}), "H0207") == text("""
        error[H0207]: .env:2 is not NAME=value
          --> .env:2
          help: write one NAME=value a line, and quotes around a value with blanks or #
          more: hardy explain H0207
        """)


@pytest.mark.parametrize("name", ["orders.toml", ".env", "secrets/orders_jwt_secret"])
def test_a_file_that_is_no_text_is_an_error(folder, orders, faults, complete, name):
    (folder / "secrets").mkdir()
    (folder / name).write_bytes(b"\xff\xfe")
    diagnostics = faults(orders, complete, flags={"environment": "dev"})
    assert [each.title for each in diagnostics] == [f"{name} cannot be read: it is not UTF-8"]


def test_an_endless_secret_file_is_refused(folder, orders, faults, complete):
    del complete["ORDERS_JWT_SECRET"]
    titles = [each.title for each in faults(orders, {**complete, "ORDERS_JWT_SECRET_FILE": "/dev/zero"})]
    assert "ORDERS_JWT_SECRET_FILE names /dev/zero, which is larger than 1 MiB" in titles


def test_an_unknown_variable_is_a_warning_with_the_nearest_name(folder, orders, complete):
    [warning] = load(orders, environ={**complete, "ORDERS_HTTP__PROT": "8081"}).warnings
    assert warning.render() == text("""
        warning[H0208]: ORDERS_HTTP__PROT is set, but no setting reads it
          --> environment
          |
          | ORDERS_HTTP__PROT=***
          | ^^^^^^^^^^^^^^^^^ the nearest name is ORDERS_HTTP__PORT
          help: rename it to ORDERS_HTTP__PORT
          more: hardy explain H0208
        """)


def test_an_unknown_variable_without_a_likeness_is_to_be_removed(folder, orders, complete):
    (folder / ".env").write_text("\nORDERS_ZZZZ=1\n")
    [warning] = load(orders, environ=complete, flags={"environment": "dev"}).warnings
    assert warning.render() == text("""
        warning[H0208]: ORDERS_ZZZZ is set, but no setting reads it
          --> .env:2
          |
        2 | ORDERS_ZZZZ=***
          | ^^^^^^^^^^^ names look like ORDERS_ENVIRONMENT
          help: delete line 2 of .env
          more: hardy explain H0208
        """)


@pytest.mark.parametrize(
    "name",
    [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_80_TCP",
        "PORT_80_TCP_PROTO",
        "DB_SERVICE_HOST",
        "DB_SERVICE_PORT",
        "DB_SERVICE_PORT_POSTGRES",
        "DB_PORT",
        "DB_PORT_5432_TCP_ADDR",
    ],
)
def test_the_names_that_kubernetes_makes_are_no_warnings(folder, orders, complete, name):
    assert load(orders, environ={**complete, f"ORDERS_{name}": "tcp://10.0.0.7:80"}).warnings == ()


@pytest.mark.parametrize("name", ["ORDERS_HTPP__PORT", "ORDERS_PORTS", "ORDERS_SERVICE"])
def test_a_name_that_kubernetes_cannot_make_is_a_warning(folder, orders, complete, name):
    assert [each.code for each in load(orders, environ={**complete, name: "1"}).warnings] == ["H0208"]


@pytest.mark.parametrize("name", ["ORDERSHTTP__PORT", "OTHER_HTTP__PORT", "PATH", "orders_wait"])
def test_the_variables_of_others_are_none_of_our_business(folder, orders, complete, name):
    assert load(orders, environ={**complete, name: "1"}).warnings == ()


def test_warnings_come_with_the_errors(folder, orders, faults, complete):
    del complete["ORDERS_JWT_SECRET"]
    codes = [each.code for each in faults(orders, {**complete, "ORDERS_ZZZZ": "1"})]
    assert codes == ["H0201", "H0208"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (
            "file",
            """
            error[H0209]: the secret ORDERS_JWT_SECRET stands in orders.toml
              --> orders.toml:1
              |
            1 | jwt_secret = ***
              |              ^^^ is checked in or copied with the file
            """,
        ),
        (
            "flag",
            """
            error[H0209]: the secret ORDERS_JWT_SECRET is given on the command line
              --> command line
              |
              | jwt_secret=***
              |            ^^^ shows in every list of processes
            """,
        ),
    ],
    ids=["file", "flag"],
)
def test_a_secret_in_the_wrong_place_is_refused_unseen(folder, orders, faults, complete, where, expected):
    del complete["ORDERS_JWT_SECRET"]
    if where == "file":
        (folder / "orders.toml").write_text(f'jwt_secret = "{"hunter2" * 9}"\n')
    diagnostics = faults(orders, complete, flags={"jwt_secret": "hunter2" * 9} if where == "flag" else {})
    remedies = """
          help: put it into a file: export ORDERS_JWT_SECRET_FILE=/run/secrets/orders_jwt_secret
          help: for local work   echo 'ORDERS_JWT_SECRET=...' >> .env
          more: hardy explain H0209"""
    assert one(diagnostics, "H0209") == text(expected) + "\n" + textwrap.indent(
        textwrap.dedent(remedies).strip("\n"), "  "
    )


def test_a_secret_with_its_value_in_the_source_is_refused_in_production(folder, module, faults):
    source = """
        from dataclasses import dataclass
        from hardy.config import Secret, Settings

        @dataclass(frozen=True, slots=True, kw_only=True)
        class Bad(Settings):
            token: Secret[str] = Secret("hunter2")
        """
    cls = module("bad", textwrap.dedent(source)).Bad
    assert load(cls, environ={"HARDY_ENVIRONMENT": "dev"}).settings.token.reveal() == "hunter2"
    assert one(faults(cls), "H0209") == text("""
        error[H0209]: the secret HARDY_TOKEN has its production value in the source
          --> bad.py:7
          help: put it into a file: export HARDY_TOKEN_FILE=/run/secrets/hardy_token
          help: for local work   echo 'HARDY_TOKEN=...' >> .env
          more: hardy explain H0209
        """)


def test_what_the_class_refuses_is_a_bad_value_without_the_secret(folder, module, faults):
    source = """
        from dataclasses import dataclass
        from hardy.config import Secret, Settings

        @dataclass(frozen=True, slots=True, kw_only=True)
        class Pair(Settings):
            low: int = 1
            high: int = 2
            token: Secret[str]

            def __post_init__(self) -> None:
                if self.low > self.high:
                    raise ValueError(f"low is above high, {self.token.reveal()}")
        """
    cls = module("pair", textwrap.dedent(source)).Pair
    diagnostics = faults(cls, {"HARDY_LOW": "3", "HARDY_TOKEN": "hunter2"})
    assert one(diagnostics, "H0202") == text("""
        error[H0202]: Pair refuses its values: low is above high, ***
          --> pair.py:6
          |
        6 | class Pair(Settings):
          | ^^^^^^^^^^^^^^^^^^^^^
          help: change HARDY_LOW or HARDY_TOKEN
          more: hardy explain H0202
        """)


def test_what_a_terminal_would_obey_is_shown_as_text(folder, orders, faults, complete):
    diagnostics = faults(orders, {**complete, "ORDERS_WAIT": "\x1b[31m\n" + "x" * 500})
    rendered = one(diagnostics, "H0202")
    assert "\x1b" not in rendered
    assert r"ORDERS_WAIT=\x1b[31m\n" in rendered
    assert max(map(len, rendered.splitlines())) < 160


def test_promise_43_everything_wrong_is_told_at_once_and_no_secret_with_it(folder, orders, complete):
    (folder / "orders.toml").write_text(
        'jwt_secret = "canary-in-toml-canary-in-toml-canary"\nunknown = "canary-unknown"\n'
    )
    (folder / "secrets").mkdir()
    (folder / "secrets/orders_database__password").write_text("canary-short")
    environ = {
        "ORDERS_ENVIRONMENT": "production",
        "ORDERS_PAYMENT_URL": "no url",
        "ORDERS_WAIT": "soon",
        "ORDERS_HTTP__PORT": "99999",
        "ORDERS_JWT_SECRTE": "canary-misspelt",
    }
    started = time.process_time()
    with pytest.raises(BuildFailed) as raised:
        load(orders, environ=environ, secrets_dir="secrets")
    assert time.process_time() - started < 1
    codes = sorted(each.code for each in raised.value.diagnostics)
    assert codes == ["H0201", *["H0202"] * 4, "H0203", "H0208", "H0209"]
    assert raised.value.exit_code == 3
    assert "canary" not in str(raised.value)
    assert "***" in str(raised.value)
