"""FastAPI on uvicorn, uvloop and httptools, without an access log."""

import sys
from collections.abc import AsyncIterator
from typing import Annotated

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

app = FastAPI()


class NewItem(BaseModel):
    sku: Annotated[str, Field(min_length=3, max_length=32)]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    price: Annotated[float, Field(gt=0, le=1_000_000)]
    quantity: Annotated[int, Field(ge=0, le=100_000)]
    in_stock: bool
    category: Annotated[str, Field(min_length=1, max_length=50)]


class Item(NewItem):
    id: int


SOME = {
    "sku": "ABC-12345",
    "name": "Adjustable widget",
    "price": 9.99,
    "quantity": 42,
    "in_stock": True,
    "category": "tools",
}


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/items/{item_id}")
async def get_item(item_id: int) -> Item:
    return Item(
        id=item_id,
        sku="ABC-12345",
        name="Adjustable widget",
        price=9.99,
        quantity=42,
        in_stock=True,
        category="tools",
    )


@app.post("/items", status_code=201)
async def add_item(item: NewItem) -> Item:
    return Item(id=1, **item.model_dump())


SMALL = [Item(**{**SOME, "id": number}) for number in range(9)]
LARGE = [Item(**{**SOME, "id": number}) for number in range(870)]


@app.get("/small")
async def small() -> list[Item]:
    return SMALL


@app.get("/large")
async def large() -> list[Item]:
    return LARGE


@app.get("/events")
async def events() -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(500):
            yield f"data: {SMALL[0].model_dump_json()}\n\n"

    return StreamingResponse(pieces(), media_type="text/event-stream")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop", http="httptools")
