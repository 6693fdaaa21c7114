"""How a command finds the service, and what it says when it does not."""

import pytest


def test_a_parent_folder_names_the_service_and_is_where_commands_work(project, hardy, monkeypatch):
    project.write("src/shop/deep/__init__.py", "")
    monkeypatch.chdir(project.path / "src/shop/deep")
    assert hardy("gen", "env-example").code == 0
    assert (project.path / ".env.example").is_file()


def test_a_reference_on_the_command_line_wins_over_pyproject(project, hardy):
    project.write("src/other.py", project.read("src/shop/app.py").replace('App("shop"', 'App("other"'))
    done = hardy("show", "operations", "other:build")
    assert done.code == 0
    assert "REST POST /purchases" in done.out


def test_no_service_is_named(folder, hardy):
    done = hardy("run")
    assert done.code == 7
    assert done.err.splitlines() == [
        "error[H0101]: no service is named",
        f"  looked in   {folder.path}/pyproject.toml (is not there)",
        "",
        "  help: say it once, in pyproject.toml:",
        "        [tool.hardy]",
        '        service = "orders.app:build"',
        "  help: or each time: hardy run orders.app:build",
        "  more: hardy explain H0101",
    ]


@pytest.mark.parametrize(
    ("reference", "better"),
    [
        ("shop.app", "shop.app:build"),
        ("src/shop/app.py", "shop.app:build"),
        ("shop/app.py:make", "shop.app:make"),
        ("shop.app:", "shop.app:build"),
        (":build", "orders.app:build"),
    ],
    ids=["no-function", "file", "file-and-function", "empty-function", "no-module"],
)
def test_a_malformed_reference_is_corrected(project, hardy, reference, better):
    done = hardy("run", reference)
    assert done.code == 7
    assert f"error[H0101]: `{reference}` does not name a build function" in done.err
    assert f"  help: name it as: {better}" in done.err


def test_a_malformed_reference_in_pyproject_is_shown_with_its_line(project, hardy):
    project.write("pyproject.toml", '[tool.hardy]\nservice = "shop.app"\n')
    done = hardy("run")
    assert 'service = "shop.app"\n' in done.err
    assert 'help: service = "shop.app:build"' in done.err
    assert "pyproject.toml:2" in done.err


def test_a_pyproject_that_is_no_toml_is_told(project, hardy):
    project.write("pyproject.toml", "[tool.hardy\n")
    done = hardy("run")
    assert done.code == 7
    assert "error[H0101]: `pyproject.toml` cannot be read" in done.err


def test_a_module_that_is_not_there_names_the_closest(project, hardy):
    done = hardy("run", "shop.ap:build")
    assert done.code == 7
    assert "error[H0102]: `shop.ap` could not be imported: no module named `shop.ap`" in done.err
    assert 'help: the closest is "shop.app:build"' in done.err


def test_a_misspelt_module_of_ones_own_names_the_closest(project, hardy):
    project.write("src/shop/adapters.py", "")
    project.write("src/shop/app.py", "import shop.adaptors\n")
    done = hardy("run")
    assert "help: write `shop.adapters`" in done.err


def test_a_misspelt_name_of_ones_own_names_the_closest(project, hardy):
    project.write("src/shop/adapters.py", "def prices() -> None: ...\n")
    project.write("src/shop/app.py", "from shop.adapters import price\n")
    done = hardy("run")
    assert done.code == 7
    assert "cannot import name 'price' from 'shop.adapters'" in done.err
    assert "1 | from shop.adapters import price\n" in done.err
    assert "help: `shop.adapters` has `prices`; write that" in done.err


def test_an_absent_extra_of_hardy_names_its_remedy(project, hardy, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "hardy.transport.grpc", None)
    project.write("src/shop/app.py", "import hardy.transport.grpc\n")
    done = hardy("run")
    assert done.code == 7
    assert "src/shop/app.py:1" in done.err


def test_whatever_a_module_raises_is_told_with_its_line(project, hardy):
    project.write("src/shop/app.py", "import os\n\nKEY = os.environ['NO_SUCH_KEY']\n")
    done = hardy("run")
    assert done.code == 7
    assert "error[H0102]: `shop.app` could not be imported: KeyError: 'NO_SUCH_KEY'" in done.err
    assert "3 | KEY = os.environ['NO_SUCH_KEY']" in done.err


def test_a_module_that_serves_when_it_is_imported_is_refused(project, hardy):
    project.write("src/shop/app.py", "raise SystemExit(0)\n")
    done = hardy("run")
    assert done.code == 7
    assert "it ends the process" in done.err
    assert 'help: put it below `if __name__ == "__main__":`' in done.err


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("biuld", "the closest is `build`: hardy run shop.app:build"),
        ("number", "`shop.app:number` is no function: int"),
        ("app", "`shop.app:app` is an App, not the function that builds one"),
        ("Settings", "`shop.app:Settings` is no function"),
    ],
    ids=["misspelt", "number", "app", "class"],
)
def test_what_is_no_build_function_is_refused(project, hardy, attribute, said):
    project.write("src/shop/app.py", project.read("src/shop/app.py") + '\n\nnumber = 1\napp = App("shop")\n')
    done = hardy("run", f"shop.app:{attribute}")
    assert done.code == 7
    assert "error[H0103]" in done.err
    assert said in done.err


def test_a_build_function_that_makes_no_app_is_refused(project, hardy):
    project.write("src/shop/app.py", "def build():\n    return 1\n")
    done = hardy("run")
    assert done.code == 7
    assert "error[H0103]: `build` returned int, not an App" in done.err
