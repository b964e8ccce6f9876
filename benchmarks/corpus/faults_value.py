"""Regressions in numbers, ids and times that are the same on every healthy copy."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from benchmarks.corpus.fault import in_body
from benchmarks.corpus.plant import (
    change,
)
from shadow_middleware.exchange import Kind

__all__ = ["VALUE_FAULTS", "another", "later", "shifted"]

CHANGED = (Kind.CHANGED,)

THOUSANDTH, FIVE_HUNDREDTH, TWO_HUNDREDTH = 1 / 1_000, 1 / 500, 1 / 200
HUNDREDTH, FIFTIETH = 1 / 100, 1 / 50


def another(identity: str) -> str:
    """The id of somebody else: a UUID as good as any."""
    return str(UUID(int=UUID(identity).int ^ 0x5DEECE66D << 64))


def later(days: int, text: str) -> str:
    """A day moved."""
    return (datetime.fromisoformat(text) + timedelta(days=days)).isoformat()[
        : len(text)
    ]


def shifted(hours: int, text: str) -> str:
    """The wall clock of another zone under the same offset."""
    return (datetime.fromisoformat(text) + timedelta(hours=hours)).isoformat()


VALUE_FAULTS = (
    # Numbers.
    in_body(
        "stock off by one",
        "GET /products/{id}",
        "/stock",
        CHANGED,
        THOUSANDTH,
        change("/stock", lambda count: count + 1),
    ),
    in_body(
        "price a cent off",
        "GET /products",
        "/items/*/price/amount",
        CHANGED,
        FIVE_HUNDREDTH,
        change("/items/*/price/amount", lambda amount: round(amount + 0.01, 2)),
    ),
    in_body(
        "total is one page short",
        "GET /products",
        "/total",
        CHANGED,
        THOUSANDTH,
        change("/total", lambda total: total - 12),
    ),
    in_body(
        "review average rounded",
        "GET /products/{id}/reviews",
        "/average",
        CHANGED,
        HUNDREDTH,
        change("/average", lambda value: round(value, 2)),
    ),
    in_body(
        "dimension lost its precision",
        "GET /products/{id}",
        "/dimensions/width",
        CHANGED,
        TWO_HUNDREDTH,
        change("/dimensions/width", lambda value: float(int(value))),
    ),
    in_body(
        "warehouse counts what is reserved",
        "GET /products/{id}/stock",
        "/by_warehouse/*/available",
        CHANGED,
        TWO_HUNDREDTH,
        change("/by_warehouse/*/available", lambda count: count + 3),
    ),
    in_body(
        "warehouse total of one less",
        "GET /products/{id}/stock",
        "/total",
        CHANGED,
        THOUSANDTH,
        change("/total", lambda total: total - 1),
    ),
    in_body(
        "order total in cents",
        "GET /orders/{id}",
        "/total/amount",
        CHANGED,
        FIVE_HUNDREDTH,
        change("/total/amount", lambda amount: amount * 100),
    ),
    in_body(
        "tax at the old rate",
        "GET /orders/{id}",
        "/tax/rate",
        CHANGED,
        FIFTIETH,
        change("/tax/rate", lambda rate: 0.16),
    ),
    in_body(
        "VAT rounded down",
        "GET /orders/{id}/invoice",
        "/lines/*/vat",
        CHANGED,
        HUNDREDTH,
        change("/lines/*/vat", lambda vat: int(vat * 10) / 10),
    ),
    in_body(
        "big ids through a double",
        "GET /messages/{thread}",
        "/messages/*/id",
        CHANGED,
        FIFTIETH,
        change("/messages/*/id", lambda number: int(float(number))),
    ),
    in_body(
        "returned share as percent",
        "GET /stats/daily",
        "/days/*/returned_share",
        CHANGED,
        TWO_HUNDREDTH,
        change("/days/*/returned_share", lambda share: round(share * 100, 4)),
    ),
    in_body(
        "revenue without one order",
        "GET /stats/daily",
        "/days/*/revenue",
        CHANGED,
        THOUSANDTH,
        change("/days/*/revenue", lambda revenue: round(revenue * 0.9999, 2)),
    ),
    in_body(
        "stale progress",
        "GET /jobs/{id}",
        "/progress",
        CHANGED,
        TWO_HUNDREDTH,
        change("/progress", lambda done: max(0, done - 20)),
        intermittent=True,
    ),
    in_body(
        "threshold with a sign",
        "GET /stats/realtime",
        "/threshold",
        CHANGED,
        THOUSANDTH,
        change("/threshold", lambda value: -value),
    ),
    in_body(
        "decimal without its zeros",
        "GET /prices/{sku}",
        "/quotes/*/net",
        CHANGED,
        FIFTIETH,
        change("/quotes/*/net", lambda text: text.rstrip("0").rstrip(".")),
    ),
    in_body(
        "wrong currency",
        "GET /prices/{sku}",
        "/quotes/*/currency",
        CHANGED,
        FIVE_HUNDREDTH,
        change("/quotes/*/currency", lambda name: "USD" if name != "USD" else "EUR"),
    ),
    in_body(
        "cart in another currency",
        "GET /carts/{id}",
        "/subtotal/currency",
        CHANGED,
        THOUSANDTH,
        change("/subtotal/currency", lambda name: "GBP" if name != "GBP" else "EUR"),
    ),
    # Ids and times.
    in_body(
        "somebody else's order",
        "GET /orders",
        "/orders/*/id",
        CHANGED,
        FIVE_HUNDREDTH,
        change("/orders/*/id", another),
    ),
    in_body(
        "somebody else's profile id",
        "GET /users/{id}",
        "/id",
        CHANGED,
        TWO_HUNDREDTH,
        change("/id", another),
    ),
    in_body(
        "refund of another order",
        "GET /refunds/{id}",
        "/order_id",
        CHANGED,
        HUNDREDTH,
        change("/order_id", another),
    ),
    in_body(
        "message from the other one",
        "GET /messages/{thread}",
        "/messages/*/from",
        CHANGED,
        TWO_HUNDREDTH,
        change("/messages/*/from", another),
    ),
    in_body(
        "order time without its zone",
        "GET /orders/{id}",
        "/placed_at",
        CHANGED,
        TWO_HUNDREDTH,
        change("/placed_at", lambda text: shifted(1, text)),
    ),
    in_body(
        "zone written otherwise",
        "GET /users/{id}/sessions",
        "/sessions/*/started_at",
        CHANGED,
        FIFTIETH,
        change("/sessions/*/started_at", lambda text: text.replace("+00:00", "+01:00")),
    ),
    in_body(
        "restock a day early",
        "GET /products/{id}/stock",
        "/by_warehouse/*/restock_on",
        CHANGED,
        HUNDREDTH,
        change("/by_warehouse/*/restock_on", lambda day: later(-1, day)),
    ),
    in_body(
        "stale profile",
        "GET /users/{id}",
        "/followers",
        CHANGED,
        HUNDREDTH,
        change("/followers", lambda count: max(0, count - 7)),
        intermittent=True,
    ),
)
