"""What `hardy gen` writes, and that it notices when the code has moved on."""

import json

import pytest

PROTO = """rpc = grpc.service("shop.v1.Shop", proto=__file__.replace("app.py", "proto/shop/v1/shop.proto"))"""


@pytest.fixture
def with_proto(project):
    source = project.read("src/shop/app.py")
    source = source.replace("    app.expose(buy", f"    {PROTO}\n    app.expose(buy")
    project.write("src/shop/app.py", source.replace('grpc.service("shop.v1.Shop")("Buy")', 'rpc("Buy")'))
    return project


KINDS = [("openapi", "openapi.json"), ("env-example", ".env.example"), ("config-docs", "docs/settings.md")]
WITH_IDS = pytest.mark.parametrize(("kind", "place"), KINDS, ids=[kind for kind, _ in KINDS])


@WITH_IDS
def test_a_file_is_written_once_and_then_up_to_date(project, hardy, kind, place):
    first, again = hardy("gen", kind), hardy("gen", kind)
    assert (first.code, first.out, first.err) == (0, "", f"wrote {place}\n")
    assert (again.code, again.err) == (0, f"{place} is up to date\n")
    assert project.read(place)


@WITH_IDS
def test_a_check_writes_nothing_and_ends_with_1_when_something_would_change(project, hardy, kind, place):
    absent = hardy("gen", kind, "--check")
    assert absent.code == 1
    assert "- the file is not there" in absent.err
    assert not (project.path / place).exists()
    hardy("gen", kind)
    assert hardy("gen", kind, "--check").code == 0
    stale = project.write(place, "{}" if place.endswith("json") else "old\n")
    done = hardy("gen", kind, "--check")
    assert done.code == 1
    assert f"error[H0670]: `{place}` does not match the code" in done.err
    assert f"help: run `hardy gen {kind}` and commit what it writes" in done.err
    assert stale.read_text().strip() in {"{}", "old"}


@WITH_IDS
def test_a_dash_prints_instead(project, hardy, kind, place):
    printed = hardy("gen", kind, "--out", "-")
    hardy("gen", kind)
    assert printed.out == project.read(place)


def test_out_is_meant_from_where_it_is_typed(project, hardy, monkeypatch):
    (project.path / "api").mkdir()
    monkeypatch.chdir(project.path / "api")
    assert hardy("gen", "openapi", "--out", "shop.json").code == 0
    assert json.loads(project.read("api/shop.json"))["info"]["title"] == "shop"


def test_a_change_of_the_contract_is_named_by_its_pointer(project, hardy):
    hardy("gen", "openapi")
    document = json.loads(project.read("openapi.json"))
    document["paths"]["/purchases"]["post"]["summary"] = "Sell something."
    document["paths"]["/gone"] = {}
    project.write("openapi.json", json.dumps(document))
    done = hardy("gen", "openapi", "--check")
    assert "- /paths/~1purchases/post/summary differs" in done.err
    assert "- /paths/~1gone is gone from the code" in done.err


def test_proto_is_written_with_the_routes_in_its_comments(with_proto, hardy):
    done = hardy("gen", "proto")
    assert done.code == 0
    assert done.err.splitlines()[0] == "wrote src/shop/proto/shop/v1/shop.proto and shop.binpb"
    text = with_proto.read("src/shop/proto/shop/v1/shop.proto")
    assert "  // Buy something.\n  //\n  // POST /purchases\n  rpc Buy(" in text
    assert hardy("gen", "proto").err == "src/shop/proto/shop/v1/shop.proto is up to date\n"


def test_proto_that_has_drifted_is_told_with_what_breaks(with_proto, hardy):
    hardy("gen", "proto")
    path = with_proto.path / "src/shop/proto/shop/v1/shop.proto"
    path.write_text(
        path.read_text().replace(
            "optional int64 quantity = 2;", "optional int64 quantity = 2;\n  optional string note = 3;"
        )
    )
    before = path.read_text()
    done = hardy("gen", "proto", "--check")
    assert done.code == 1
    assert "error[H0620]: `shop.proto` does not match the code" in done.err
    assert "error[H0622]: breaking" in done.err
    assert path.read_text() == before


def test_proto_without_a_file_says_what_to_write(project, hardy):
    done = hardy("gen", "proto")
    assert done.code == 7
    assert "error[H0671]: `shop.v1.Shop` names no .proto file" in done.err
    assert 'proto=Path(__file__).parent / "proto/shop/v1/shop.proto"' in done.err
    assert hardy("gen", "proto", "--out", "proto").code == 0
    assert "package shop.v1;" in project.read("proto/shop/v1/shop.proto")


def test_a_service_with_faults_is_not_described(project, hardy):
    project.write("src/shop/app.py", project.read("src/shop/app.py").replace('"/purchases"', '"/purchases/{nobody}"'))
    for kind in ("proto", "openapi"):
        done = hardy("gen", kind, "--out", "-")
        assert (done.code, done.out) == (7, "")


def test_settings_are_documented_without_being_loaded(project, hardy):
    source = project.read("src/shop/app.py").replace('"SHOP"', '"SHOP"\n    key: hardy.Secret[str]')
    project.write("src/shop/app.py", source)
    assert "SHOP_KEY=\n" in hardy("gen", "env-example", "--out", "-").out
    assert "`SHOP_KEY`" in hardy("gen", "config-docs", "--out", "-").out


def test_what_cannot_be_generated_is_wrong_usage(project, hardy):
    done = hardy("gen", "openpi")
    assert done.code == 2
    assert done.err.startswith('error: no thing to generate "openpi"; the closest is "openapi"\n')
