"""Starlette on uvicorn, uvloop and httptools, validating with pydantic, without an access log."""

import json
import sys
from collections.abc import AsyncIterator
from typing import Annotated

import uvicorn
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route


class NewItem(BaseModel):
    sku: Annotated[str, Field(min_length=3, max_length=32)]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    price: Annotated[float, Field(gt=0, le=1_000_000)]
    quantity: Annotated[int, Field(ge=0, le=100_000)]
    in_stock: bool
    category: Annotated[str, Field(min_length=1, max_length=50)]


ITEM = {
    "sku": "ABC-12345",
    "name": "Adjustable widget",
    "price": 9.99,
    "quantity": 42,
    "in_stock": True,
    "category": "tools",
}


async def plaintext(request: Request) -> Response:
    return PlainTextResponse("Hello, World!")


async def get_item(request: Request) -> Response:
    return JSONResponse({"id": request.path_params["item_id"], **ITEM})


async def add_item(request: Request) -> Response:
    try:
        item = NewItem.model_validate_json(await request.body())
    except ValidationError as error:
        return JSONResponse({"errors": error.errors()}, 422)
    return JSONResponse({"id": 1, **item.model_dump()}, 201)


async def small(request: Request) -> Response:
    return JSONResponse([{"id": number, **ITEM} for number in range(9)])


async def large(request: Request) -> Response:
    return JSONResponse([{"id": number, **ITEM} for number in range(870)])


async def events(request: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(500):
            yield f"data: {json.dumps({'id': 0, **ITEM})}\n\n"

    return StreamingResponse(pieces(), media_type="text/event-stream")


app = Starlette(
    routes=[
        Route("/plaintext", plaintext),
        Route("/items/{item_id:int}", get_item),
        Route("/items", add_item, methods=["POST"]),
        Route("/small", small),
        Route("/large", large),
        Route("/events", events),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop", http="httptools")
