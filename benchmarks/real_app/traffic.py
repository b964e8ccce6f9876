"""What datasette holds here, and what it is asked for: both the same each time."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

__all__ = ["DATABASES", "fill", "targets"]

SEED = 20_260_101
SHOP = "shop.db"
SHELF = "old shelf.db"
DATABASES = (SHOP, SHELF)

METADATA = {
    "databases": {
        "old shelf": {
            "queries": {
                "put": {
                    "sql": "insert into boxes (size) values (:size)",
                    "write": True,
                },
                "sizes": {"sql": "select size, count(*) as n from boxes group by size"},
            }
        }
    }
}


def fill(home: Path) -> None:
    """Make two databases and what datasette is told about them."""
    draw = random.Random(SEED)
    with contextlib.closing(sqlite3.connect(home / SHOP)) as connection:
        _shop(connection, draw)
        connection.commit()
    with contextlib.closing(sqlite3.connect(home / SHELF)) as connection:
        connection.execute("create table boxes (id integer primary key, size text)")
        connection.execute("create table [loose ends] (id integer primary key, n text)")
        sizes = [(n, draw.choice("SML")) for n in range(60)]
        connection.executemany("insert into boxes values (?, ?)", sizes)
        connection.executemany("insert into [loose ends] values (?, ?)", sizes[:9])
        connection.execute("analyze")
        connection.commit()
    (home / "metadata.json").write_text(json.dumps(METADATA))


def _shop(connection: sqlite3.Connection, draw: random.Random) -> None:
    """Fill a small shop: text, numbers, dates, nulls, bytes, odd names, a search."""
    connection.executescript(
        """
        create table categories (id integer primary key, name text);
        create table items (
            id integer primary key, name text, price real, made text, note text,
            data blob, tags text, category integer references categories(id));
        create table [odd/name with spaces] (id integer primary key, [a b] text);
        create table pairs (a text, b text, c integer, primary key (a, b));
        create view dear as select id, name, price from items where price > 50;
        create virtual table items_fts using fts5(name, note, content='items');
        """
    )
    categories = [(number, f"c{number}") for number in range(1, 9)]
    connection.executemany("insert into categories values (?, ?)", categories)
    items = [_item(number, draw) for number in range(1, 501)]
    connection.executemany("insert into items values (?,?,?,?,?,?,?,?)", items)
    connection.execute("insert into items_fts (items_fts) values ('rebuild')")
    rows = [(number, f"value {number}") for number in range(20)]
    connection.executemany("insert into [odd/name with spaces] values (?, ?)", rows)
    pairs = [(f"a{n % 7}", f"b/{n}", n) for n in range(150)]
    connection.executemany("insert into pairs values (?, ?, ?)", pairs)


def _item(number: int, draw: random.Random) -> tuple[object, ...]:
    return (
        number,
        f"item {draw.choice(['red', 'green', 'blue'])} {number}",
        round(draw.uniform(1, 100), 2),
        f"2024-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
        draw.choice([None, "a note", "<b>bold</b> & more", "ünï"]),
        draw.choice([None, bytes(range(8)), bytes(2_427)]),
        draw.choice([None, '["a", "b"]', '["b"]']),
        draw.randint(1, 8),
    )


def targets(number: int) -> Iterator[str]:
    """Yield what is asked for; the same for the same number."""
    draw = random.Random(SEED)
    for _ in range(number):
        yield draw.choice(_MAKERS)(draw)


def _fixed(draw: random.Random) -> str:
    return draw.choice(
        [
            "/", "/.json", "/-/versions.json", "/-/plugins.json", "/-/settings.json",
            "/-/plugins.json?all=1", "/-/databases.json", "/-/metadata.json",
            "/-/actor.json", "/-/config.json", "/-/versions",
            "/-/patterns", "/-/static/app.css", "/-/static/table.js", "/-/logout",
            "/-/messages", "/-/allow-debug", "/-/permissions", "/shop", "/shop.json",
            "/shop/dear", "/shop/dear.json", "/shop/pairs.json", "/shop.db",
            "/shop/items.csv?_size=20", "/favicon.ico", "/nowhere", "/shop/nothing",
            "/shop/items/9999", "/shop/items/9999.json", "/-/nothing.json", "//shop/",
            "/shop/", "/shop/items/", "/shop/odd~2Fname~20with~20spaces",
            "/shop/odd~2Fname~20with~20spaces.json", "/shop/odd%2Fname%20with%20spaces",
        ]
    )  # fmt: skip


def _shelf(draw: random.Random) -> str:
    page = draw.choice(
        [
            "", ".json", ".db", "/boxes", "/boxes.json", "/boxes/3", "/boxes/3.json",
            "/put", "/sizes", "/sizes.json", "/loose~20ends", "/loose~20ends.json",
            "/loose~20ends/1", "/sqlite_stat1",
        ]
    )  # fmt: skip
    return f"/old~20shelf{page}"


def _table(draw: random.Random) -> str:
    extra = {
        "_size": draw.choice(["5", "20", "max"]),
        "_sort": draw.choice(["name", "price", "made"]),
        "_shape": draw.choice(["objects", "array", "arrays", "arrayfirst", "object"]),
        "_facet": draw.choice(["category", "tags"]),
        "_search": draw.choice(["red", "blue 12", '"', "zz"]),
        "price__gt": str(draw.randint(1, 99)),
        "note__isnull": "1",
        "name__contains": "green",
        "_col": "name",
        "_nocount": "1",
        "_labels": "on",
        "_facet_array": "tags",
        "_where": draw.choice(["price > 20", "no such"]),
        "_size ": "0",
    }
    if draw.random() < 0.3:
        extra["_sort_desc"] = extra.pop("_sort")
    chosen = dict(draw.sample(sorted(extra.items()), draw.randint(0, 3)))
    kind = draw.choice(["", "", ".json", ".json", ".csv"])
    return f"/shop/items{kind}?{urllib.parse.urlencode(chosen)}"


def _row(draw: random.Random) -> str:
    kind = draw.choice(["", ".json"])
    if draw.random() < 0.3:
        number = draw.randrange(150)
        return f"/shop/pairs/a{number % 7},b~2F{number}{kind}"
    return f"/shop/items/{draw.randint(1, 520)}{kind}"


def _sql(draw: random.Random) -> str:
    sql = draw.choice(
        [
            "select 1",
            "select id, name, price from items order by price desc limit 7",
            "select category, count(*) as n from items group by category",
            "select * from items where name like :q limit 5",
            "select nothing from nowhere",
            "update items set price = 0",
            "with a as (select 1 as x) select x + 1 from a",
            "explain query plan select * from items where id = 3",
            "select 1 as a, 2 as a",
        ]
    )
    more = "&q=%25red%25" if ":q" in sql else ""
    kind = draw.choice(["", ".json", ".csv"])
    return f"/shop{kind}?sql={urllib.parse.quote(sql)}{more}"


_MAKERS = (_fixed, _shelf, _table, _table, _row, _sql)
