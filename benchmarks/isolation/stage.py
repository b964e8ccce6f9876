"""A shop behind a real server, and a live app beside it that mirrors its writes there."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from benchmarks.isolation.world import World
from shadow_middleware import runtime
from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.store.sql import SqlStore

__all__ = ["SECRET", "SHOPS", "Shop", "ask", "mirrored", "open_shop"]

SECRET: Final = "measured and not kept"
_ROOT = Path(__file__).resolve().parent.parent.parent
_PATIENCE = 150.0
_IN_FLIGHT = 8


class Shop(NamedTuple):
    """One kind of shop, and how it is served."""

    name: str
    module: str
    command: tuple[str, ...]
    paths: tuple[str, ...]


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


SHOPS: Final = (
    Shop(
        "Django, WSGI, gunicorn",
        "benchmarks.isolation.django_shop",
        _python(
            "gunicorn",
            "benchmarks.isolation.django_shop:wsgi",
            "--bind=127.0.0.1:{port}",
            "--threads=4",
            "--log-level=error",
        ),
        ("/order", "/order-stream"),
    ),
    Shop(
        "Django, ASGI, uvicorn",
        "benchmarks.isolation.django_shop",
        _python(
            "uvicorn",
            "benchmarks.isolation.django_shop:asgi",
            "--port={port}",
            "--log-level=error",
            "--lifespan=off",
        ),
        ("/order", "/order-async", "/order-stream"),
    ),
    Shop(
        "FastAPI, SQLAlchemy, uvicorn",
        "benchmarks.isolation.fastapi_shop",
        _python(
            "uvicorn",
            "benchmarks.isolation.fastapi_shop:app",
            "--port={port}",
            "--log-level=error",
        ),
        ("/order", "/order-async", "/order-stream"),
    ),
)


@contextmanager
def open_shop(shop: Shop, world: World, **environ: str) -> Iterator[str]:
    """Make its tables, serve it within the block, and give its address."""
    port = _free_port()
    around = os.environ | {
        "PYTHONPATH": str(_ROOT),
        "SHADOW_MIDDLEWARE_SECRET": SECRET,
        "SHOP_HOME": str(world.home),
        "SHOP_SMTP": str(world.mails.port),
        "SHOP_HTTP": str(world.calls.port),
        **_places(shop, world),
        **environ,
    }
    prepare = [sys.executable, "-W", "ignore", "-m", shop.module]
    if not (world.home / "prepared").exists():
        subprocess.run(prepare, env=around, check=True, cwd=world.home)
        (world.home / "prepared").touch()
    command = [word.format(port=port) for word in shop.command]
    server = subprocess.Popen(command, env=around, cwd=world.home)
    try:
        _wait_until(lambda: _answers(port), "the shop answers")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _places(shop: Shop, world: World) -> dict[str, str]:
    first, second = world.databases
    if "django" in shop.module:
        return {"SHOP_DB": first, "SHOP_AUDIT": second}
    if first.startswith("postgresql"):
        return {"SHOP_DB": first, "SHOP_ADB": first.replace("+psycopg", "+asyncpg")}
    return {"SHOP_DB": f"sqlite:///{first}", "SHOP_ADB": f"sqlite+aiosqlite:///{first}"}


def ask(url: str, path: str, name: str, **headers: str) -> httpx.Response:
    """Send one order to a shop, as a client does."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        return client.post(f"{url}{path}", json={"name": name}, headers=headers)


def mirrored(
    url: str,
    paths: Sequence[str],
    count: int,
    home: Path,
    answers: dict[str, bytes],
    patience: float = 60.0,
) -> Counter[str]:
    """
    Have a live app mirror so many writes to the shadow; return what became of them.

    Each is a real capture, sent by a real agent with a signed marker.

    Args:
        url: The shadow.
        paths: Taken in turn.
        count: Writes.
        home: A folder for the evidence.
        answers: What live answers at each path.
        patience: Seconds that all of it may take beyond the wall.
    """
    store = f"sqlite:///{home / 'evidence.db'}"
    app = ShadowMiddleware(
        _live(answers),
        shadow_url=url,
        methods=["POST"],
        secret=SECRET,
        store_url=store,
        concurrency=_IN_FLIGHT,
        total_timeout=60.0,
        read_timeout=60.0,
        drain_timeout=patience,
    )
    asyncio.run(_send(app, paths, count))
    if not runtime.shutdown(patience):
        raise TimeoutError("the agent did not end what was under way")
    evidence = SqlStore(store)
    try:
        found: Counter[str] = Counter()
        for total in evidence.totals():
            found[f"{total.outcome.value} {total.reason}".strip()] += total.count
    finally:
        evidence.close()
    return found


def _live(answers: dict[str, bytes]) -> Callable[..., Any]:
    async def live(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        body = answers[scope["path"]]
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return live


async def _send(app: Any, paths: Sequence[str], count: int) -> None:
    """Call the live app as a server does, one request after the other."""
    for number in range(count):
        path = paths[number % len(paths)]
        body = json.dumps({"name": f"order-{number}"}).encode()
        messages = iter([{"type": "http.request", "body": body}])

        async def receive(messages: Iterator[Any] = messages) -> Any:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            pass

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"live"),
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        await app(scope, receive, send)
        await asyncio.sleep(0.001)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {_PATIENCE} s: {what}")
        time.sleep(0.02)
