"""Forms: their fields become the message, and their files are bounded."""

import asyncio
import gzip
import hashlib
import os
import time
import tracemalloc
from dataclasses import dataclass, field
from enum import Enum

import pytest

from hardy.core import BuildFailed
from hardy.transport import grpc, http

MIB = 2**20


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, kw_only=True)
class Upload:
    album: str
    year: int
    title: str = "untitled"
    size: Size = Size.SMALL
    tags: list[str] = field(default_factory=list)
    picture: http.File
    thumb: http.File | None = None
    more: list[http.File] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Stored:
    text: str
    files: list[str]


async def upload(msg: Upload) -> Stored:
    files = [msg.picture, *([msg.thumb] if msg.thumb else []), *msg.more]
    told = [
        f"{each.name} {each.content_type} {each.size} {hashlib.md5(await each.read()).hexdigest()}" for each in files
    ]
    return Stored(text=f"{msg.album} {msg.year} {msg.title} {msg.size.value} {msg.tags}", files=told)


@dataclass(frozen=True, kw_only=True)
class Login:
    user: str
    remember: bool = False
    lucky: list[int] = field(default_factory=list)


async def login(msg: Login) -> Login:
    return msg


UPLOAD = (upload, http.post("/albums/{album}/pictures", form=True))
LOGIN = (login, http.post("/login", form=True))
PATH = "/albums/summer/pictures"


def told(name, kind, data):
    return f"{name} {kind} {len(data)} {hashlib.md5(data).hexdigest()}"


BOUNDARY = "frontier"
HEADERS = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(head, data=b""):
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"


def text(name, value):
    return part(f'Content-Disposition: form-data; name="{name}"', value.encode())


def file(name, data, filename="tea.png"):
    return part(
        f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: image/png', data
    )


END = f"--{BOUNDARY}--\r\n".encode()


async def send(client, body, path=PATH, headers=HEADERS):
    return await client.post(path, content=body, headers=headers)


class TestMultipart:
    async def test_fields_and_files_become_the_message(self, serve):
        client = await serve(UPLOAD)
        data, small = os.urandom(50_000), b"small"
        response = await client.post(
            PATH,
            data={"year": "2024", "size": "large", "tags": ["a", "b"]},
            files=[
                ("picture", ("sea.png", data, "image/png")),
                ("more", ("one", small, "a/b")),
                ("more", ("two", small, "a/b")),
            ],
        )
        assert response.status_code == 200, response.text
        assert response.json() == {
            "text": "summer 2024 untitled large ['a', 'b']",
            "files": [told("sea.png", "image/png", data), told("one", "a/b", small), told("two", "a/b", small)],
        }

    @pytest.mark.parametrize("step", [1, 7, 1000])
    async def test_it_may_come_in_pieces(self, serve, step):
        client = await serve(UPLOAD)
        data = b"\r\n--front" * 50
        body = text("year", "1") + file("picture", data) + END

        async def pieces():
            for at in range(0, len(body), step):
                yield body[at : at + step]
                await asyncio.sleep(0)

        response = await send(client, pieces())
        assert response.json()["files"] == [told("tea.png", "image/png", data)]

    async def test_every_fault_is_told_with_its_pointer(self, serve):
        client = await serve(UPLOAD)
        body = text("year", "soon") + file("title", b"a") + text("size", "huge") + text("thumb", "a") + END
        response = await send(client, body)
        assert response.status_code == 422
        faults = {each["pointer"]: each["detail"] for each in response.json()["errors"]}
        assert faults.keys() == {"/year", "/title", "/size", "/picture", "/thumb"}
        assert faults["/picture"] == "is missing (form field picture)"
        assert faults["/title"] == "must be text, not a file (form field title)"
        assert faults["/thumb"] == "must be a file (form field thumb)"
        assert faults["/year"].endswith("(form field year)")

    async def test_unknown_fields_are_ignored_and_of_known_ones_the_last_counts(self, serve):
        client = await serve(UPLOAD)
        body = text("other", "a") + file("unknown", b"a" * 1000) + text("year", "1") + text("year", "2")
        response = await send(client, body + file("picture", b"one") + file("picture", b"two") + END)
        assert response.json() == {
            "text": "summer 2 untitled small []",
            "files": [told("tea.png", "image/png", b"two")],
        }

    async def test_a_file_nobody_chose_is_none(self, serve):
        client = await serve(UPLOAD)
        body = text("year", "1") + file("picture", b"", filename="") + END
        assert (await send(client, body)).json()["errors"][0]["pointer"] == "/picture"

    @pytest.mark.parametrize(
        ("sent", "name"),
        [
            ("../../etc/passwd", "passwd"),
            ("C:\\photos\\sea.png", "sea.png"),
            ("caf%22e.png", 'caf"e.png'),
            ("a" * 1000, "a" * 255),
            ("bad\x07name", "badname"),
        ],
    )
    async def test_a_name_is_no_path(self, serve, sent, name):
        client = await serve(UPLOAD)
        response = await send(client, text("year", "1") + file("picture", b"", filename=sent) + END)
        assert response.json()["files"][0].startswith(f"{name} image/png")

    async def test_a_large_file_is_on_disk_and_read_in_pieces(self, serve):
        async def digest(picture: http.File) -> str:
            found = hashlib.md5()
            async for piece in picture.chunks():
                assert len(piece) <= 65536
                found.update(piece)
            return found.hexdigest()

        client = await serve((digest, http.post("/", form=True)))
        data = os.urandom(8 * MIB)
        response = await client.post("/", files={"picture": data})
        assert response.json() == hashlib.md5(data).hexdigest()

    async def test_a_reader_may_limit_what_it_reads(self, serve):
        async def read(picture: http.File) -> int:
            return len(await picture.read(limit=10))

        client = await serve((read, http.post("/", form=True)))
        assert (await client.post("/", files={"picture": b"0123456789"})).json() == 10
        assert (await client.post("/", files={"picture": b"01234567890"})).status_code == 429

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param(b"no form at all", 400, id="none"),
            pytest.param(text("year", "1"), 400, id="no end"),
            pytest.param(text("year", "1") + b"--front", 400, id="half a boundary"),
            pytest.param(part("Content-Type: a/b", b"a") + END, 400, id="no name"),
            pytest.param(part('Content-Disposition: attachment; name="a"', b"a") + END, 400, id="another disposition"),
            pytest.param(part("nonsense", b"a") + END, 400, id="no header"),
            pytest.param(part('Content-Disposition: form-data; name="year"', b"\xff\xfe") + END, 400, id="no utf-8"),
            pytest.param(END, 422, id="empty"),
            pytest.param(b"", 422, id="nothing"),
        ],
    )
    async def test_what_is_broken_is_refused(self, serve, body, status):
        client = await serve(UPLOAD)
        response = await send(client, body)
        assert response.status_code == status, response.text
        assert response.json()["code"] == "INVALID_ARGUMENT"

    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            ("application/json", 415),
            ("text/plain", 415),
            ("multipart/mixed; boundary=a", 415),
            ("multipart/form-data", 400),
            ("multipart/form-data; boundary=" + "a" * 71, 400),
        ],
    )
    async def test_what_is_no_form_is_refused(self, serve, kind, status):
        client = await serve(UPLOAD)
        assert (await send(client, b"{}", headers={"content-type": kind})).status_code == status


class TestBounds:
    async def test_a_hundred_thousand_parts_are_refused_at_once(self, serve):
        client = await serve(UPLOAD)
        body = text("a", "") * 100_000 + END
        assert len(body) < 16 * MIB
        began = time.process_time()
        response = await send(client, body)
        assert time.process_time() - began < 0.25  # the client's share included
        assert (response.status_code, response.json()["detail"]) == (413, "the form has more than 100 parts")

    @pytest.mark.parametrize(
        ("bounds", "body"),
        [
            pytest.param({"form": 100_000}, file("picture", b"a" * 100_001), id="form"),
            pytest.param({"form_field": 100}, text("title", "a" * 101), id="field"),
            pytest.param({"form_headers": 200}, part("X-Long: " + "a" * 300), id="one long header"),
            pytest.param({"form_headers": 200}, part("\r\n".join(["X-A: b"] * 100)), id="many headers"),
        ],
    )
    async def test_each_bound_is_413(self, serve, bounds, body):
        client = await serve(UPLOAD, bounds=http.Bounds(**bounds))
        assert (await send(client, body + END)).status_code == 413

    async def test_memory_does_not_grow_with_a_file(self, serve):
        sizes = []

        async def keep(picture: http.File) -> int:
            sizes.append(tracemalloc.get_traced_memory()[1])
            return picture.size

        client = await serve((keep, http.post("/", form=True)), bounds=http.Bounds(form=64 * MIB))

        async def pieces():
            yield file("picture", b"")[:-2]
            for _ in range(320):
                yield b"a" * 102_400
            yield b"\r\n" + END

        await client.post("/", files={"picture": b"warm"})
        tracemalloc.start()
        response = await send(client, pieces(), path="/")
        tracemalloc.stop()
        assert response.json() == 320 * 102_400
        assert sizes[-1] < 4 * MIB


class TestUrlencoded:
    async def test_fields_become_the_message(self, serve):
        client = await serve(LOGIN)
        response = await client.post(
            "/login", data={"user": "caf\u00e9 & tea", "remember": "true", "lucky": ["1", "2"]}
        )
        assert response.json() == {"user": "caf\u00e9 & tea", "remember": True, "lucky": [1, 2]}

    async def test_such_a_form_may_be_multipart_too(self, serve):
        client = await serve(LOGIN)
        response = await send(client, text("user", "tea") + END, path="/login")
        assert response.json()["user"] == "tea"

    async def test_every_fault_is_told(self, serve):
        client = await serve(LOGIN)
        response = await client.post("/login", data={"remember": "perhaps", "lucky": ["a"]})
        assert {each["pointer"] for each in response.json()["errors"]} == {"/user", "/remember", "/lucky/0"}

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param(b"user=a&" + b"a=b&" * 200, 413, id="fields"),
            pytest.param(b"user=" + b"a" * 70_000, 413, id="one field"),
            pytest.param(b"user=" + b"a" * 2 * MIB, 413, id="body"),
            pytest.param(b"user=%ff", 400, id="no utf-8"),
            pytest.param(b"user=%zz&&=&", 200, id="odd but legal"),
        ],
    )
    async def test_its_bounds(self, serve, body, status):
        client = await serve(LOGIN)
        response = await send(client, body, "/login", {"content-type": "application/x-www-form-urlencoded"})
        assert response.status_code == status

    async def test_it_may_come_compressed(self, serve):
        client = await serve(LOGIN)
        headers = {"content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip"}
        assert (await send(client, gzip.compress(b"user=tea"), "/login", headers)).json()["user"] == "tea"


class TestAtBuild:
    def test_the_document_says_what_a_form_is(self, chain):
        paths = http.openapi([chain(*UPLOAD), chain(*LOGIN)], title="t")
        operation = paths["paths"]["/albums/{album}/pictures"]["post"]
        assert [each["name"] for each in operation["parameters"]] == ["album"]
        assert list(operation["requestBody"]["content"]) == ["multipart/form-data"]
        name = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
        schema = paths["components"]["schemas"][name]
        assert schema["properties"]["picture"] == {"type": "string", "format": "binary"}
        assert schema["properties"]["more"]["items"] == {"type": "string", "format": "binary"}
        assert set(schema["required"]) == {"year", "picture"}
        assert list(paths["paths"]["/login"]["post"]["requestBody"]["content"]) == [
            "multipart/form-data",
            "application/x-www-form-urlencoded",
        ]

    @pytest.mark.parametrize("route", [http.post("/a"), http.put("/a"), http.get("/a")], ids=["post", "put", "get"])
    def test_a_file_outside_of_a_form_is_refused(self, chain, route):
        exposed = chain(upload, route)
        faults = [each for each in route.check(exposed.operation) if each.code == "H0637"]
        assert "`picture` is a file, and only a form carries files" in [each.title for each in faults]
        assert "form=True" in faults[0].helps[0]

    def test_grpc_refuses_a_file_and_says_where_it_can_go(self, chain):
        method = grpc.service("albums.v1.Albums")("Upload")
        faults = method.check(chain(*UPLOAD).operation)
        assert {each.code for each in faults} == {"H0603"}
        assert any("form=True" in remedy for each in faults for remedy in each.helps)

    def test_a_message_in_a_form_is_refused(self, chain):
        async def nested(login: Login, title: str) -> None: ...

        route = http.post("/a", form=True)
        assert [each.code for each in route.check(chain(nested, route).operation)] == ["H0633"]

    def test_what_is_wrong_is_told_by_the_transport_too(self, chain):
        with pytest.raises(BuildFailed):
            http.Transport([chain(upload, http.post("/a"))])
