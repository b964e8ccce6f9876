"""
What the app's database holds: people, products, orders, drawn from a shared chance.

Everything here takes the `Random` that all copies share, so all copies find the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

__all__ = [
    "CURRENCIES",
    "LOOKS",
    "THINGS",
    "WORDS",
    "address",
    "amount",
    "city",
    "code",
    "currency",
    "identity",
    "instant",
    "money",
    "person",
    "product",
    "sentence",
    "slug",
]

FIRST = [
    "Ada",
    "Björn",
    "Chloé",
    "Dmitri",
    "Éva",
    "François",
    "Grace",
    "Hélène",
    "Ivan",
    "Jürgen",
    "Kenji",
    "Łukasz",
    "Mei",
    "Noël",
    "Olga",
    "Pía",
]
LAST = [
    "Adams",
    "Brûlé",
    "Çelik",
    "Dvořák",
    "Eriksen",
    "Fußmann",
    "García",
    "Hansen",
    "Ionescu",
    "Jönsson",
    "Kováč",
    "Lefèvre",
    "Müller",
    "Nguyễn",
    "O'Neill",
    "Şahin",
]
THINGS = [
    "lamp",
    "kettle",
    "desk",
    "chair",
    "shelf",
    "mug",
    "blanket",
    "notebook",
    "backpack",
    "bottle",
    "clock",
    "frame",
]
LOOKS = [
    "oak",
    "walnut",
    "steel",
    "linen",
    "ceramic",
    "matte",
    "striped",
    "folding",
    "compact",
    "classic",
]
CITIES = (
    ("Lisbon", "PT", 38.72225, -9.13934),
    ("Kraków", "PL", 50.06465, 19.94498),
    ("Zürich", "CH", 47.37689, 8.54169),
    ("São Paulo", "BR", -23.55052, -46.63331),
    ("Århus", "DK", 56.16294, 10.20392),
    ("Osaka", "JP", 34.69374, 135.50217),
)
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "PLN")
WORDS = [
    "the",
    "parcel",
    "came",
    "on",
    "time",
    "and",
    "fits",
    "well",
    "would",
    "buy",
    "again",
    "colour",
    "differs",
    "a",
    "little",
    "from",
    "what",
    "is",
    "shown",
    "but",
    "quality",
    "is",
    "good",
    "&",
    "price",
    "was",
    "<",
    "20",
    "my",
    "wife's",
    "favourite",
]
EPOCH = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def identity(pick: Random) -> str:
    """A UUID that is stored, and so the same on every copy."""
    return str(UUID(int=pick.getrandbits(128), version=4))


def code(pick: Random, letters: str, digits: int = 6) -> str:
    """A stored code such as `WH-004711`."""
    return f"{letters}-{pick.randrange(10**digits):0{digits}d}"


def instant(pick: Random) -> str:
    """A stored time, at least three weeks old, with the zone it was written in."""
    seconds = pick.randrange(290 * 86_400)
    return (EPOCH + timedelta(seconds=seconds)).isoformat()


def amount(pick: Random, most: int = 40_000) -> float:
    """An amount of money with two decimals."""
    return pick.randrange(100, most) / 100


def currency(pick: Random) -> str:
    """A currency code; most are the first."""
    return pick.choice(CURRENCIES) if pick.random() < 0.3 else "EUR"


def money(pick: Random) -> dict[str, Any]:
    """An amount with its currency."""
    return {"amount": amount(pick), "currency": currency(pick)}


def person(pick: Random) -> dict[str, Any]:
    """Somebody with an account."""
    first, last = pick.choice(FIRST), pick.choice(LAST)
    number = pick.randrange(1, 90_000)
    return {
        "id": identity(pick),
        "name": f"{first} {last}",
        "email": f"user{number}@mail.example",
        "locale": pick.choice(("en-GB", "de-DE", "fr-FR", "pl-PL")),
        "created_at": instant(pick),
        "verified": pick.random() < 0.8,
    }


def city(pick: Random) -> tuple[str, str, float, float]:
    """Name, country, latitude, longitude."""
    return pick.choice(CITIES)


def address(pick: Random) -> dict[str, Any]:
    """A postal address."""
    name, country, _, _ = city(pick)
    return {
        "street": f"{pick.choice(LAST)} Street {pick.randrange(1, 200)}",
        "postcode": f"{pick.randrange(10_000, 99_999)}",
        "city": name,
        "country": country,
    }


def product(pick: Random) -> dict[str, Any]:
    """A product as lists show it."""
    return {
        "id": pick.randrange(1_000, 90_000),
        "sku": code(pick, "SKU"),
        "name": f"{pick.choice(LOOKS)} {pick.choice(THINGS)}".title(),
        "price": money(pick),
        "stock": pick.randrange(0, 400),
        "rating": round(pick.uniform(1, 5), 1),
        "tags": sorted(pick.sample(LOOKS, 3)),
    }


def sentence(pick: Random) -> str:
    """A few words that somebody wrote."""
    return " ".join(pick.choices(WORDS, k=pick.randrange(4, 14)))


def slug(pick: Random) -> str:
    """A name for a URL."""
    return f"{pick.choice(LOOKS)}-{pick.choice(THINGS)}-{pick.randrange(100)}"
