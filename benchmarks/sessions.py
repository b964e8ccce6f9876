"""
Sessions: many users at once, each with a workflow, on a shadow that issues other ids.

    python -m benchmarks.sessions [--users 200] [--steps 50] [--only notes,orders]

Two real apps (`benchmarks.workflow`): Django with a login form, CSRF and an API, and
FastAPI with bearer tokens, ETags and upload addresses. Live and shadow are processes
with a database each, and their ids begin elsewhere. Live carries the middleware, with
credentials dropped as by default; what became of every exchange is read from the store.
Both apps note whose session a request has beside whose client sent it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx

__all__ = ["Result", "run", "table"]

APPS = {
    "notes": ("benchmarks.workflow.notes:application", "cookie:sessionid"),
    "orders": ("benchmarks.workflow.orders:app", "header:authorization"),
}
NAMES = {"notes": "Django", "orders": "FastAPI"}
FLIGHT = 32
"""Requests of all users that live serves at a time."""
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Result(NamedTuple):
    """What came of one app in one mode."""

    app: str
    mode: str
    outcomes: Counter[str]
    """Replays by outcome, and by reason where one was skipped."""
    mixed: int
    """Requests at live or shadow that had another user's session."""
    seconds: float
    details: list[str]
    """The first divergences, as the store has them."""

    @property
    def share(self) -> float:
        """The share of exchanges that matched."""
        return self.outcomes["match"] / max(1, sum(self.outcomes.values()))


class Served:
    """An app in a process of its own."""

    def __init__(self, app: str, folder: Path, first: int, shadow: Any = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        name = "live" if shadow else "shadow"
        environ = {
            **os.environ,
            "WORKFLOW_DB": str(folder / f"{app}-{name}.db"),
            "WORKFLOW_FIRST": str(first),
            "WORKFLOW_SHADOW": json.dumps(shadow),
        }
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            APPS[app][0],
            "--port",
            str(self.port),
        ]
        self._log = (folder / f"{app}-{name}.log").open("wb")
        self._process = subprocess.Popen(
            [*command, "--log-level", "warning", "--timeout-keep-alive", "60"],
            env=environ,
            stdout=self._log,
            stderr=self._log,
        )

    def wait(self) -> None:
        """Wait until it answers."""
        for _ in range(300):
            if self._process.poll() is not None:
                raise SystemExit(f"an app did not start: see {self._log.name}")
            try:
                httpx.get(f"{self.url}/mixed/", follow_redirects=True, timeout=5)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("an app did not answer")

    def mixed(self) -> list[str]:
        """Return the mix-ups that it noted."""
        answer = httpx.get(f"{self.url}/mixed/", follow_redirects=True, timeout=30)
        return list(answer.json()["mixed"])

    def stop(self) -> None:
        """End the process, and have what it holds written."""
        self._process.terminate()
        self._process.wait(60)
        self._log.close()


# --- users -------------------------------------------------------------------------------


class User:
    """One client with its own cookies, and what it has seen last."""

    def __init__(self, name: str, url: str, gate: asyncio.Semaphore) -> None:
        self.name = name
        self._gate = gate
        self.client = httpx.AsyncClient(
            base_url=url, headers={"X-User": name}, timeout=60, trust_env=False
        )
        self.page = ""
        self.steps = 0

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request; it must not fail on live."""
        async with self._gate:
            answer = await self.client.request(method, path, **more)
        self.steps += 1
        if answer.status_code >= 500 or answer.status_code in (401, 403):
            raise SystemExit(f"live answered {answer.status_code} to {method} {path}")
        if "html" in answer.headers.get("content-type", ""):
            self.page = answer.text
        return answer

    async def submit(self, path: str, **fields: str) -> httpx.Response:
        """Send the form of the page that was seen last."""
        hidden = dict(_HIDDEN.findall(self.page))
        return await self.ask("POST", path, data={**hidden, **fields})


Workflow = Callable[[User, int], Awaitable[None]]


async def write_notes(user: User, steps: int) -> None:
    """Log in by form, then make, read, change and delete notes, by pages and API."""
    await _enter(user)
    rounds = 0
    while user.steps + 12 <= steps:
        rounds += 1
        if rounds == 3:
            await user.ask("GET", "/logout/")
            await _enter(user)
            continue
        await _one_note(user, f"{user.name} {rounds}")
    while user.steps < steps:
        await user.ask("GET", "/notes/")


async def _enter(user: User) -> None:
    await user.ask("GET", "/login/")
    await user.submit("/login/", name=user.name, password="p" + user.name)
    await user.ask("GET", "/api/me/")


async def _one_note(user: User, title: str) -> None:
    await user.ask("GET", "/notes/")
    where = (await user.submit("/notes/", title=title)).headers["location"]
    await user.ask("GET", where)
    await user.submit(where, title=f"{title}, changed")
    token = {"X-CSRFToken": user.client.cookies["csrftoken"]}
    made = await user.ask("POST", "/api/notes/", json={"title": title}, headers=token)
    note = made.json()
    told = await user.ask("GET", note["url"])
    match = {**token, "If-Match": told.headers["etag"]}
    await user.ask("PATCH", note["url"], json={"title": "other"}, headers=match)
    comment = {"note_id": note["id"], "text": "1"}
    await user.ask("POST", "/api/comments/", json=comment, headers=token)
    await user.ask("GET", f"/api/notes/?key={note['key']}&page=1")
    await user.ask("GET", "/api/notes/?page=1")
    await user.ask("DELETE", note["url"], headers=token)
    await user.ask("GET", note["url"])


async def place_orders(user: User, steps: int) -> None:
    """Log in for a token, then make, read, change and delete orders."""
    me = await _log_in(user)
    rounds = 0
    while user.steps + 12 <= steps:
        rounds += 1
        if rounds == 3:
            me = await _log_in(user)
            continue
        await _one_order(user, f"{user.name} {rounds}", me)
    while user.steps < steps:
        await user.ask("GET", "/me")


async def _log_in(user: User) -> int:
    account = {"name": user.name, "password": "p" + user.name}
    answer = (await user.ask("POST", "/login", json=account)).json()
    user.client.headers["Authorization"] = f"Bearer {answer['access_token']}"
    return int((await user.ask("GET", "/me")).json()["id"])


async def _one_order(user: User, title: str, me: int) -> None:
    made = await user.ask("POST", "/orders", json={"title": title})
    where, number = made.headers["location"], made.json()["id"]
    told = await user.ask("GET", where)
    match = {"If-Match": told.headers["etag"]}
    await user.ask("PUT", where, json={"title": f"{title}, changed"}, headers=match)
    line = await user.ask("POST", "/lines", json={"order_id": number, "sku": "1"})
    await user.ask("POST", "/lines", json={"order_id": number, "sku": str(number)})
    await user.ask("GET", f"/orders?owner_id={me}&page=1")
    await user.ask("DELETE", f"{where}/lines/{line.json()['id']}")
    upload = await user.ask("POST", f"{where}/uploads")
    await user.ask("PUT", upload.json()["upload_url"], content=b"1")
    await user.ask("GET", where)
    await user.ask("DELETE", where)
    await user.ask("GET", where)


WORKFLOWS: dict[str, Workflow] = {"notes": write_notes, "orders": place_orders}


# --- one run ------------------------------------------------------------------------------


def run(app: str, mode: str, users: int, steps: int, folder: Path) -> Result:
    """Send every user's workflow through live, and return what became of it."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    shadow = Served(app, folder, first=70_000)
    store = folder / "evidence.db"
    live = Served(app, folder, 0, _settings(app, mode, shadow.url, store))
    mixed: list[str] = []
    try:
        shadow.wait()
        live.wait()
        asyncio.run(_drive(app, live.url, users, steps))
        mixed = live.mixed()
        _settle(store, users * steps)
    finally:
        live.stop()
        mixed += shadow.mixed()
        shadow.stop()
    outcomes, details = _read(store)
    seconds = time.monotonic() - began
    return Result(app, mode, outcomes, len(mixed), seconds, details)


def _settings(app: str, mode: str, url: str, store: Path) -> dict[str, Any]:
    return {
        "shadow_url": url,
        "methods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
        "exclude": ["/mixed", "/mixed/"],
        "key": APPS[app][1],
        "sessions": mode,
        "store_url": f"sqlite:///{store}",
        "queue_count": 100_000,
        "compare_budget": 5.0,  # of a machine that serves both apps and all users
        "drain_timeout": 60.0,
    }


async def _drive(app: str, url: str, users: int, steps: int) -> None:
    gate = asyncio.Semaphore(FLIGHT)
    all_users = [User(f"user{number}", url, gate) for number in range(users)]
    await asyncio.gather(*(WORKFLOWS[app](user, steps) for user in all_users))
    for user in all_users:
        await user.client.aclose()


def _settle(store: Path, expected: int) -> None:
    """Wait until as many have ended, while that still goes on."""
    last, still = -1, 0
    while still < 100:
        ended = sum(_read(store)[0].values()) if store.exists() else 0
        if ended >= expected:
            return
        still = 0 if ended != last else still + 1
        last = ended
        time.sleep(0.2)


def _read(store: Path) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        try:
            for outcome, reason, count in database.execute(
                "SELECT outcome, reason, sum(count) FROM shadow_counts GROUP BY 1, 2"
            ):
                word = f"{outcome} ({reason})" if outcome == "skipped" else outcome
                outcomes[word] += count
            details = database.execute(
                "SELECT method, route, live_status, shadow_status, differences "
                "FROM shadow_divergences LIMIT 20"
            ).fetchall()
        except sqlite3.OperationalError:
            return Counter(), []
    return outcomes, [" ".join(str(part)[:500] for part in row) for row in details]


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| app | sessions | exchanges | match | divergence | other | mixed up | seconds |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in results:
        total = sum(one.outcomes.values())
        other = total - one.outcomes["match"] - one.outcomes["divergence"]
        lines.append(
            f"| {NAMES[one.app]} | `{one.mode}` | {total:,} | {one.share:.2%} "
            f"| {one.outcomes['divergence']:,} | {other:,} | {one.mixed} "
            f"| {one.seconds:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--only", default="notes,orders")
    parser.add_argument("--modes", default="off,cookies,rebind")
    parser.add_argument("--details", action="store_true")
    asked = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for app in asked.only.split(","):
            for mode in asked.modes.split(","):
                place = Path(folder, app, mode)
                result = run(app, mode, asked.users, asked.steps, place)
                results.append(result)
                if asked.details:
                    print(result.outcomes, *result.details, sep="\n", file=sys.stderr)
    print(table(results))


if __name__ == "__main__":
    main()
