"""Text answers: CSV files, a feed, a site map, a receipt, metrics."""

from __future__ import annotations

from benchmarks.corpus import noise, state
from benchmarks.corpus.leg import Answer, Leg, Route

__all__ = ["ROUTES"]


def orders_csv(leg: Leg) -> Answer:
    """Orders as a table."""
    pick = leg.pick
    lines = ["number,placed_at,customer,total,currency"]
    for _ in range(pick.randrange(5, 15)):
        who, total = state.person(pick), state.money(pick)
        cells = (state.code(pick, "O", 8), state.instant(pick), who["email"])
        lines.append(",".join((*cells, f"{total['amount']:.2f}", total["currency"])))
    return (
        Answer(lines, "csv")
        .header("content-disposition", 'attachment; filename="orders.csv"')
        .header("x-export-id", noise.ulid(leg))
    )


def products_csv(leg: Leg) -> Answer:
    """Products as a table, under a line that says when it was made."""
    pick = leg.pick
    lines = [
        f"# generated {noise.iso_millis(leg)} by {noise.pod(leg)}",
        "sku;name;price",
    ]
    for _ in range(pick.randrange(4, 12)):
        row = state.product(pick)
        lines.append(f"{row['sku']};{row['name']};{row['price']['amount']:.2f}")
    lines.append(f"# {len(lines) - 2} rows")
    return Answer(lines, "csv").header("content-disposition", "attachment")


def sitemap(leg: Leg) -> Answer:
    """Every page that there is."""
    pick = leg.pick
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<urlset>"]
    for _ in range(pick.randrange(4, 12)):
        place = f"https://shop.example/p/{state.slug(pick)}"
        day = state.instant(pick)[:10]
        lines.append(f"  <url><loc>{place}</loc><lastmod>{day}</lastmod></url>")
    lines += ["</urlset>", f"<!-- {noise.plain_time(leg)} -->"]
    return Answer(lines, "xml").header("cache-control", "public, max-age=86400")


def feed(leg: Leg) -> Answer:
    """News as RSS, with the time at which it was put together."""
    pick = leg.pick
    lines = ['<?xml version="1.0"?>', '<rss version="2.0">', "<channel>"]
    lines.append(f"  <lastBuildDate>{noise.http_date(leg)}</lastBuildDate>")
    lines.append("  <ttl>60</ttl>")
    for _ in range(pick.randrange(2, 7)):
        lines += [
            "  <item>",
            f"    <title>{state.slug(pick)}</title>",
            f"    <guid>{state.identity(pick)}</guid>",
            f"    <pubDate>{state.instant(pick)}</pubDate>",
            "  </item>",
        ]
    return Answer([*lines, "</channel>", "</rss>"], "xml").header(
        "etag", noise.etag(leg)
    )


def receipt(leg: Leg) -> Answer:
    """What a till prints."""
    pick = leg.pick
    lines = ["SHOP EXAMPLE LTD", f"Receipt {state.code(pick, 'B', 7)}", "-" * 32]
    for _ in range(pick.randrange(2, 8)):
        row = state.product(pick)
        lines.append(f"{row['name'][:20]:<20} {row['price']['amount']:>11.2f}")
    lines += [
        "-" * 32,
        f"TOTAL EUR {state.amount(pick):>22.2f}",
        f"VAT 19 %  {state.amount(pick, 4_000):>22.2f}",
        f"Printed {noise.plain_time(leg)} till {noise.serial(leg)}",
    ]
    return Answer(lines, "text")


def metrics(leg: Leg) -> Answer:
    """Counters in the text format that monitoring reads."""
    pick = leg.pick
    lines = [
        "# TYPE http_requests_total counter",
        f'http_requests_total{{code="200"}} {noise.serial(leg)}',
        f'http_requests_total{{code="500"}} {pick.randrange(90)}',
        "# TYPE process_resident_memory_bytes gauge",
        f"process_resident_memory_bytes {noise.sampled(leg, 120_000_000)}",
        "# TYPE build_info gauge",
        f'build_info{{version="4.{pick.randrange(9)}.1"}} 1',
        "# TYPE queue_depth gauge",
        f"queue_depth {noise.sampled(leg, 25)}",
    ]
    return Answer(lines, "text")


def robots(leg: Leg) -> Answer:
    """What crawlers may see."""
    pick = leg.pick
    lines = [
        "User-agent: *",
        "Disallow: /account",
        f"Crawl-delay: {pick.randrange(1, 9)}",
    ]
    lines += [f"Disallow: /{state.slug(pick)}/" for _ in range(3)]
    return Answer([*lines, "Sitemap: https://shop.example/sitemap.xml"], "text").header(
        "cache-control", "public, max-age=3600"
    )


ROUTES = (
    Route("GET /export/orders.csv", 2, orders_csv),
    Route("GET /export/products.csv", 2, products_csv),
    Route("GET /sitemap.xml", 2, sitemap),
    Route("GET /feed.rss", 2, feed),
    Route("GET /receipts/{id}", 3, receipt),
    Route("GET /metrics", 3, metrics),
    Route("GET /robots.txt", 2, robots),
)
