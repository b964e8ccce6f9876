"""What v2 does differently on purpose, and what is noise, for people and for tests."""

from __future__ import annotations

from examples.stage.faults import Noise, Planted

__all__ = ["NOISE", "PLANTED"]

PLANTED = (
    Planted(
        name="price-rounding",
        endpoint="GET /products/{product_id}",
        part="body",
        path="/price",
        kind="changed",
        what="tax is cut off, no longer rounded half up",
    ),
    Planted(
        name="review-author",
        endpoint="GET /products/{product_id}/reviews",
        part="body",
        path="/reviews/*/author",
        kind="missing",
        what="a field is gone",
    ),
    Planted(
        name="stock-type",
        endpoint="GET /stock/{product_id}",
        part="body",
        path="/quantity",
        kind="type",
        what="a number became a string",
    ),
    Planted(
        name="search-order",
        endpoint="GET /search",
        part="body",
        path="/hits",
        kind="order",
        what="hits by name, no longer by price",
    ),
    Planted(
        name="not-found-status",
        endpoint="GET /categories/{name}",
        part="status",
        path="",
        kind="changed",
        what="200 where v1 says 404",
    ),
    Planted(
        name="not-found-body",
        endpoint="GET /categories/{name}",
        part="body",
        path="",
        kind="changed",
        what="and another body, which is then compared as a whole",
    ),
    Planted(
        name="category-count",
        endpoint="GET /categories/{name}",
        part="body",
        path="/count",
        kind="added",
        what="a field that v1 does not have",
    ),
    Planted(
        name="cache-header",
        endpoint="GET /products",
        part="header",
        path="cache-control",
        kind="missing",
        what="Cache-Control is lost",
    ),
    Planted(
        name="cookie-flag",
        endpoint="GET /basket",
        part="header",
        path="set-cookie/basket",
        kind="changed",
        what="the cookie lost HttpOnly",
    ),
    Planted(
        name="html-text",
        endpoint="GET /",
        part="body",
        path="**",
        kind="changed",
        what="another number in an HTML page",
    ),
    Planted(
        name="csv-separator",
        endpoint="GET /prices.csv",
        part="body",
        path="**",
        kind="changed",
        what="semicolons in a CSV file",
    ),
    Planted(
        name="slow-route",
        endpoint="GET /recommendations/{product_id}",
        part="latency",
        path="",
        kind="changed",
        what="the same answer, 150 ms later",
    ),
)
"""Each shows in the report; nothing else differs but the noise."""

NOISE = (
    Noise("*", "header", "x-request-id", 'ignore_headers=("x-request-id",)'),
    Noise("GET /status", "body", "/now", 'ignore_paths=("/now", …)'),
    Noise("GET /status", "body", "/check_id", 'ignore_paths=(…, "/check_id")'),
)
"""Different between any two answers of any version; the settings ignore it."""
