"""
Two versions of a real application as live and shadow: what does the report find?

    python -m benchmarks.real_app                       datasette 0.64.8 against 0.65.5
    python -m benchmarks.real_app --live 0.60.2 --shadow 0.64.8
    python -m benchmarks.real_app --shadow 0.64.8       the same version: noise alone

Two virtual environments are made with packages from PyPI. The live one serves datasette
with our middleware around it; the shadow, and a second copy of live as the control, are
started as their users start them. All of it is on the loopback. A few thousand varied
requests are sent, and the groups are printed, to be held against the release notes
(`docs/changelog.rst` in datasette's source).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from shadow_middleware.knowledge import CONTROL, GroupFilter
from shadow_middleware.store.sql import SqlStore

ROOT = Path(__file__).parent.parent
SEED = 20_260_101
PINNED = ("setuptools<81", "uvicorn")
"""Old versions import pkg_resources."""

LIVE_APP = '''
import re
from datasette.app import Datasette
from shadow_middleware.asgi import ShadowMiddleware

inner = Datasette([{database!r}]).app()
PAGES = [
    (re.compile(pattern), template)
    for pattern, template in (
        (r"/?", "/"),
        (r"/-/static/.*", "/-/static/{{file}}"),
        (r"/-/.*", None),
        (r"/[^/]+[.]([a-z]+)", "/{{database}}.{{format}}"),
        (r"/[^/]+", "/{{database}}"),
        (r"/[^/]+/[^/]+[.]([a-z]+)", "/{{database}}/{{table}}.{{format}}"),
        (r"/[^/]+/[^/]+", "/{{database}}/{{table}}"),
        (r"/[^/]+/[^/]+/[^/]+[.]([a-z]+)", "/{{database}}/{{table}}/{{row}}.{{format}}"),
        (r"/[^/]+/[^/]+/[^/]+", "/{{database}}/{{table}}/{{row}}"),
    )
]

async def named(scope, receive, send):
    """Tell the middleware what datasette tells nobody: which page is asked for."""
    if scope["type"] == "http":
        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        for pattern, template in PAGES:
            found = pattern.fullmatch(path)
            if found:
                shown = template or path
                if found.groups():
                    shown = shown.replace("{{format}}", found[1])
                scope["path_template"] = shown
                break
    await inner(scope, receive, send)

app = ShadowMiddleware(
    named,
    shadow_url={shadow!r},
    control_url={control!r},
    store_url={store!r},
    max_response_body=4_000_000,
)
'''


def main(argv: Sequence[str] | None = None) -> None:
    """Run both versions, send the traffic, print the groups."""
    parser = argparse.ArgumentParser(description="Two versions of datasette.")
    parser.add_argument("--live", default="0.64.8", help="a version on PyPI")
    parser.add_argument("--shadow", default="0.65.5", help="another one")
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--keep", type=Path, help="where environments are kept")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        kept = asked.keep or home
        live = environment(kept, asked.live, ours=True)
        shadow = environment(kept, asked.shadow)
        control = environment(kept, asked.live)
        store = f"sqlite:///{home / 'evidence.db'}"
        run(home, live, shadow, control, store, asked.requests)
        print(f"datasette {asked.live} as live, {asked.shadow} as shadow")
        show(store)


def environment(home: Path, version: str, *, ours: bool = False) -> Path:
    """Return the folder of the programs of an environment with this version."""
    place = home / f"datasette-{version}{'-live' if ours else ''}"
    python = place / "bin" / "python"
    if not python.exists():
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(place)], check=True)
        wanted: list[str] = [
            f"datasette=={version}",
            *PINNED,
            *([str(ROOT)] if ours else []),
        ]
        install: list[str] = [uv, "pip", "install", "-q", "--python", str(python)]
        subprocess.run([*install, *wanted], check=True)
    return place / "bin"


def run(
    home: Path, live: Path, shadow: Path, control: Path, store: str, number: int
) -> None:
    """Serve both versions, and send so many requests to the live one."""
    database = str(home / "shop.db")
    fill(database)
    ports = [free_port() for _ in range(3)]
    module = home / "live_datasette.py"
    module.write_text(
        LIVE_APP.format(
            database=database,
            shadow=f"http://127.0.0.1:{ports[1]}",
            control=f"http://127.0.0.1:{ports[2]}",
            store=store,
        )
    )
    serve = ("-m", "uvicorn", "--log-level", "warning", "live_datasette:app", "--port")
    with (
        process(
            home, shadow / "python", "-m", "datasette", database, "-p", str(ports[1])
        ),
        process(
            home, control / "python", "-m", "datasette", database, "-p", str(ports[2])
        ),
        process(home, live / "python", *serve, str(ports[0])),
    ):
        for port in ports:
            wait_for_port(port)
        answers = Counter(ask(ports[0], target) for target in targets(number))
        print("live answered", dict(sorted(answers.items())))
        wait_for_replays(store, number)


def fill(path: str) -> None:
    """Make a small shop: text, numbers, dates, nulls, bytes, odd names, a search."""
    draw = random.Random(SEED)
    with contextlib.closing(sqlite3.connect(path)) as connection:
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
        for number in range(1, 9):
            connection.execute(
                "insert into categories values (?, ?)", (number, f"c{number}")
            )
        for number in range(1, 501):
            row = (
                number,
                f"item {draw.choice(['red', 'green', 'blue'])} {number}",
                round(draw.uniform(1, 100), 2),
                f"2024-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
                draw.choice([None, "a note", "<b>bold</b> & more", "ünï"]),
                draw.choice([None, bytes(range(8))]),
                draw.choice([None, '["a", "b"]', '["b"]']),
                draw.randint(1, 8),
            )
            connection.execute("insert into items values (?,?,?,?,?,?,?,?)", row)
        connection.execute("insert into items_fts (items_fts) values ('rebuild')")
        rows = [(number, f"value {number}") for number in range(20)]
        connection.executemany("insert into [odd/name with spaces] values (?, ?)", rows)
        pairs = [(f"a{n % 7}", f"b/{n}", n) for n in range(150)]
        connection.executemany("insert into pairs values (?, ?, ?)", pairs)
        connection.commit()


def targets(number: int) -> Iterator[str]:
    """Yield what is asked for; the same for the same number."""
    draw = random.Random(SEED)
    for _ in range(number):
        yield draw.choice(MAKERS)(draw)


def _fixed(draw: random.Random) -> str:
    return draw.choice(
        [
            "/", "/.json", "/-/versions.json", "/-/plugins.json", "/-/settings.json",
            "/-/databases.json", "/-/metadata.json", "/-/actor.json", "/-/config.json",
            "/-/threads.json", "/-/versions", "/-/patterns", "/-/static/app.css",
            "/-/static/table.js", "/-/logout", "/-/messages", "/-/allow-debug", "/shop",
            "/shop.json", "/shop/dear", "/shop/dear.json", "/shop/pairs.json",
            "/shop/items.csv?_size=20", "/favicon.ico", "/nowhere", "/shop/nothing",
            "/shop/items/9999", "/shop/items/9999.json", "/-/nothing.json", "//shop/",
            "/shop/", "/shop/items/", "/shop/odd~2Fname~20with~20spaces",
            "/shop/odd~2Fname~20with~20spaces.json", "/shop/odd%2Fname%20with%20spaces",
        ]
    )  # fmt: skip


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


MAKERS = (_fixed, _table, _table, _row, _sql)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *given: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


def ask(port: int, target: str) -> int:
    """Return the status of live's answer."""
    try:
        with _opener.open(f"http://127.0.0.1:{port}{target}", timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.read()
        return error.code


def show(store: str) -> None:
    """Print outcomes and groups."""
    with contextlib.closing(SqlStore(store)) as reader:
        outcomes = Counter[str]()
        for row in reader.totals():
            if row.target != CONTROL:
                outcomes[str(row.outcome)] += row.count
        print("outcomes", dict(outcomes.most_common()))
        groups = reader.groups(GroupFilter())
        print(f"{len(groups)} groups")
        for group in groups:
            key = group.key
            print(
                f"{group.count:6} {key.route:44.44} {key.part:7} {key.kind:8} "
                f"{key.path} [{key.live} -> {key.shadow}]"
            )


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Return when somebody listens."""
    for _ in range(300):
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
        time.sleep(0.1)
    raise SystemExit(f"nobody listens at port {port}")


def wait_for_replays(store: str, number: int) -> None:
    """Return when so many have ended, or nothing has for a while."""
    ended, still = -1, 0
    while ended < number and still < 20:
        time.sleep(1)
        before, ended = ended, 0
        with contextlib.closing(SqlStore(store)) as reader:
            ended = sum(t.count for t in reader.totals() if t.target != CONTROL)
        still = still + 1 if ended == before else 0


@contextlib.contextmanager
def process(home: Path, *command: str | Path) -> Iterator[None]:
    """Run a program for as long as the block lasts."""
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    running = subprocess.Popen(command, cwd=home, env=quiet, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(15)


if __name__ == "__main__":
    main()
