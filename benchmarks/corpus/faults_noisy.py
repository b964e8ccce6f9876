"""Regressions on fields that differ between healthy copies already."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.corpus.fault import in_body, in_header, in_text
from benchmarks.corpus.faults_value import shifted
from benchmarks.corpus.plant import (
    change,
    change_header,
    change_line,
    cut_list,
    drop,
    drop_header,
    drop_line,
)
from shadow_middleware.exchange import Kind

__all__ = ["NOISY_FAULTS"]

CHANGED = (Kind.CHANGED,)
TYPE = (Kind.TYPE,)
MISSING = (Kind.MISSING,)
LESS = (Kind.MISSING, Kind.CHANGED)

FIVE_HUNDREDTH, TWO_HUNDREDTH, HUNDREDTH, FIFTIETH = 1 / 500, 1 / 200, 1 / 100, 1 / 50


def _null(value: Any) -> None:
    return None


NOISY_FAULTS = (
    in_body(
        "trace id is null",
        "GET /orders/{id}",
        "/meta/request_id",
        TYPE,
        FIVE_HUNDREDTH,
        change("/meta/request_id", _null),
    ),
    in_body(
        "no trace id",
        "GET /audit",
        "/entries/*/trace",
        MISSING,
        FIFTIETH,
        drop("/entries/*/trace"),
    ),
    in_body(
        "generated an hour off",
        "GET /products",
        "/generated_at",
        CHANGED,
        TWO_HUNDREDTH,
        change("/generated_at", lambda text: shifted(-1, text)),
    ),
    in_body(
        "last seen without a zone",
        "GET /me",
        "/last_seen",
        CHANGED,
        TWO_HUNDREDTH,
        change("/last_seen", lambda text: text.replace("+00:00", "")),
    ),
    in_body(
        "expiry in milliseconds",
        "GET /recommendations",
        "/expires_at",
        CHANGED,
        HUNDREDTH,
        change("/expires_at", lambda seconds: seconds * 1000),
    ),
    in_body(
        "cart expires at once",
        "GET /carts/{id}",
        "/expires_at",
        CHANGED,
        TWO_HUNDREDTH,
        change("/expires_at", lambda text: shifted(-2, text)),
    ),
    in_body(
        "empty token",
        "POST /login",
        "/access_token",
        CHANGED,
        TWO_HUNDREDTH,
        change("/access_token", lambda token: ""),
    ),
    in_body(
        "refresh token is null",
        "POST /login",
        "/refresh_token",
        TYPE,
        HUNDREDTH,
        change("/refresh_token", _null),
    ),
    in_body(
        "took_ms as text",
        "GET /search",
        "/took_ms",
        TYPE,
        TWO_HUNDREDTH,
        change("/took_ms", lambda value: f"{value} ms"),
    ),
    in_body(
        "score of another model",
        "GET /search",
        "/hits/*/score",
        CHANGED,
        TWO_HUNDREDTH,
        change("/hits/*/score", lambda score: score * 1.3),
    ),
    in_body(
        "average rounded to a whole",
        "GET /stats/daily",
        "/days/*/average",
        CHANGED,
        HUNDREDTH,
        change("/days/*/average", lambda value: float(round(value))),
    ),
    in_body(
        "online users below zero",
        "GET /stats/realtime",
        "/online",
        CHANGED,
        HUNDREDTH,
        change("/online", lambda count: -1),
    ),
    in_body(
        "image without a signature",
        "GET /products/{id}",
        "/image",
        CHANGED,
        HUNDREDTH,
        change("/image", lambda url: url.partition("?")[0]),
    ),
    in_body(
        "avatar of somebody else",
        "GET /users/{id}",
        "/avatar",
        CHANGED,
        HUNDREDTH,
        change(
            "/avatar", lambda url: re.sub(r"[0-9a-f]{12}\.png", "0123456789ab.png", url)
        ),
    ),
    in_body(
        "a thumbnail is null",
        "GET /products",
        "/items/*/thumbnail",
        TYPE,
        FIVE_HUNDREDTH,
        change("/items/*/thumbnail", _null),
    ),
    in_body(
        "a role is lost",
        "GET /users/{id}/permissions",
        "/roles",
        MISSING,
        FIFTIETH,
        cut_list("/roles"),
    ),
    in_body(
        "a facet is lost",
        "GET /search",
        "/facets/*",
        MISSING,
        TWO_HUNDREDTH,
        drop("/facets/*"),
    ),
    in_body(
        "cache never warm",
        "GET /products/{id}",
        "/cached",
        MISSING,
        0.5,
        drop("/cached"),
    ),
    in_body(
        "link to the old host",
        "GET /notifications",
        "/notifications/*/link",
        CHANGED,
        HUNDREDTH,
        change(
            "/notifications/*/link",
            lambda url: re.sub(r"//[^/]+/", "//old.example/", url),
        ),
    ),
    in_body(
        "link loses its path",
        "GET /config",
        "/endpoints/socket",
        CHANGED,
        FIFTIETH,
        change("/endpoints/socket", lambda url: url.removesuffix("/socket")),
    ),
    in_body(
        "uptime is text",
        "GET /health",
        "/uptime",
        TYPE,
        FIFTIETH,
        change("/uptime", str),
    ),
    in_body(
        "a check fails",
        "GET /health",
        "/checks/*/status",
        CHANGED,
        HUNDREDTH,
        change("/checks/*/status", lambda _: "down"),
    ),
    in_body(
        "variant unknown",
        "GET /feature-flags",
        "/experiment/variant",
        TYPE,
        HUNDREDTH,
        change("/experiment/variant", _null),
    ),
    in_body(
        "delivery is null",
        "GET /webhooks",
        "/webhooks/*/last_delivery",
        TYPE,
        FIFTIETH,
        change("/webhooks/*/last_delivery", _null),
    ),
    in_header(
        "etag lost", "GET /users/{id}", "etag", MISSING, HUNDREDTH, drop_header("etag")
    ),
    in_header(
        "etag without quotes",
        "GET /orders/{id}",
        "etag",
        CHANGED,
        HUNDREDTH,
        change_header("etag", lambda text: text.replace('"', "")),
    ),
    in_header(
        "policy allows inline scripts",
        "GET /p/{slug}",
        "content-security-policy",
        CHANGED,
        HUNDREDTH,
        change_header(
            "content-security-policy", lambda text: f"{text} 'unsafe-inline'"
        ),
    ),
    in_text(
        "old script beside a nonce",
        "GET /",
        CHANGED,
        TWO_HUNDREDTH,
        change_line("nonce=", lambda line: line.replace("88ad", "71fe")),
    ),
    in_text(
        "CSRF field lost", "GET /checkout", LESS, HUNDREDTH, drop_line("csrf_token")
    ),
    in_text(
        "CSRF field has no value",
        "GET /login",
        CHANGED,
        HUNDREDTH,
        change_line(
            "csrf_token", lambda line: re.sub(r'value="[^"]*"', 'value=""', line)
        ),
    ),
    in_text(
        "receipt printed in another zone",
        "GET /receipts/{id}",
        CHANGED,
        FIFTIETH,
        change_line("Printed", lambda line: re.sub(r"\d\d:\d\d:", "26:61:", line)),
    ),
)
