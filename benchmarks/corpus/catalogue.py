"""Routes of the shop's catalogue: lists, searches, trees, maps by user-made keys."""

from __future__ import annotations

from typing import Any

from benchmarks.corpus import noise, state
from benchmarks.corpus.leg import Answer, Leg, Route

__all__ = ["ROUTES"]


def products(leg: Leg) -> Answer:
    """A page of products with links to the pages around it."""
    pick = leg.pick
    page, total = pick.randrange(2, 30), pick.randrange(400, 900)
    rows = [state.product(pick) for _ in range(pick.randrange(6, 13))]
    for row in rows:
        row["thumbnail"] = noise.signed_url(leg, f"/thumbs/{row['id']}.webp")
    body = {
        "items": rows,
        "page": page,
        "per_page": 12,
        "total": total,
        "next": f"/products?page={page + 1}",
        "previous": f"/products?page={page - 1}",
        "generated_at": noise.iso_micros(leg),
    }
    links = f'</products?page={page + 1}>; rel="next", </products?page=1>; rel="first"'
    return (
        Answer(body)
        .header("link", links)
        .header("x-total-count", str(total))
        .header("cache-control", "public, max-age=60")
        .header("vary", "Accept, Accept-Language")
    )


def product(leg: Leg) -> Answer:
    """One product in full, or none of that number."""
    pick = leg.pick
    if pick.random() < 0.06:
        return missing(leg, "product_not_found", "No product has this number")
    found: dict[str, Any] = state.product(pick)
    found["description"] = state.sentence(pick)
    found["dimensions"] = {
        side: round(pick.uniform(1, 200), 3) for side in ("width", "height", "depth")
    }
    found["attributes"] = {
        name: pick.choice(("yes", "no", "optional"))
        for name in pick.sample(("washable", "recycled", "vegan", "indoor"), 3)
    }
    found["related"] = [pick.randrange(1_000, 90_000) for _ in range(6)]
    found["image"] = noise.signed_url(leg, f"/images/{found['id']}.jpg")
    found["price_valid_until"] = noise.iso_millis(leg, 3600)
    found["discontinued"] = pick.random() < 0.1
    if noise.maybe(leg, 0.4):
        found["cached"] = {"age": int(leg.luck.random() * 60), "node": noise.pod(leg)}
    return (
        Answer(found)
        .header("etag", noise.etag(leg))
        .header("cache-control", "public, max-age=300, stale-while-revalidate=30")
    )


def missing(leg: Leg, code: str, message: str, status: int = 404) -> Answer:
    """The app's way to say that something is not there."""
    problem = {
        "error": {"code": code, "message": message, "retryable": False},
        "request_id": noise.uuid(leg),
    }
    return Answer(problem, status=status).header("cache-control", "no-store")


def reviews(leg: Leg) -> Answer:
    """What people wrote of a product, with an opaque cursor."""
    pick = leg.pick
    rows = [
        {
            "id": state.code(pick, "R", 8),
            "author": state.person(pick)["name"],
            "stars": pick.randrange(1, 6),
            "text": state.sentence(pick),
            "written_at": state.instant(pick),
            "helpful": pick.randrange(0, 90),
        }
        for _ in range(pick.randrange(3, 9))
    ]
    body = {
        "reviews": rows,
        "average": round(pick.uniform(2, 5), 4),
        "cursor": noise.token(leg),
        "read_by_now": noise.sampled(leg, 800),
    }
    return Answer(body).header("cache-control", "private, max-age=0")


def stock(leg: Leg) -> Answer:
    """What lies in which warehouse: a map by codes that people make up."""
    pick = leg.pick
    houses: dict[str, dict[str, Any]] = {
        state.code(pick, "WH", 4): {
            "available": pick.randrange(0, 500),
            "reserved": pick.randrange(0, 40),
            "restock_on": state.instant(pick)[:10],
        }
        for _ in range(pick.randrange(3, 9))
    }
    body = {
        "by_warehouse": noise.map_order(leg, houses),
        "total": sum(house["available"] for house in houses.values()),
        "checked_at": noise.epoch_millis(leg),
        "source": noise.one_of(leg, ("replica-1", "replica-2", "primary")),
    }
    return Answer(body).header("x-replica-lag", str(int(noise.elapsed_ms(leg))))


def categories(leg: Leg) -> Answer:
    """A tree of categories, whose order people arranged."""
    pick = leg.pick
    tree = [
        {
            "slug": state.slug(pick),
            "title": state.sentence(pick)[:20].title(),
            "children": [
                {"slug": state.slug(pick), "products": pick.randrange(0, 80)}
                for _ in range(pick.randrange(2, 6))
            ],
        }
        for _ in range(pick.randrange(3, 6))
    ]
    body = {"categories": tree, "revision": pick.randrange(1, 500)}
    return (
        Answer(body)
        .header("etag", f'"{body["revision"]}"')
        .header("cache-control", "public, max-age=3600")
    )


def search(leg: Leg) -> Answer:
    """Hits by score, facets by name, and how long it took."""
    pick = leg.pick
    hits = [
        {
            "id": pick.randrange(1_000, 90_000),
            "title": state.slug(pick),
            "score": noise.jittered(leg, 20 / (rank + 1) + pick.random()),
            "highlight": f"<em>{pick.choice(state.WORDS)}</em>",
        }
        for rank in range(pick.randrange(4, 12))
    ]
    facets = {name: pick.randrange(1, 90) for name in pick.sample(state.LOOKS, 4)}
    body = {
        "query_id": noise.ulid(leg),
        "took_ms": noise.elapsed_ms(leg),
        "hits": hits,
        "facets": noise.map_order(leg, facets),
        "suggestions": noise.set_order(leg, pick.sample(state.THINGS, 5)),
        "total": {"value": pick.randrange(10, 2_000), "relation": "eq"},
        "shards": {"total": 5, "failed": 0},
    }
    return Answer(noise.with_rare(leg, body, "warning", "slow shard")).header(
        "cache-control", "no-store"
    )


def recommendations(leg: Leg) -> Answer:
    """What a model proposes: the same products, in an order of the moment."""
    pick = leg.pick
    rows = [
        {"id": number, "reason": pick.choice(("bought_together", "similar"))}
        for number in pick.sample(range(1_000, 90_000), 6)
    ]
    body = {
        "for": state.identity(pick),
        "items": noise.set_order(leg, rows),
        "model": {"name": "two-tower", "version": 41, "served_by": noise.pod(leg)},
        "variant": noise.one_of(leg, ("a", "b")),
        "expires_at": noise.epoch_seconds(leg, 900),
        "fallback": False,
    }
    return Answer(body)


def prices(leg: Leg) -> Answer:
    """Prices as exact decimals, in several currencies, at a rate of the moment."""
    pick = leg.pick
    quotes = [
        {
            "currency": name,
            "net": f"{state.amount(pick):.2f}",
            "gross": f"{state.amount(pick):.2f}",
            "vat_rate": pick.choice((0.19, 0.2, 0.23, 0.0)),
        }
        for name in pick.sample(state.CURRENCIES, 3)
    ]
    body = {
        "sku": state.code(pick, "SKU"),
        "quotes": quotes,
        "fx": {"base": "EUR", "usd": noise.jittered(leg, 1.0823, 2e-4)},
        "quoted_at": noise.plain_time(leg),
        "tier": pick.choice(("retail", "trade")),
    }
    return Answer(body).header("expires", noise.http_date(leg, 60))


ROUTES = (
    Route("GET /products", 9, products),
    Route("GET /products/{id}", 10, product),
    Route("GET /products/{id}/reviews", 4, reviews),
    Route("GET /products/{id}/stock", 5, stock),
    Route("GET /categories", 3, categories),
    Route("GET /search", 7, search),
    Route("GET /recommendations", 4, recommendations),
    Route("GET /prices/{sku}", 4, prices),
)
