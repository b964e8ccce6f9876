"""
A FastAPI app with a database: bearer tokens, orders with lines, ETags, upload URLs.

The same variables as `notes`: as live it carries the middleware, ids begin after
`WORKFLOW_FIRST`, and a token of another user than the client's is noted.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel

FIRST = int(os.environ.get("WORKFLOW_FIRST", "0"))
SHADOW = json.loads(os.environ.get("WORKFLOW_SHADOW", "null"))
TABLES = """
CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, password TEXT);
CREATE TABLE token (token TEXT PRIMARY KEY, user_id INTEGER);
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT, user_id INTEGER,
                     title TEXT, salt TEXT);
CREATE TABLE line (id INTEGER PRIMARY KEY AUTOINCREMENT, order_id INTEGER, sku TEXT);
CREATE TABLE upload (ticket TEXT PRIMARY KEY, order_id INTEGER, size INTEGER);
"""
MIXED: list[str] = []


class Store:
    """SQLite behind a lock."""

    def __init__(self) -> None:
        name = os.environ.get("WORKFLOW_DB", ":memory:")
        self._db = sqlite3.connect(name, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._lock = threading.Lock()
        self._db.executescript("PRAGMA synchronous=OFF;" + TABLES)
        for step, table in enumerate(("user", "orders", "line")):
            self._db.execute(
                "INSERT INTO sqlite_sequence VALUES (?, ?)", (table, FIRST * (step + 1))
            )

    def all(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Return rows."""
        with self._lock:
            return [dict(row) for row in self._db.execute(sql, values)]

    def one(self, sql: str, *values: Any) -> dict[str, Any]:
        """Return a row, or answer with 404."""
        rows = self.all(sql, *values)
        if not rows:
            raise HTTPException(404, "no such thing")
        return rows[0]

    def add(self, sql: str, *values: Any) -> int:
        """Return the new row's id."""
        with self._lock:
            return int(self._db.execute(sql, values).lastrowid or 0)


store = Store()
app = FastAPI()
if SHADOW:
    from shadow_middleware.asgi import ShadowMiddleware

    app.add_middleware(ShadowMiddleware, **SHADOW)


class Account(BaseModel):
    """Who logs in."""

    name: str
    password: str


class Title(BaseModel):
    """What an order is called."""

    title: str


class Line(BaseModel):
    """One line of the order that it names."""

    order_id: int
    sku: str


async def user(
    authorization: Annotated[str, Header()] = "", x_user: Annotated[str, Header()] = ""
) -> dict[str, Any]:
    """Return whose token it is."""
    token = authorization.removeprefix("Bearer ")
    found = store.all(
        "SELECT user.* FROM token JOIN user ON user.id = user_id WHERE token = ?", token
    )
    if not found:
        raise HTTPException(401, "log in first")
    if found[0]["name"] != x_user:
        MIXED.append(f"{x_user} as {found[0]['name']}")
    return found[0]


User = Annotated[dict[str, Any], Depends(user)]


def order_of(user: dict[str, Any], order_id: int) -> dict[str, Any]:
    """Return a user's order."""
    return store.one(
        "SELECT * FROM orders WHERE id = ? AND user_id = ?", order_id, user["id"]
    )


def told(order: dict[str, Any]) -> dict[str, Any]:
    """Return an order as the API shows it."""
    lines = store.all(
        "SELECT id, sku FROM line WHERE order_id = ? ORDER BY id", order["id"]
    )
    return {
        "id": order["id"],
        "order_number": order["number"],
        "title": order["title"],
        "owner": {"id": order["user_id"]},
        "lines": lines,
        "links": {
            "self": f"/orders/{order['id']}",
            "lines": f"/orders/{order['id']}/lines",
        },
        "summary": f"Order {order['id']} has {len(lines)} lines",
    }


def tag_of(order: dict[str, Any]) -> str:
    """Return the order's ETag."""
    text = f"{order['salt']}{order['title']}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'


@app.post("/login")
async def log_in(account: Account) -> dict[str, Any]:
    """Let a user in, and make the account at the first time."""
    if not store.all("SELECT id FROM user WHERE name = ?", account.name):
        store.add(
            "INSERT INTO user (name, password) VALUES (?, ?)", *vars(account).values()
        )
    found = store.one("SELECT * FROM user WHERE name = ?", account.name)
    if found["password"] != account.password:
        raise HTTPException(403, "no")
    token = secrets.token_urlsafe(24)
    store.add("INSERT INTO token VALUES (?, ?)", token, found["id"])
    return {"access_token": token, "token_type": "bearer", "user": {"id": found["id"]}}


@app.get("/me")
async def me(user: User) -> dict[str, Any]:
    """Tell who is logged in."""
    return {"id": user["id"], "name": user["name"]}


@app.post("/orders", status_code=201)
async def make_order(title: Title, user: User, response: Response) -> dict[str, Any]:
    """Make an order."""
    salt = secrets.token_hex(8)
    order_id = store.add(
        "INSERT INTO orders (user_id, title, salt) VALUES (?, ?, ?)",
        *(user["id"], title.title, salt),
    )
    store.all(
        "UPDATE orders SET number = ? WHERE id = ?", f"ORD-{order_id:06}", order_id
    )
    order = order_of(user, order_id)
    response.headers["location"] = f"/orders/{order_id}"
    response.headers["etag"] = tag_of(order)
    return told(order)


@app.get("/orders")
async def list_orders(user: User, owner_id: int, page: int = 1) -> dict[str, Any]:
    """List a user's orders."""
    if owner_id != user["id"]:
        raise HTTPException(403, "not yours")
    rows = store.all(
        "SELECT * FROM orders WHERE user_id = ? ORDER BY id LIMIT 5 OFFSET ?",
        *(owner_id, (page - 1) * 5),
    )
    return {"page": page, "items": [*map(told, rows)]}


@app.get("/orders/{order_id}")
async def get_order(order_id: int, user: User, response: Response) -> dict[str, Any]:
    """Show an order."""
    order = order_of(user, order_id)
    response.headers["etag"] = tag_of(order)
    return told(order)


@app.put("/orders/{order_id}")
async def put_order(
    order_id: int, title: Title, user: User, request: Request, response: Response
) -> dict[str, Any]:
    """Rename an order, if nobody has meanwhile."""
    if request.headers.get("if-match") != tag_of(order_of(user, order_id)):
        raise HTTPException(412, "changed meanwhile")
    store.all("UPDATE orders SET title = ? WHERE id = ?", title.title, order_id)
    return await get_order(order_id, user, response)


@app.delete("/orders/{order_id}", status_code=204)
async def delete_order(order_id: int, user: User) -> None:
    """Delete an order."""
    order_of(user, order_id)
    store.all("DELETE FROM orders WHERE id = ?", order_id)


@app.post("/lines", status_code=201)
async def make_line(line: Line, user: User) -> dict[str, Any]:
    """Add a line to an order."""
    order_of(user, line.order_id)
    line_id = store.add(
        "INSERT INTO line (order_id, sku) VALUES (?, ?)", line.order_id, line.sku
    )
    return {"id": line_id, "order_id": line.order_id, "sku": line.sku}


@app.delete("/orders/{order_id}/lines/{line_id}")
async def delete_line(order_id: int, line_id: int, user: User) -> dict[str, Any]:
    """Delete a line."""
    order_of(user, order_id)
    store.one("SELECT id FROM line WHERE id = ? AND order_id = ?", line_id, order_id)
    store.all("DELETE FROM line WHERE id = ?", line_id)
    return {"deleted": line_id}


@app.post("/orders/{order_id}/uploads", status_code=201)
async def make_upload(order_id: int, user: User) -> dict[str, Any]:
    """Hand out an address for one upload."""
    order_of(user, order_id)
    ticket = secrets.token_urlsafe(18)
    store.add("INSERT INTO upload VALUES (?, ?, 0)", ticket, order_id)
    return {"upload_url": f"/uploads/{ticket}"}


@app.put("/uploads/{ticket}")
async def upload(ticket: str, request: Request) -> dict[str, Any]:
    """Take the bytes of an upload."""
    found = store.one("SELECT * FROM upload WHERE ticket = ?", ticket)
    size = len(await request.body())
    return {"order_id": found["order_id"], "size": size}


@app.get("/mixed")
async def mixed() -> dict[str, Any]:
    """Tell of mix-ups; asked by the benchmark alone."""
    return {"mixed": MIXED}
