"""What v2 does differently on purpose, and what is noise, for people and for tests."""

from __future__ import annotations

from examples.stage.faults import Noise, Planted

__all__ = ["NOISE", "PLANTED"]

PLANTED = (
    Planted(
        name="price-rounding",
        endpoint="GET /books/<int:pk>/",
        part="body",
        path="/price",
        kind="changed",
        what="tax is cut off, no longer rounded half up",
    ),
    Planted(
        name="review-reader",
        endpoint="GET /books/<int:pk>/reviews/",
        part="body",
        path="/reviews/*/reader",
        kind="missing",
        what="a field is gone",
    ),
    Planted(
        name="stock-type",
        endpoint="GET /stock/<int:pk>/",
        part="body",
        path="/copies",
        kind="type",
        what="a number became a string",
    ),
    Planted(
        name="search-order",
        endpoint="GET /search/",
        part="body",
        path="/hits",
        kind="order",
        what="hits by title, no longer by price",
    ),
    Planted(
        name="not-found-status",
        endpoint="GET /genres/<slug:slug>/",
        part="status",
        path="",
        kind="changed",
        what="200 where v1 says 404",
    ),
    Planted(
        name="not-found-body",
        endpoint="GET /genres/<slug:slug>/",
        part="body",
        path="",
        kind="changed",
        what="and another body, which is then compared as a whole",
    ),
    Planted(
        name="genre-count",
        endpoint="GET /genres/<slug:slug>/",
        part="body",
        path="/count",
        kind="added",
        what="a field that v1 does not have",
    ),
    Planted(
        name="cache-header",
        endpoint="GET /books/",
        part="header",
        path="cache-control",
        kind="missing",
        what="Cache-Control is lost",
    ),
    Planted(
        name="cookie-flag",
        endpoint="GET /basket/",
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
        what="another time in an HTML page",
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
        endpoint="GET /bestsellers/",
        part="latency",
        path="",
        kind="changed",
        what="the same answer, 150 ms later",
    ),
)
"""Each shows in the report; nothing else differs but the noise."""

NOISE = (
    Noise("*", "header", "x-request-id", '"ignore_headers": ["x-request-id"]'),
    Noise("GET /status/", "body", "/now", '"ignore_paths": ["/now", …]'),
    Noise("GET /status/", "body", "/check_id", '"ignore_paths": […, "/check_id"]'),
    Noise("GET /contact/", "body", "**", '"rules": [{"name": "csrf-token", …}]'),
    Noise("GET /login/", "body", "**", '"rules": [{"name": "csrf-token", …}]'),
)
"""Different between any two answers of any version; the settings ignore it."""
