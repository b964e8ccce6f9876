"""Visitors of the shop: `python -m examples.fastapi_app.traffic --seconds 10`."""

from __future__ import annotations

import random
import sys

from examples.stage.visits import Visit, main, plan_visits

__all__ = ["plan"]

TOUR = (
    Visit("GET", "/me"),
    Visit("POST", "/login", form={"name": "ada", "password": "demo"}),
    Visit("GET", "/me"),
    Visit("GET", "/"),
    Visit("GET", "/products?limit=5"),
    Visit("GET", "/products/3"),
    Visit("GET", "/products/999"),
    Visit("GET", "/products/3/reviews"),
    Visit("GET", "/stock/4"),
    Visit("GET", "/search?q=lamp"),
    Visit("GET", "/categories/wood"),
    Visit("GET", "/categories/glass"),
    Visit("GET", "/recommendations/5"),
    Visit("GET", "/prices.csv"),
    Visit("GET", "/export"),
    Visit("GET", "/events"),
    Visit("GET", "/size-guide"),
    Visit("GET", "/basket"),
    Visit("GET", "/status"),
    Visit("GET", "/feedback"),
    Visit("POST", "/feedback", form={"message": "Lovely lamp"}),
    Visit("POST", "/orders", json={"product_id": 2, "quantity": 1}),
    Visit("GET", "/orders/1"),
    Visit("PUT", "/orders/1", json={"product_id": 2, "quantity": 3}),
    Visit("GET", "/orders"),
    Visit("DELETE", "/orders/1"),
    Visit("GET", "/nowhere"),
)
"""Every page once, so that even a short run meets each planted difference."""

WORDS = ("lamp", "oak", "tea", "linen", "clock", "zeppelin")
FAVOURITES = ("/", "/products", "/products?limit=3", "/basket", "/status", "/me")
RARE = ("/export", "/prices.csv", "/size-guide", "/feedback", "/events", "/nowhere")


def plan(count: int, seed: int) -> list[Visit]:
    """Return `count` visits; the same seed gives the same ones."""
    return plan_visits(TOUR, _draw, count, seed)


def _draw(dice: random.Random) -> Visit:
    product = dice.randint(1, 26)  # 25 and 26 do not exist
    draws = (
        (30, Visit("GET", f"/products/{product}")),
        (10, Visit("GET", f"/products/{product}/reviews")),
        (10, Visit("GET", f"/stock/{product}")),
        (10, Visit("GET", f"/search?q={dice.choice(WORDS)}")),
        (5, Visit("GET", f"/categories/{dice.choice(('wood', 'metal', 'glass'))}")),
        (5, Visit("GET", f"/recommendations/{product}")),
        (18, Visit("GET", dice.choice(FAVOURITES))),
        (6, Visit("GET", dice.choice(RARE))),
        (4, Visit("POST", "/orders", json={"product_id": product, "quantity": 1})),
        (2, Visit("POST", "/feedback", form={"message": f"About {product}"})),
    )
    weights = [weight for weight, _ in draws]
    return dice.choices([visit for _, visit in draws], weights)[0]


if __name__ == "__main__":
    main(plan, sys.argv[1:])
