"""
The same shop in FastAPI with SQLAlchemy, sync and async engines, for uvicorn.

`SHOP_DB` is the address for the sync engine, `SHOP_ADB` the one for the async engine.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from starlette.concurrency import run_in_threadpool

from benchmarks.isolation import effects
from shadow_middleware.isolation import install
from shadow_middleware.isolation.asgi import Isolation
from shadow_middleware.isolation.sqlalchemy import rollback

_OPTIONS: dict[str, Any] = (
    {"connect_args": {"timeout": 30}} if "sqlite" in os.environ["SHOP_DB"] else {}
)
engine = create_engine(os.environ["SHOP_DB"], **_OPTIONS)
async_engine = create_async_engine(os.environ["SHOP_ADB"], **_OPTIONS)
sessions = sessionmaker(engine)
async_sessions = async_sessionmaker(async_engine)


class Base(DeclarativeBase):
    """The tables of the shop."""


class Order(Base):
    """One order."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Line(Base):
    """One line of an order."""

    __tablename__ = "lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    number: Mapped[int]


class Wanted(BaseModel):
    """What a client sends."""

    name: str


app = FastAPI()
if os.environ.get("SHOP_WAY", "rollback") != "none":
    app.add_middleware(Isolation)
    install()
    rollback(engine)
    rollback(async_engine)


def database() -> Iterator[Session]:
    """Give a session, as the documentation of FastAPI has it."""
    with sessions() as session:
        yield session


async def async_database() -> AsyncIterator[AsyncSession]:
    """Give an asynchronous session."""
    async with async_sessions() as session:
        yield session


Database = Annotated[Session, Depends(database)]
AsyncDatabase = Annotated[AsyncSession, Depends(async_database)]


def _write(session: Session, name: str) -> int:
    """Write an order as shops do; return how many lines it has in the end."""
    order = Order(name=name)
    session.add(order)
    session.commit()
    session.add_all([Line(order_id=order.id, number=n) for n in range(2)])
    session.flush()
    try:
        with session.begin_nested():
            session.add(Order(name=name))
            session.flush()
    except IntegrityError:
        session.commit()
    session.add(Line(order_id=order.id, number=9))
    session.flush()
    session.rollback()
    lines = select(func.count()).select_from(Line).where(Line.order_id == order.id)
    return int(session.scalar(lines) or 0)


def _rest(name: str, lines: int) -> dict[str, Any]:
    return {"lines": lines, "called": effects.do_all(name)}


@app.post("/order")
def take(wanted: Wanted, session: Database, after: BackgroundTasks) -> dict[str, Any]:
    """Take an order."""
    after.add_task(effects.later, wanted.name)
    return _rest(wanted.name, _write(session, wanted.name))


@app.post("/order-async")
async def take_async(
    wanted: Wanted, session: AsyncDatabase, after: BackgroundTasks
) -> dict[str, Any]:
    """Take an order, asynchronously."""
    after.add_task(effects.later, wanted.name)
    lines = await session.run_sync(lambda sync: _write(sync, wanted.name))
    return await run_in_threadpool(_rest, wanted.name, lines)


@app.post("/order-stream")
def take_streaming(wanted: Wanted) -> StreamingResponse:
    """Take an order while its answer streams."""

    def chunks() -> Iterator[str]:
        yield "["
        with sessions() as session:
            yield json.dumps(_rest(wanted.name, _write(session, wanted.name)))
        yield "]"

    return StreamingResponse(chunks(), media_type="application/json")


@app.post("/plain")
def take_plainly(wanted: Wanted, session: Database) -> dict[str, int]:
    """Write two rows and nothing else: what isolation costs is seen here."""
    order = Order(name=wanted.name)
    session.add(order)
    session.flush()
    session.add(Line(order_id=order.id, number=1))
    session.commit()
    return {"lines": 1}


if __name__ == "__main__":
    Base.metadata.create_all(engine)
