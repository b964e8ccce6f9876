"""Visitors of the bookshop: `python -m examples.django_app.traffic --seconds 10`."""

from __future__ import annotations

import random
import sys

from examples.stage.visits import Visit, main, plan_visits

__all__ = ["plan"]

TOUR = (
    Visit("GET", "/account/"),
    Visit("GET", "/login/"),
    Visit("POST", "/login/", form={"name": "ada", "password": "demo"}),
    Visit("GET", "/account/"),
    Visit("GET", "/"),
    Visit("GET", "/books/?limit=5"),
    Visit("GET", "/books/3/"),
    Visit("GET", "/books/999/"),
    Visit("GET", "/books/3/reviews/"),
    Visit("GET", "/stock/4/"),
    Visit("GET", "/search/?q=wind"),
    Visit("GET", "/genres/crime/"),
    Visit("GET", "/genres/western/"),
    Visit("GET", "/bestsellers/"),
    Visit("GET", "/prices.csv"),
    Visit("GET", "/export/"),
    Visit("GET", "/events/"),
    Visit("GET", "/guide/"),
    Visit("GET", "/basket/"),
    Visit("GET", "/status/"),
    Visit("GET", "/contact/"),
    Visit("POST", "/contact/", form={"message": "A lovely shop"}),
    Visit("POST", "/orders/", json={"book": 2, "copies": 1}),
    Visit("GET", "/orders/1/"),
    Visit("PUT", "/orders/1/", json={"copies": 3}),
    Visit("GET", "/orders/"),
    Visit("DELETE", "/orders/1/"),
    Visit("GET", "/books"),  # redirected to /books/
    Visit("GET", "/nowhere/"),
)
"""Every page once, so that even a short run meets each planted difference."""

WORDS = ("map", "wind", "salt", "year", "evening", "zeppelin")
FAVOURITES = ("/", "/books/", "/books/?limit=3", "/basket/", "/status/", "/account/")
RARE = ("/export/", "/prices.csv", "/guide/", "/contact/", "/events/", "/nowhere/")


def plan(count: int, seed: int) -> list[Visit]:
    """Return `count` visits; the same seed gives the same ones."""
    return plan_visits(TOUR, _draw, count, seed)


def _draw(dice: random.Random) -> Visit:
    book = dice.randint(1, 26)  # 25 and 26 do not exist
    draws = (
        (30, Visit("GET", f"/books/{book}/")),
        (10, Visit("GET", f"/books/{book}/reviews/")),
        (10, Visit("GET", f"/stock/{book}/")),
        (10, Visit("GET", f"/search/?q={dice.choice(WORDS)}")),
        (5, Visit("GET", f"/genres/{dice.choice(('crime', 'poetry', 'western'))}/")),
        (5, Visit("GET", "/bestsellers/")),
        (18, Visit("GET", dice.choice(FAVOURITES))),
        (6, Visit("GET", dice.choice(RARE))),
        (4, Visit("POST", "/orders/", json={"book": 1 + book % 24, "copies": 1})),
        (2, Visit("POST", "/contact/", form={"message": f"About {book}"})),
    )
    weights = [weight for weight, _ in draws]
    return dice.choices([visit for _, visit in draws], weights)[0]


if __name__ == "__main__":
    main(plan, sys.argv[1:])
