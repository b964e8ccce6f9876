"""The shop's own SQLite database: created and filled the same way on both sides."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Database"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY, name TEXT, category TEXT, net_cents INTEGER, quantity INTEGER
);
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY, product_id INTEGER, author TEXT, stars INTEGER
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, product_id INTEGER, quantity INTEGER
);
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT);
"""
THINGS = ("Kettle", "Lamp", "Teapot", "Blanket", "Clock", "Basket", "Mirror", "Vase")
STYLES = (("Oak", "wood"), ("Linen", "textile"), ("Enamel", "metal"))
AUTHORS = ("Ada", "Grace", "Edsger", "Barbara")


class Database:
    """Short statements, each on a connection of its own, so any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Create and fill the tables; several processes may do so at once."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
            connection.executemany(
                "INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?, ?)", _products()
            )
            connection.executemany(
                "INSERT OR IGNORE INTO reviews VALUES (?, ?, ?, ?)", _reviews()
            )

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Return what a SELECT finds."""
        with self._open() as connection:
            return [dict(row) for row in connection.execute(statement, values)]

    def change(self, statement: str, *values: object) -> tuple[int, int]:
        """Run a write; return the new row's id and how many rows changed."""
        with self._open() as connection:
            cursor = connection.execute(statement, values)
            return cursor.lastrowid or 0, cursor.rowcount

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            with connection:
                yield connection


def _products() -> Iterator[tuple[int, str, str, int, int]]:
    for number in range(len(THINGS) * len(STYLES)):
        style, category = STYLES[number % len(STYLES)]
        thing = THINGS[number // len(STYLES)]
        yield (
            number + 1,
            f"{style} {thing}",
            category,
            995 + 1373 * number % 9000,
            number * 7 % 40,
        )


def _reviews() -> Iterator[tuple[int, int, str, int]]:
    for number in range(2 * len(THINGS) * len(STYLES)):
        author = AUTHORS[number % len(AUTHORS)]
        yield (number + 1, number // 2 + 1, author, 1 + number * 3 % 5)
