"""Regressions in statuses, headers, cookies, and in the lines of texts."""

from __future__ import annotations

from html import unescape

from benchmarks.corpus.fault import in_header, in_status, in_text
from benchmarks.corpus.plant import (
    answer_status,
    change_header,
    change_line,
    declare,
    drop_header,
    drop_line,
    encode_as,
    repeat_line,
    swap_lines,
)
from shadow_middleware.exchange import Kind

__all__ = ["ANSWER_FAULTS"]

CHANGED = (Kind.CHANGED,)
MISSING = (Kind.MISSING,)
LESS = (Kind.MISSING, Kind.CHANGED)
MORE = (Kind.ADDED, Kind.CHANGED)
MOVED = (Kind.ORDER, Kind.CHANGED, Kind.MISSING, Kind.ADDED)

FIVE_HUNDREDTH, TWO_HUNDREDTH, HUNDREDTH, FIFTIETH = 1 / 500, 1 / 200, 1 / 100, 1 / 50


ANSWER_FAULTS = (
    # Statuses.
    in_status(
        "not found is found", "GET /products/{id}", FIFTIETH, answer_status(404, 200)
    ),
    in_status("refusal is forbidden", "POST /login", FIFTIETH, answer_status(401, 403)),
    in_status(
        "invalid is a bad request", "POST /orders", FIFTIETH, answer_status(422, 400)
    ),
    in_status(
        "cancelling answers 200",
        "DELETE /orders/{id}",
        HUNDREDTH,
        answer_status(204, 200),
    ),
    in_status("gone is not found", "GET /jobs/{id}", FIFTIETH, answer_status(410, 404)),
    in_status(
        "moved for now only", "GET /s/{short}", HUNDREDTH, answer_status(301, 302)
    ),
    in_status(
        "export fails",
        "GET /export/products.csv",
        TWO_HUNDREDTH,
        answer_status(200, 500),
    ),
    # Headers and cookies.
    in_header(
        "page links lost",
        "GET /products",
        "link",
        MISSING,
        TWO_HUNDREDTH,
        drop_header("link"),
    ),
    in_header(
        "private pages may be cached",
        "GET /account",
        "cache-control",
        CHANGED,
        FIVE_HUNDREDTH,
        change_header("cache-control", lambda _: "public, max-age=60"),
    ),
    in_header(
        "categories for a minute only",
        "GET /categories",
        "cache-control",
        CHANGED,
        TWO_HUNDREDTH,
        change_header("cache-control", lambda text: text.replace("3600", "60")),
    ),
    in_header(
        "redirect loses its slash",
        "GET /s/{short}",
        "location",
        CHANGED,
        FIFTIETH,
        change_header("location", lambda target: target.rstrip("/")),
    ),
    in_header(
        "frames allowed",
        "GET /checkout",
        "x-frame-options",
        MISSING,
        TWO_HUNDREDTH,
        drop_header("x-frame-options"),
    ),
    in_header(
        "session readable by scripts",
        "POST /login",
        "set-cookie/session",
        CHANGED,
        TWO_HUNDREDTH,
        change_header(
            "set-cookie", lambda line: line.replace("; HttpOnly", ""), "session="
        ),
    ),
    in_header(
        "cookie in the clear",
        "GET /login",
        "set-cookie/csrftoken",
        CHANGED,
        HUNDREDTH,
        change_header("set-cookie", lambda line: line.replace("; Secure", "")),
    ),
    in_header(
        "cart cookie not set",
        "GET /carts/{id}",
        "set-cookie/cart",
        MISSING,
        FIVE_HUNDREDTH,
        drop_header("set-cookie"),
    ),
    in_header(
        "vary lost", "GET /me", "vary", MISSING, TWO_HUNDREDTH, drop_header("vary")
    ),
    in_header(
        "charset lost",
        "GET /export/orders.csv",
        "content-type",
        CHANGED,
        FIFTIETH,
        declare("text/csv"),
    ),
    in_header(
        "help in latin-1",
        "GET /help/{page}",
        "content-type",
        CHANGED,
        HUNDREDTH,
        encode_as("iso-8859-1"),
    ),
    in_header(
        "any origin may read",
        "GET /config",
        "access-control-allow-origin",
        CHANGED,
        FIFTIETH,
        change_header("access-control-allow-origin", lambda _: "*"),
    ),
    in_header(
        "file name lost",
        "GET /export/orders.csv",
        "content-disposition",
        CHANGED,
        FIFTIETH,
        change_header("content-disposition", lambda text: "attachment"),
    ),
    in_header(
        "challenge lost",
        "POST /login",
        "www-authenticate",
        MISSING,
        FIFTIETH,
        drop_header("www-authenticate"),
    ),
    # Lines of pages.
    in_text(
        "name not escaped",
        "GET /account",
        CHANGED,
        FIFTIETH,
        change_line("<h1>Welcome", unescape),
    ),
    in_text(
        "text not escaped",
        "GET /p/{slug}",
        CHANGED,
        HUNDREDTH,
        change_line("<p>", unescape),
    ),
    in_text(
        "imprint link lost", "GET /", LESS, FIVE_HUNDREDTH, drop_line('href="/imprint"')
    ),
    in_text(
        "an order row twice", "GET /account", MORE, TWO_HUNDREDTH, repeat_line("<tr>")
    ),
    in_text(
        "price with a comma",
        "GET /p/{slug}",
        CHANGED,
        TWO_HUNDREDTH,
        change_line('class="price"', lambda line: line.replace(".", ",")),
    ),
    in_text(
        "form goes elsewhere",
        "GET /checkout",
        CHANGED,
        TWO_HUNDREDTH,
        change_line("<form", lambda line: line.replace("/confirm", "")),
    ),
    in_text(
        "form sends by GET",
        "GET /login",
        CHANGED,
        HUNDREDTH,
        change_line("<form", lambda line: line.replace('"post"', '"get"')),
    ),
    in_text(
        "title in small letters",
        "GET /help/{page}",
        CHANGED,
        FIFTIETH,
        change_line("<title>", str.lower),
    ),
    in_text(
        "stock one less",
        "GET /p/{slug}",
        CHANGED,
        TWO_HUNDREDTH,
        change_line('class="stock"', lambda line: line.replace("1", "2")),
    ),
    # Lines of texts.
    in_text(
        "CSV row left out", "GET /export/orders.csv", LESS, FIFTIETH, drop_line("@mail")
    ),
    in_text(
        "CSV separator",
        "GET /export/products.csv",
        MOVED,  # whoever reads columns finds another row in the place of this one
        FIFTIETH,
        change_line("SKU-", lambda line: line.replace(";", ",")),
    ),
    in_text(
        "CSV rows out of order",
        "GET /export/orders.csv",
        MOVED,
        FIFTIETH,
        swap_lines("@mail"),
    ),
    in_text(
        "site map in the clear",
        "GET /sitemap.xml",
        CHANGED,
        FIFTIETH,
        change_line("<loc>", lambda line: line.replace("https:", "http:")),
    ),
    in_text(
        "feed title in capitals",
        "GET /feed.rss",
        CHANGED,
        FIFTIETH,
        change_line("<title>", str.upper),
    ),
    in_text(
        "receipt total rounded",
        "GET /receipts/{id}",
        CHANGED,
        HUNDREDTH,
        change_line("TOTAL", lambda line: line[:-2] + "00"),
    ),
    in_text(
        "crawlers let in", "GET /robots.txt", LESS, FIFTIETH, drop_line("/account")
    ),
    in_text(
        "errors not counted",
        "GET /metrics",
        CHANGED,
        FIFTIETH,
        change_line('code="500"', lambda line: line.rpartition(" ")[0] + " 0"),
    ),
)
