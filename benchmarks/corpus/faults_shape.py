"""Regressions in what a JSON body is made of: members, rows, order, types, texts."""

from __future__ import annotations

from typing import Any

from benchmarks.corpus.fault import in_body
from benchmarks.corpus.faults_value import another
from benchmarks.corpus.plant import (
    add_member,
    change,
    cut_list,
    drop,
    repeat_row,
    shift_page,
    swap_neighbours,
)
from shadow_middleware.exchange import Kind

__all__ = ["SHAPE_FAULTS"]

CHANGED = (Kind.CHANGED,)
TYPE = (Kind.TYPE,)
MISSING = (Kind.MISSING,)
ADDED = (Kind.ADDED,)
MOVED = (Kind.ORDER, Kind.CHANGED, Kind.MISSING, Kind.ADDED)

THOUSANDTH, FIVE_HUNDREDTH, TWO_HUNDREDTH = 1 / 1_000, 1 / 500, 1 / 200
HUNDREDTH, FIFTIETH = 1 / 100, 1 / 50


def _next_row(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"id": row["id"] + 17, "name": row["name"] + " II"}


def _next_person(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"id": another(row["id"]), "name": f"Next {row['name']}"}


SHAPE_FAULTS = (
    # Presence.
    in_body(
        "refund without its reference",
        "GET /orders/{id}",
        "/refund/reference",
        MISSING,
        FIFTIETH,
        drop("/refund/reference"),
    ),
    in_body(
        "failure without a code",
        "GET /jobs/{id}",
        "/failure/code",
        MISSING,
        FIFTIETH,
        drop("/failure/code"),
    ),
    in_body(
        "related products left out",
        "GET /products/{id}",
        "/related",
        MISSING,
        FIVE_HUNDREDTH,
        drop("/related"),
    ),
    in_body(
        "coupon is lost",
        "GET /carts/{id}",
        "/coupon",
        TYPE,
        HUNDREDTH,
        change("/coupon", lambda coupon: None),
    ),
    in_body(
        "carrier is null",
        "GET /shipments",
        "/shipments/*/carrier",
        TYPE,
        TWO_HUNDREDTH,
        change("/shipments/*/carrier", lambda name: None),
    ),
    in_body(
        "leaks a password hash",
        "GET /users/{id}",
        "/password_hash",
        ADDED,
        HUNDREDTH,
        add_member("/password_hash", "pbkdf2_sha256$720000$c2FsdA"),
    ),
    in_body(
        "leaks the margin",
        "GET /products",
        "/items/*/margin",
        ADDED,
        THOUSANDTH,
        add_member("/items/*/margin", 0.31),
    ),
    in_body(
        "validation details left out",
        "POST /orders",
        "/error/details",
        (Kind.MISSING, Kind.CHANGED),
        FIFTIETH,
        cut_list("/error/details"),
    ),
    # Lists.
    in_body(
        "search loses its last hit",
        "GET /search",
        "/hits",
        MISSING,
        FIVE_HUNDREDTH,
        cut_list("/hits"),
    ),
    in_body(
        "categories rearranged",
        "GET /categories",
        "/categories",
        MOVED,
        HUNDREDTH,
        swap_neighbours("/categories"),
    ),
    in_body(
        "messages out of order",
        "GET /messages/{thread}",
        "/messages",
        MOVED,
        TWO_HUNDREDTH,
        swap_neighbours("/messages"),
    ),
    in_body(
        "related out of order",
        "GET /products/{id}",
        "/related",
        MOVED,
        TWO_HUNDREDTH,
        swap_neighbours("/related"),
    ),
    in_body(
        "a review twice",
        "GET /products/{id}/reviews",
        "/reviews",
        ADDED,
        HUNDREDTH,
        repeat_row("/reviews"),
    ),
    in_body(
        "an order line twice",
        "GET /orders/{id}",
        "/lines",
        ADDED,
        FIVE_HUNDREDTH,
        repeat_row("/lines"),
    ),
    in_body(
        "page begins one too late",
        "GET /users",
        "/data",
        MOVED,
        HUNDREDTH,
        shift_page("/data", _next_person),
    ),
    in_body(
        "products begin one too late",
        "GET /products",
        "/items",
        MOVED,
        FIVE_HUNDREDTH,
        shift_page("/items", _next_row),
    ),
    in_body(
        "tags cut",
        "GET /products",
        "/items/*/tags",
        MISSING,
        TWO_HUNDREDTH,
        cut_list("/items/*/tags"),
    ),
    # Texts, types, flags.
    in_body(
        "umlauts broken",
        "GET /users/{id}",
        "/name",
        CHANGED,
        FIFTIETH,
        change("/name", lambda name: name.encode().decode("latin-1")),
    ),
    in_body(
        "translation escaped twice",
        "GET /translations/{locale}",
        "/texts/*",
        CHANGED,
        FIFTIETH,
        change(
            "/texts/*", lambda text: text.replace("&", "&amp;").replace("'", "&#39;")
        ),
    ),
    in_body(
        "HTML in a message escaped",
        "GET /messages/{thread}",
        "/messages/*/text",
        CHANGED,
        FIFTIETH,
        change("/messages/*/text", lambda text: text.replace("<", "&lt;")),
    ),
    in_body(
        "email in capitals",
        "GET /me",
        "/email",
        CHANGED,
        TWO_HUNDREDTH,
        change("/email", str.upper),
    ),
    in_body(
        "name cut at ten",
        "GET /me",
        "/name",
        CHANGED,
        FIVE_HUNDREDTH,
        change("/name", lambda name: name[:10]),
    ),
    in_body(
        "flag flipped",
        "GET /feature-flags",
        "/flags/*",
        CHANGED,
        FIVE_HUNDREDTH,
        change("/flags/*", lambda on: not on),
    ),
    in_body(
        "a right too many",
        "GET /users/{id}/permissions",
        "/can/refunds_pay",
        CHANGED,
        FIFTIETH,
        change("/can/refunds_pay", lambda may: True),
    ),
    in_body(
        "flag as text",
        "GET /me",
        "/verified",
        TYPE,
        TWO_HUNDREDTH,
        change("/verified", lambda flag: str(flag).lower()),
    ),
    in_body(
        "page size as text",
        "GET /me",
        "/preferences/page_size",
        TYPE,
        THOUSANDTH,
        change("/preferences/page_size", str),
    ),
    in_body(
        "hook enabled as a number",
        "GET /webhooks",
        "/webhooks/*/enabled",
        TYPE,
        FIFTIETH,
        change("/webhooks/*/enabled", int),
    ),
    in_body(
        "empty list as null",
        "GET /messages/{thread}",
        "/messages/*/attachments",
        TYPE,
        HUNDREDTH,
        change("/messages/*/attachments", lambda items: None),
    ),
    in_body(
        "next link loses its page",
        "GET /products",
        "/next",
        CHANGED,
        TWO_HUNDREDTH,
        change("/next", lambda link: link.partition("?")[0]),
    ),
    in_body(
        "checksum of another file",
        "GET /jobs/{id}",
        "/result/checksum",
        CHANGED,
        FIFTIETH,
        change("/result/checksum", lambda text: text[::-1]),
    ),
    in_body(
        "event payload in another case",
        "GET /events",
        "/*/payload/key",
        CHANGED,
        FIFTIETH,
        change("/*/payload/key", str.lower),
    ),
)
