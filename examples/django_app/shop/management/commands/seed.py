"""Makes the database and fills it, the same way on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

from examples.django_app.shop.models import Book, Review

TITLES = ("The Harbour", "A Quiet Year", "North Wind", "The Map", "Salt", "Evening")
VOLUMES = (("I", "crime"), ("II", "poetry"), ("III", "travel"), ("IV", "crime"))
READERS = ("Ada", "Grace", "Edsger", "Barbara")


class Command(BaseCommand):
    """Safe to run again: what is there already is left alone."""

    help = "Create the tables and fill them with the same books every time."

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Migrate, then add books, reviews and the visitor of the demonstration."""
        call_command("migrate", verbosity=0)
        Book.objects.bulk_create(_books(), ignore_conflicts=True)
        Review.objects.bulk_create(_reviews(), ignore_conflicts=True)
        # The salt is fixed so that a session of one side is valid on the other.
        password = make_password("demo", salt="demonstration")
        User.objects.update_or_create(username="ada", defaults={"password": password})


def _books() -> Iterator[Book]:
    for number in range(len(TITLES) * len(VOLUMES)):
        volume, genre = VOLUMES[number % len(VOLUMES)]
        yield Book(
            pk=number + 1,
            title=f"{TITLES[number // len(VOLUMES)]} {volume}",
            author=READERS[number % len(READERS)],
            genre=genre,
            net_cents=995 + 1373 * number % 3000,
            copies=number * 7 % 40,
        )


def _reviews() -> Iterator[Review]:
    for number in range(2 * len(TITLES) * len(VOLUMES)):
        yield Review(
            pk=number + 1,
            book_id=number // 2 + 1,
            reader=READERS[number % len(READERS)],
            stars=1 + number * 3 % 5,
        )
