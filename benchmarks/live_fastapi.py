"""A FastAPI app as people write them: parameters, a dependency, a model."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel

from benchmarks.live_apps import ITEM

app = FastAPI()


class Price(BaseModel):
    """What it costs in one currency."""

    currency: str
    amount: float


class Item(BaseModel):
    """A thing of the shop."""

    id: int
    name: str
    tags: list[str]
    prices: list[Price]
    text: str | None = None


async def paging(
    page: Annotated[int, Query(ge=1)] = 1, size: Annotated[int, Query(le=100)] = 20
) -> tuple[int, int]:
    """Return what nearly every list takes."""
    return page, size


@app.get("/item", response_model=Item)
async def item(
    paging: Annotated[tuple[int, int], Depends(paging)], number: int = 7
) -> dict[str, Any]:
    """Return the item."""
    return {**ITEM, "id": number}
