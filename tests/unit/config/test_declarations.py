"""Settings classes that cannot be filled are refused before any value is read."""

import textwrap

import pytest

from hardy.config import Settings, load
from hardy.config._declared import declaration_of
from hardy.config._sections import GrpcSettings
from hardy.core import BuildFailed

HEAD = """\
from dataclasses import dataclass
from typing import ClassVar, TYPE_CHECKING

from hardy.config import Settings

if TYPE_CHECKING:
    from decimal import Decimal


class Engine: ...


@dataclass(frozen=True)
class Node:
    left: "Node | None" = None


class Bare(Settings):
    prefix: ClassVar[str] = "BARE"
    limit: int


@dataclass(frozen=True, kw_only=True)
class Shop(Settings):
    prefix: ClassVar[str] = "SHOP"
"""


def refused(module, fields: str) -> list[str]:
    made = module("shop", HEAD + textwrap.indent(textwrap.dedent(fields), "    "))
    with pytest.raises(BuildFailed) as raised:
        load(made.Shop, environ={})
    assert raised.value.exit_code == 3
    return [each.render() for each in raised.value.diagnostics]


def text(expected: str) -> str:
    return textwrap.dedent(expected).strip("\n")


@pytest.mark.parametrize(
    ("field", "stem", "remedy"),
    [
        (
            "port: int = 1",
            "port",
            "nest it: `server: ServerSettings` with a field `port` is read from SHOP_SERVER__PORT",
        ),
        ("db_port: int = 1", "db_port", "nest it: `db: DbSettings` with a field `port` is read from SHOP_DB__PORT"),
        (
            "db_service_host: str = ''",
            "db_service_host",
            "nest it: `db: DbSettings` with a field `port` is read from SHOP_DB__PORT",
        ),
        (
            "service_port_http: int = 1",
            "service_port_http",
            "nest it: `server: ServerSettings` with a field `port` is read from SHOP_SERVER__PORT",
        ),
        (
            "port_80_tcp: str = ''",
            "port_80_tcp",
            "nest it: `server: ServerSettings` with a field `port` is read from SHOP_SERVER__PORT",
        ),
    ],
    ids=["port", "other-service", "host", "named-port", "tcp"],
)
def test_a_setting_named_like_a_service_link_is_refused(module, field, stem, remedy):
    [rendered] = refused(module, field)
    assert rendered == text(f"""
        error[H0205]: SHOP_{stem.upper()} is a name that Kubernetes sets by itself
          --> shop.py:26
           |
        26 |     {field}
           |     {"^" * len(stem)} cannot be told from a service link
          help: {remedy}
          more: hardy explain H0205
        """)


def test_a_type_that_no_text_becomes_is_refused(module):
    [rendered] = refused(module, "engine: Engine")
    assert rendered.startswith(
        text("""
        error[H0206]: `Shop.engine` has a type that no text can be read into
          --> shop.py:26
           |
        26 |     engine: Engine
           |     ^^^^^^
          help: a setting is str, int, float, bool,
        """)
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("limit: 'Decimal'", "`Shop` has an annotation that cannot be resolved: `Decimal`"),
        ("node: Node", "`Node` contains itself"),
        ("nodes: list[Node]", "contains itself"),
        ("bare: Bare", "`Bare` is not a dataclass, so its settings are not read"),
        ("http__port: int = 1", "`http.port` and `http__port` are both read from SHOP_HTTP__PORT"),
        ("prefix: ClassVar[str] = 'my-shop'", "the prefix 'my-shop' makes no variable names"),
        ("prefix: ClassVar[str] = 'my-shop'", 'write `prefix: ClassVar[str] = "MY_SHOP"`'),
        ("choice: int | str", "a union of several types is ambiguous as text"),
    ],
    ids=["unresolvable", "recursive", "recursive-list", "no-dataclass", "same-variable", "prefix", "remedy", "union"],
)
def test_a_class_that_cannot_be_filled_is_refused(module, fields, said):
    rendered = "\n".join(refused(module, fields))
    assert "error[H0206]" in rendered
    assert said in rendered


def test_a_subclass_that_is_no_dataclass_is_refused_rather_than_half_read(module):
    made = module("shop", HEAD + "    pass")
    with pytest.raises(BuildFailed, match="write @dataclass"):
        load(made.Bare, environ={"BARE_LIMIT": "1"})


def test_everything_wrong_with_a_class_is_told_at_once(module):
    assert len(refused(module, "engine: Engine\nport: int = 1\nboth: int | str")) == 3


def test_a_class_of_the_framework_is_found_in_its_private_file():
    found = declaration_of(GrpcSettings, "max_message")
    assert found.doc == "Largest message taken or sent; beyond it RESOURCE_EXHAUSTED."
    assert found.place.text.strip().startswith("max_message:")


def test_an_inherited_setting_is_found_where_it_is_declared(orders):
    assert declaration_of(orders, "replicas").doc.startswith("How many processes")


def test_a_class_without_source_has_no_place():
    namespace = {}
    exec("class Typed:\n    limit: int", namespace)
    assert declaration_of(namespace["Typed"], "limit").place is None


def test_settings_without_source_are_told_without_places(folder, faults):
    namespace = {"Settings": Settings}
    source = "from dataclasses import dataclass\n@dataclass(frozen=True, kw_only=True)\nclass Typed(Settings):\n    limit: int"
    exec(source, namespace)
    [diagnostic] = faults(namespace["Typed"])
    assert diagnostic.render() == text("""
        error[H0201]: 1 setting has no value
          HARDY_LIMIT is not set
          looked in   environment   secrets (absent)   hardy.toml (absent)

          help: export 'HARDY_LIMIT=1'
          more: hardy explain H0201
        """)
