"""Robyn, with msgspec Structs, without an access log."""

import sys
from collections.abc import Iterator

import msgspec
from robyn import Request, Response, Robyn, SSEResponse
from structs import EVENTS, LARGE, SMALL, NewItem, item, kept

port = int(sys.argv.pop(1))  # Robyn reads the command line, too
app = Robyn(__file__)
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(NewItem).decode
JSON = {"content-type": "application/json"}


@app.get("/plaintext")
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/items/:id")
async def get_item(request: Request) -> Response:
    return Response(200, JSON, encode(item(int(request.path_params["id"]))))


@app.post("/items")
async def add_item(request: Request) -> Response:
    try:
        given = decode(request.body)
    except msgspec.ValidationError as error:
        return Response(422, JSON, str(error))
    return Response(201, JSON, encode(kept(given)))


@app.get("/small")
async def small() -> Response:
    return Response(200, JSON, encode(SMALL))


@app.get("/large")
async def large() -> Response:
    return Response(200, JSON, encode(LARGE))


@app.get("/events")
async def events() -> Response:
    def pieces() -> Iterator[str]:
        for _ in range(EVENTS):
            yield f"data: {encode(SMALL[0]).decode()}\n\n"

    return SSEResponse(pieces())


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=port)
