"""FastAPI and SQLAlchemy's ORM on asyncpg, a session for each request; uvicorn, uvloop and httptools, no access log."""

import os
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, DateTime, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

url = os.environ["BENCH_DATABASE__URL"].replace("postgresql://", "postgresql+asyncpg://")
engine = create_async_engine(url, pool_size=int(os.environ["BENCH_DATABASE__CONNECTIONS"]), max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    sku: Mapped[str]
    quantity: Mapped[int]
    buyer: Mapped[str]
    placed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class OutboxRow(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    topic: Mapped[str]
    key: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)


class NewOrder(BaseModel):
    sku: Annotated[str, Field(min_length=3, max_length=32)]
    quantity: Annotated[int, Field(ge=1, le=1000)]
    buyer: Annotated[str, Field(min_length=1, max_length=50)]


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    sku: str
    quantity: int
    buyer: str
    placed: datetime


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


SessionOf = Annotated[AsyncSession, Depends(session)]


@app.get("/orders/{order_id}", response_model=OrderOut)
async def get_order(order_id: int, session: SessionOf) -> Order:
    found = await session.get(Order, order_id)
    if found is None:
        raise HTTPException(404)
    return found


@app.post("/orders", status_code=201, response_model=OrderOut)
async def add_order(new: NewOrder, session: SessionOf) -> Order:
    order = Order(**new.model_dump())
    async with session.begin():
        session.add(order)
        await session.flush()
        payload = {"order_id": order.id, "sku": order.sku, "quantity": order.quantity}
        session.add(OutboxRow(topic="orders.placed", key=str(order.id), payload=payload))
    return order


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop", http="httptools")
