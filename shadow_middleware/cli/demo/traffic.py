"""The demo's visitors: a steady stream of requests to the live shop."""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Callable, Iterator

__all__ = ["knock", "visit"]

_AUTHORISED = {"Authorization": "Bearer the-demo-has-no-secrets"}


def knock(port: int) -> None:
    """Send one request that is mirrored."""
    _request(port, "GET", "/")


def visit(port: int, seconds: float, rate: float, on_answer: Callable[[], None]) -> int:
    """
    Send requests for so long at so many a second; return how many were mirrored.

    Writes are among them; by default they are not mirrored, so they do not count.
    """
    started = time.monotonic()
    mirrored = 0
    for number, (method, path) in enumerate(_journey()):
        due = started + number / rate
        if due - started >= seconds:
            return mirrored
        time.sleep(max(0.0, due - time.monotonic()))
        _request(port, method, path)
        mirrored += method == "GET"
        on_answer()
    return mirrored


def _request(port: int, method: str, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = _AUTHORISED if path == "/account" else {}
        connection.request(method, path, headers=headers)
        connection.getresponse().read()
    finally:
        connection.close()


def _journey() -> Iterator[tuple[str, str]]:
    """Yield method and path: every page first, then as visitors come."""
    chance = random.Random(7)
    while True:
        number = chance.randint(1, 40)
        pages = [
            *["/", "/products/2", "/products/3", "/"] * 3,
            "/products",
            "/products/1",
            f"/users/{number}",
            f"/orders/{number}",
            f"/coupons/SAVE{number}",
            "/about",
            f"/receipts/{number}",
            f"/reports/2026-{number % 12 + 1:02}",
            "/account",
            "/status",
            "/status",
        ]
        chance.shuffle(pages)
        yield from (("GET", page) for page in pages)
        yield ("POST", f"/orders/{number}")
