"""The texts of typical mistakes, word by word, each with its exit code."""

import sys
import textwrap
from platform import python_version

HEAD = """
    from dataclasses import dataclass
    from typing import ClassVar, Protocol

    import hardy
    from hardy import App, public
    from hardy.transport import http
"""


def text(golden: str) -> str:
    return textwrap.dedent(golden).lstrip("\n")


def test_missing_settings_are_told_all_at_once(project, hardy):
    project.write(
        "src/shop/app.py",
        HEAD
        + """

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings(hardy.Settings):
        prefix: ClassVar[str] = "SHOP"
        payment_url: hardy.Size
        jwt_secret: hardy.Secret[str]


    def build(settings: Settings) -> App:
        return App("shop", settings)
""",
    )
    done = hardy("run")
    assert done.code == 3
    assert done.out == ""
    assert done.err == text("""
        error[H0201]: 2 settings have no value
          --> src/shop/app.py:12
           |
        12 |     payment_url: hardy.Size
           |     ^^^^^^^^^^^ SHOP_PAYMENT_URL is not set
        13 |     jwt_secret: hardy.Secret[str]
           |     ^^^^^^^^^^ SHOP_JWT_SECRET is not set
          looked in   environment   /run/secrets (absent)   shop.toml (absent)

          help: export 'SHOP_PAYMENT_URL=1MiB'
          help: export SHOP_JWT_SECRET_FILE=/run/secrets/shop_jwt_secret
          more: hardy explain H0201
    """)


def test_a_bad_setting_is_told_with_its_rule(project, hardy, monkeypatch):
    monkeypatch.setenv("SHOP_HTTP__PORT", "eighty")
    done = hardy("run")
    assert done.code == 3
    assert done.err == text("""
        error[H0202]: SHOP_HTTP__PORT must be a whole number from 0 to 65535
          --> environment
          |
          | SHOP_HTTP__PORT=eighty
          |                 ^^^^^^ not a number
          note: Port to listen on; 0 takes a free one. The plain variable PORT is honoured too.
          help: unset SHOP_HTTP__PORT to use the default, 8080
          more: hardy explain H0202
    """)


def test_a_missing_type_is_pointed_at(project, hardy):
    project.write(
        "src/shop/app.py",
        HEAD
        + """

    async def buy(sku: str, *, orders) -> str:
        return sku


    def build() -> App:
        app = App("shop")
        app.expose(buy, http.post("/buy"), allow=public)
        return app
""",
    )
    done = hardy("run")
    assert done.code == 7
    assert done.err == text("""
        error[H0601]: `buy` has a parameter without a type
          --> src/shop/app.py:9
          |
        9 | async def buy(sku: str, *, orders) -> str:
          |                            ^^^^^^ needs a type
          help: write `orders: SomeType`; before the star it is part of the message, after it a port
          more: hardy explain H0601
    """)


def test_a_port_that_nothing_provides_is_told_with_who_needs_it(project, hardy):
    project.write(
        "src/shop/app.py",
        HEAD
        + """

    class Prices(Protocol):
        async def of(self, sku: str) -> int: ...


    async def buy(sku: str, *, prices: Prices) -> int:
        return await prices.of(sku)


    def build() -> App:
        app = App("shop")
        app.expose(buy, http.post("/buy"), allow=public)
        return app
""",
    )
    done = hardy("run")
    assert done.code == 7
    assert done.err == text("""
        error[H0701]: nothing provides `Prices`
          --> src/shop/app.py:13
           |
        13 | async def buy(sku: str, *, prices: Prices) -> int:
           |                            ^^^^^^^^^^^^^^ needed here
          needed by   buy(…, prices: Prices)   src/shop/app.py:13
          help: write a provider, or `app.manage(...)` a component that yields it:
                    def prices(...) -> Prices:
                        return ...
                    app.provide(prices)
          more: hardy explain H0701
    """)


def test_a_cycle_is_drawn_in_full(project, hardy):
    project.write(
        "src/shop/app.py",
        HEAD
        + """

    class Pricing(Protocol): ...
    class History(Protocol): ...


    def pricing(history: History) -> Pricing: ...
    def history(pricing: Pricing) -> History: ...


    async def buy(sku: str, *, pricing: Pricing) -> str:
        return sku


    def build() -> App:
        app = App("shop")
        app.provide(pricing)
        app.provide(history)
        app.expose(buy, http.post("/buy"), allow=public)
        return app
""",
    )
    done = hardy("run")
    assert done.code == 7
    assert done.err == text("""
        error[H0702]: these two need each other, so none can be built first

            Pricing        src/shop/app.py:13   pricing(history: History)
              └─ History   src/shop/app.py:14   history(pricing: Pricing)
                   └─ Pricing   (again)

          help: give what `history` uses of `Pricing` a port and a provider of its own:
                    class Part(Protocol): ...
                    def part(...) -> Part: ...
          more: hardy explain H0702
    """)


def test_an_import_error_blames_the_module_that_imports(project, hardy, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/uv")
    project.write("src/shop/app.py", "from shop import adapters\n")
    project.write("src/shop/adapters.py", "import os\n\nimport no_such_payment\n")
    done = hardy("run")
    assert done.code == 7
    assert done.err == text(f"""
        error[H0102]: `shop.app` could not be imported: no module named `no_such_payment`
          --> src/shop/adapters.py:3
          |
        3 | import no_such_payment
          |        ^^^^^^^^^^^^^^^ not installed in {sys.prefix} (python {python_version()})
          help: uv add no_such_payment
          more: hardy explain H0102
    """)


def test_a_syntax_error_is_shown_where_python_stumbled(project, hardy):
    project.write("src/shop/app.py", "import os\n\nprice = max(1, 2\nother = 3\n")
    done = hardy("run")
    assert done.code == 7
    assert done.err == text("""
        error[H0102]: `shop.app` could not be imported: src/shop/app.py:3 is not valid python
          --> src/shop/app.py:3
          |
        3 | price = max(1, 2
          |            ^ '(' was never closed
          help: correct the line, then: python -m py_compile src/shop/app.py
          more: hardy explain H0102
    """)


def test_what_build_raises_is_told_with_the_way_to_it(project, hardy):
    project.write(
        "src/shop/app.py",
        HEAD
        + """
    import json


    def rules() -> object:
        return json.loads("{")


    def build() -> App:
        rules()
        return App("shop")
""",
    )
    done = hardy("run")
    assert done.code == 7
    assert done.err == text("""
        error[H0104]: `build` raised JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)
          --> src/shop/app.py:12
           |
        12 |     return json.loads("{")
           |     ^^^^^^^^^^^^^^^^^^^^^^
          src/shop/app.py:16   in build   rules()
          src/shop/app.py:12   in rules   return json.loads("{")
          … 3 frames in python
          help: try again with: hardy check
          more: hardy explain H0104
    """)


def test_a_wrong_command_names_the_closest(hardy):
    done = hardy("dve")
    assert done.code == 2
    assert done.out == ""
    assert done.err == text("""
        error: no command "dve"; the closest is "dev"
        usage: hardy [OPTIONS] COMMAND [ARGS]...
    """)


def test_a_wrong_flag_names_the_closest(hardy):
    done = hardy("run", "--prot", "1")
    assert done.code == 2
    assert done.err == text("""
        error: no option "--prot"; the closest is "--port"
        usage: hardy run [OPTIONS] [SERVICE]
    """)
