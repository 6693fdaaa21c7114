"""`hardy check` looks at everything at once and opens nothing."""

import json


def test_a_sound_service_is_said_to_be_so(project, hardy):
    done = hardy("check")
    assert (done.code, done.out, done.err) == (0, "nothing is wrong\n", "")


def test_every_fault_is_told_in_one_run(project, hardy):
    source = project.read("src/shop/app.py")
    source = source.replace('"/purchases"', '"/purchases/{nobody}"').replace(
        "msg: Buy)", "msg: Buy, *, prices: Prices)"
    )
    project.write("src/shop/app.py", source.replace("async def buy", "class Prices: ...\n\n\nasync def buy"))
    done = hardy("check")
    assert done.code == 1
    assert "error[H0605]" in done.out
    assert "error[H0701]" in done.out
    assert done.err.strip() == "2 errors, 0 warnings"


def test_missing_settings_are_findings(project, hardy):
    source = project.read("src/shop/app.py").replace('"SHOP"', '"SHOP"\n    key: hardy.Secret[str]')
    project.write("src/shop/app.py", source)
    done = hardy("check")
    assert done.code == 1
    assert "error[H0201]: 1 setting has no value" in done.out


def test_a_warning_alone_does_not_fail_it(project, hardy, monkeypatch):
    monkeypatch.setenv("SHOP_HTPP__PORT", "1")
    done = hardy("check")
    assert done.code == 0
    assert "warning[H0208]" in done.out


def test_findings_as_json_say_where(project, hardy):
    project.write("src/shop/app.py", "import os\n\nimport no_such_payment\n")
    done = hardy("check", "--json")
    assert done.code == 1
    [found] = json.loads(done.out)["diagnostics"]
    assert (found["code"], found["file"], found["line"], found["column"]) == ("H0102", "src/shop/app.py", 3, 8)
    assert found["help"]


def test_generated_files_that_are_there_are_compared(project, hardy):
    hardy("gen", "openapi")
    hardy("gen", "env-example")
    assert hardy("check").code == 0
    project.write("src/shop/app.py", project.read("src/shop/app.py").replace("Buy something.", "Sell something."))
    done = hardy("check")
    assert done.code == 0  # already imported: a process sees one version of the code
    project.write("openapi.json", "{}")
    done = hardy("check")
    assert done.code == 1
    assert "error[H0670]: `openapi.json` does not match the code" in done.out


def test_an_env_example_written_by_hand_is_left_alone(project, hardy):
    project.write(".env.example", "SHOP_HTTP__PORT=8080\n")
    assert hardy("check").code == 0


def test_proto_is_compared_to_the_last_comment(project, hardy):
    from_file = 'grpc.service("shop.v1.Shop", proto=__file__.replace("app.py", "shop.proto"))'
    source = project.read("src/shop/app.py").replace('grpc.service("shop.v1.Shop")', from_file)
    project.write("src/shop/app.py", source)
    done = hardy("check")
    assert done.code == 1
    assert done.out.count("error[H0620]") == 1
    hardy("gen", "proto")
    assert hardy("check").code == 0
    path = project.path / "src/shop/shop.proto"
    path.write_text(path.read_text().replace("// Buy something.", "// Buy nothing."))
    done = hardy("check")
    assert done.code == 1
    assert "comments or layout differ" in done.out
