"""Version 1, the one in production: every route of the shop."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Form, HTTPException, Request
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel

from examples.fastapi_app.database import Database
from examples.fastapi_app.login import USERS, read_token, sign_token

__all__ = ["Shop", "pages", "product_or_404", "router"]

HERE = Path(__file__).parent
router = APIRouter()
pages = Jinja2Templates(HERE / "templates")


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


Shop = Annotated[Database, Depends(_database)]
"""The database of the app that answers."""


class Order(BaseModel):
    """What a customer wants."""

    product_id: int
    quantity: int


def product_or_404(shop: Database, product_id: int) -> dict[str, Any]:
    """Return the product, or end the request with a 404."""
    found = shop.rows("SELECT * FROM products WHERE id = ?", product_id)
    if not found:
        raise HTTPException(404, "no such product")
    return found[0]


# --- pages --------------------------------------------------------------------


@router.get("/")
def home(request: Request, shop: Shop) -> HTMLResponse:
    """The front page."""
    products = shop.rows("SELECT id, name FROM products ORDER BY id LIMIT 8")
    context = {"products": products, "free_delivery_from": 50}
    return pages.TemplateResponse(request, "home.html", context)


@router.get("/feedback")
def feedback_form(request: Request) -> HTMLResponse:
    """A form."""
    return pages.TemplateResponse(request, "feedback.html")


@router.post("/feedback")
def feedback(
    shop: Shop, later: BackgroundTasks, message: Annotated[str, Form()]
) -> RedirectResponse:
    """The form's answer; the mail goes out after it."""
    later.add_task(shop.change, "INSERT INTO outbox (message) VALUES (?)", message)
    return RedirectResponse("/feedback", status_code=303, background=later)


# --- products -----------------------------------------------------------------


@router.get("/products")
def products(shop: Shop, response: Response, limit: int = 10) -> list[dict[str, Any]]:
    """The first products; shops in between may keep the list for a minute."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return shop.rows("SELECT id, name, category FROM products LIMIT ?", limit)


@router.get("/products/{product_id}")
def product(shop: Shop, product_id: int) -> dict[str, Any]:
    """One product with its price, tax of 19 % included and rounded half up."""
    found = product_or_404(shop, product_id)
    cents = (found["net_cents"] * 119 + 50) // 100
    return {"id": product_id, "name": found["name"], "price": cents / 100}


@router.get("/products/{product_id}/reviews")
def reviews(shop: Shop, product_id: int) -> dict[str, Any]:
    """What buyers say."""
    product_or_404(shop, product_id)
    found = shop.rows(
        "SELECT id, author, stars FROM reviews WHERE product_id = ?", product_id
    )
    return {"product_id": product_id, "reviews": found}


@router.get("/stock/{product_id}")
def stock(shop: Shop, product_id: int) -> dict[str, Any]:
    """How many are left."""
    found = product_or_404(shop, product_id)
    return {"product_id": product_id, "quantity": found["quantity"]}


@router.get("/search")
def search(shop: Shop, q: str = "") -> dict[str, Any]:
    """Products by a part of their name, the cheapest first."""
    hits = shop.rows(
        "SELECT id, name FROM products WHERE name LIKE ? ORDER BY net_cents, id",
        f"%{q}%",
    )
    return {"query": q, "hits": hits}


@router.get("/categories/{name}")
def category(shop: Shop, name: str) -> dict[str, Any]:
    """Products of a category; 404 where there is none of that name."""
    found = shop.rows("SELECT id, name FROM products WHERE category = ?", name)
    if not found:
        raise HTTPException(404, "no such category")
    return {"category": name, "products": found}


@router.get("/recommendations/{product_id}")
def recommendations(shop: Shop, product_id: int) -> dict[str, Any]:
    """Three more of the same category."""
    found = product_or_404(shop, product_id)
    others = shop.rows(
        "SELECT id, name FROM products WHERE category = ? AND id != ? LIMIT 3",
        found["category"],
        product_id,
    )
    return {"product_id": product_id, "others": others}


# --- streams and files ----------------------------------------------------------


@router.get("/prices.csv")
def prices(shop: Shop) -> StreamingResponse:
    """A price list, line by line."""
    found = shop.rows("SELECT id, name, net_cents FROM products ORDER BY id")
    lines = (f"{row['id']},{row['name']},{row['net_cents']}\r\n" for row in found)
    return StreamingResponse(lines, media_type="text/csv")


@router.get("/export")
def export(shop: Shop) -> StreamingResponse:
    """Every product as a line of JSON, in chunks."""
    found = shop.rows("SELECT * FROM products ORDER BY id")
    lines = (json.dumps(row) + "\n" for row in found)
    return StreamingResponse(lines, media_type="application/x-ndjson")


@router.get("/events")
def events() -> StreamingResponse:
    """A short event stream; such streams are not mirrored."""
    return StreamingResponse(_ticks(), media_type="text/event-stream")


def _ticks() -> Iterator[str]:
    for number in range(3):
        yield f"data: tick {number}\n\n"
        time.sleep(0.01)


@router.get("/size-guide")
def size_guide() -> FileResponse:
    """A file to download."""
    return FileResponse(HERE / "static" / "size-guide.txt", filename="size-guide.txt")


# --- the customer -----------------------------------------------------------------


@router.post("/login")
def login(
    name: Annotated[str, Form()], password: Annotated[str, Form()]
) -> JSONResponse:
    """Trade name and password for a token, which is also set as a cookie."""
    if USERS.get(name) != password:
        raise HTTPException(401, "wrong name or password")
    answer = JSONResponse({"token": sign_token(name)})
    answer.set_cookie("session", sign_token(name), httponly=True, samesite="lax")
    return answer


@router.get("/me")
def me(request: Request) -> dict[str, str]:
    """Who is asking."""
    name = read_token(request.cookies.get("session", ""))
    if name is None:
        raise HTTPException(401, "log in first")
    return {"name": name}


@router.get("/basket")
def basket(response: Response) -> dict[str, Any]:
    """An empty basket, remembered by a cookie that scripts cannot read."""
    response.set_cookie("basket", "empty", httponly=True, samesite="lax")
    return {"items": []}


# --- orders: writes, so by default neither they nor what reads them is mirrored ------


@router.get("/orders")
def orders(shop: Shop) -> list[dict[str, Any]]:
    """The latest orders."""
    return shop.rows("SELECT * FROM orders ORDER BY id DESC LIMIT 10")


@router.post("/orders", status_code=201)
def create_order(order: Order, shop: Shop, later: BackgroundTasks) -> dict[str, Any]:
    """Order something; the confirmation goes out after the answer."""
    product_or_404(shop, order.product_id)
    number, _ = shop.change(
        "INSERT INTO orders (product_id, quantity) VALUES (?, ?)",
        order.product_id,
        order.quantity,
    )
    message = f"order {number} confirmed"
    later.add_task(shop.change, "INSERT INTO outbox (message) VALUES (?)", message)
    return {"id": number, **order.model_dump()}


@router.get("/orders/{order_id}")
def order(shop: Shop, order_id: int) -> dict[str, Any]:
    """One order."""
    found = shop.rows("SELECT * FROM orders WHERE id = ?", order_id)
    if not found:
        raise HTTPException(404, "no such order")
    return found[0]


@router.put("/orders/{order_id}")
def change_order(order_id: int, order: Order, shop: Shop) -> dict[str, Any]:
    """Change an order."""
    _, changed = shop.change(
        "UPDATE orders SET product_id = ?, quantity = ? WHERE id = ?",
        order.product_id,
        order.quantity,
        order_id,
    )
    if not changed:
        raise HTTPException(404, "no such order")
    return {"id": order_id, **order.model_dump()}


@router.delete("/orders/{order_id}", status_code=204)
def cancel_order(order_id: int, shop: Shop) -> None:
    """Cancel an order; cancelling twice is harmless."""
    shop.change("DELETE FROM orders WHERE id = ?", order_id)


# --- operations -------------------------------------------------------------------


@router.get("/status")
def status() -> dict[str, Any]:
    """Never the same twice: noise, which the settings of the live app ignore."""
    now = datetime.now(UTC).isoformat()
    return {"healthy": True, "now": now, "check_id": str(uuid.uuid4())}
