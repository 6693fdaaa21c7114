"""What `hardy show` prints, as text and as JSON."""

import json

import pytest

NEEDS = """
    from typing import Protocol

    from hardy import App, Clock, public
    from hardy.transport import http


    class Rates(Protocol): ...
    class Prices(Protocol): ...


    def rates(*, clock: Clock) -> Rates: ...
    def prices(rates: Rates) -> Prices: ...


    async def buy(sku: str, *, prices: Prices) -> str:
        return sku


    def build() -> App:
        app = App("shop")
        app.provide(rates, scope="app")
        app.provide(prices)
        app.expose(buy, http.post("/buy"), allow=public)
        return app
"""


def test_operations_are_a_table_of_doors_and_rules(project, hardy):
    done = hardy("show", "operations")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "operation   kind    reached by              allow    does",
        "buy         unary   REST POST /purchases    public   Buy something.",
        "                    gRPC shop.v1.Shop/Buy",
    ]


def test_operations_as_json_have_stable_keys(project, hardy):
    [operation] = json.loads(hardy("show", "operations", "--json").out)
    assert operation["name"] == "buy"
    assert operation["bindings"][0] == {"transport": "http", "method": "POST", "path": "/purchases", "status": 201}


def test_config_tells_value_source_default_and_doc(project, hardy, monkeypatch):
    monkeypatch.setenv("SHOP_HTTP__PORT", "8181")
    lines = hardy("show", "config").out.splitlines()
    assert lines[0].split() == ["setting", "value", "source", "default", "is"]
    port = next(line for line in lines if line.startswith("http.port"))
    assert port.split()[:4] == ["http.port", "8181", "environment", "8080"]


def test_config_says_that_dev_is_assumed(project, hardy):
    [environment] = [
        each for each in json.loads(hardy("show", "config", "--json").out) if each["name"] == "environment"
    ]
    assert (environment["value"], environment["source"]) == ("dev", "assumed by hardy show")


def test_config_keeps_to_the_environment_that_is_stated(project, hardy, monkeypatch):
    monkeypatch.setenv("SHOP_ENVIRONMENT", "production")
    values = {each["name"]: each["value"] for each in json.loads(hardy("show", "config", "--json").out)}
    assert (values["environment"], values["http.docs"]) == ("production", "false")


def test_config_hides_secrets(project, hardy, monkeypatch):
    source = project.read("src/shop/app.py").replace('"SHOP"', '"SHOP"\n    key: hardy.Secret[str]')
    project.write("src/shop/app.py", source)
    monkeypatch.setenv("SHOP_KEY", "correct horse battery staple")
    for arguments in (["config"], ["config", "--json"], ["env"], ["env", "--json"]):
        done = hardy("show", *arguments)
        assert done.code == 0
        assert "horse" not in done.out + done.err
    assert "***" in hardy("show", "config").out


def test_the_graph_is_a_tree_down_to_the_end(folder, hardy):
    folder.write("shop.py", NEEDS)
    done = hardy("show", "graph", "shop:build")
    assert done.code == 0
    assert done.out.splitlines() == [
        "buy   shop.py:15",
        "└─ Prices   prices, once per call   shop.py:12",
        "   └─ Rates   rates, once per app   shop.py:11",
        "      └─ Clock   built in, once per app",
    ]


def test_the_graph_as_mermaid_names_each_port_once(folder, hardy):
    folder.write("shop.py", NEEDS)
    done = hardy("show", "graph", "shop:build", "--mermaid")
    assert done.out.splitlines() == [
        "flowchart LR",
        '    buy(["buy"])',
        "    buy --> port_Prices",
        '    port_Prices["Prices<br/>prices"]',
        "    port_Prices --> port_Rates",
        '    port_Rates["Rates<br/>rates"]',
        "    port_Rates --> port_Clock",
        '    port_Clock["Clock<br/>built in"]',
    ]


def test_mermaid_is_for_the_graph_only(project, hardy):
    done = hardy("show", "config", "--mermaid")
    assert done.code == 2
    assert "hardy show graph --mermaid" in done.err


def test_env_tells_what_is_set_and_what_nothing_reads(project, hardy, monkeypatch):
    monkeypatch.setenv("SHOP_REPLICAS", "2")
    monkeypatch.setenv("SHOP_HTPP__PORT", "2")
    done = hardy("show", "env")
    assert done.code == 0
    rows = {line.split()[0]: line.split()[1] for line in done.out.splitlines()}
    assert (rows["SHOP_REPLICAS"], rows["SHOP_HTTP__PORT"]) == ("environment", "-")
    assert "warning[H0208]" in done.err
    assert "SHOP_HTTP__PORT" in done.err


def test_env_is_told_even_when_a_setting_is_missing(project, hardy):
    source = project.read("src/shop/app.py").replace('"SHOP"', '"SHOP"\n    key: hardy.Secret[str]')
    project.write("src/shop/app.py", source)
    done = hardy("show", "env")
    assert done.code == 3
    assert ["SHOP_KEY", "-", "required"] in [line.split() for line in done.out.splitlines()]
    assert "error[H0201]" in done.err


@pytest.mark.parametrize("arguments", [["opertions"], ["zzz"]], ids=["near", "far"])
def test_what_cannot_be_shown_is_wrong_usage(project, hardy, arguments):
    done = hardy("show", *arguments)
    assert done.code == 2
    assert done.err.startswith(f'error: no thing to show "{arguments[0]}"; the')
