"""
A shop in two versions: plain WSGI, so that the demo needs no framework.

Version 2 is the rewrite. It differs in exactly the ways that `planted` names.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

__all__ = ["Shop"]

Environ = dict[str, Any]
StartResponse = Callable[..., object]

_ROUTE = "shadow_middleware.route"
_UNKNOWN = 3
"""In one of so many answers version 2 does not know its load."""

PRODUCTS = [
    {"id": n, "name": name, "price": price, "tags": ["new", "sale"]}
    for n, (name, price) in enumerate(
        [("lamp", 39.9), ("chair", 89.5), ("desk", 249.0), ("shelf", 119.0)], start=1
    )
]


class Shop:
    """The shop as a WSGI app. `version` is 1 or 2."""

    def __init__(self, version: int) -> None:
        self.new = version == 2
        self._asked = count(1)
        self._pages: dict[str, Callable[[str, Environ], Answer]] = {
            "products": self._product,
            "users": self._user,
            "orders": self._order,
            "coupons": self._coupon,
            "reports": self._report,
            "receipts": self._receipt,
        }
        self._fixed: dict[str, Callable[[Environ], Answer]] = {
            "/": self._home,
            "/products": self._list,
            "/about": self._about,
            "/status": self._status,
            "/account": self._account,
        }

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        headers = [("Content-Type", answer.kind), *answer.headers]
        headers.append(("Content-Length", str(len(answer.body))))
        start_response(answer.status, headers)
        return [answer.body]

    def _answer(self, environ: Environ) -> Answer:
        path = environ.get("PATH_INFO", "/")
        fixed = self._fixed.get(path)
        if fixed is not None:
            environ[_ROUTE] = path
            return fixed(environ)
        _, kind, *rest = path.split("/")
        page = self._pages.get(kind)
        if page is None or len(rest) != 1:
            return _json({"error": "no such page"}, status="404 Not Found")
        environ[_ROUTE] = f"/{kind}/{{id}}"
        return page(rest[0], environ)

    def _home(self, environ: Environ) -> Answer:
        return Answer("text/html; charset=utf-8", b"<h1>The shop</h1>")

    def _list(self, environ: Environ) -> Answer:
        """v2 lists the same products in another order."""
        products = [{"id": one["id"], "name": one["name"]} for one in PRODUCTS]
        return _json({"products": products[::-1] if self.new else products})

    def _product(self, number: str, environ: Environ) -> Answer:
        """v2 rounds the price of the first product."""
        product = dict(PRODUCTS[_index(number)])
        if self.new and product["id"] == 1:
            product["price"] = 40.0
        return _json(product)

    def _user(self, number: str, environ: Environ) -> Answer:
        """v2 forgets the phone number."""
        user = {"id": _index(number), "name": "Ada", "card": "4111 1111 1111 1111"}
        return _json(user if self.new else {**user, "phone": "+44 20 7946 0000"})

    def _order(self, number: str, environ: Environ) -> Answer:
        """v2 writes the quantity as text."""
        quantity = _index(number) + 1
        lines = [{"sku": "L-1", "quantity": str(quantity) if self.new else quantity}]
        return _json({"id": number, "lines": lines})

    def _coupon(self, code: str, environ: Environ) -> Answer:
        """v2 answers 200 where v1 says that there is no such coupon."""
        status = "200 OK" if self.new else "404 Not Found"
        return _json({"code": code, "valid": False}, status=status)

    def _about(self, environ: Environ) -> Answer:
        """v2 forgets to let the page be cached."""
        headers = [] if self.new else [("Cache-Control", "public, max-age=3600")]
        return Answer("text/html; charset=utf-8", b"<h1>About</h1>", headers=headers)

    def _report(self, month: str, environ: Environ) -> Answer:
        """v2 is slow, and right."""
        time.sleep(0.08 if self.new else 0.004)
        return _json({"month": month, "revenue": 12345})

    def _receipt(self, number: str, environ: Environ) -> Answer:
        """v2 writes the sum, in plain text, with a comma."""
        total = "39,90" if self.new else "39.90"
        text = f"Receipt {number}\n1 lamp\nTotal {total} EUR\nThank you\n"
        return Answer("text/plain; charset=utf-8", text.encode())

    def _status(self, environ: Environ) -> Answer:
        """Never the same twice, in either version; v2 at times cannot tell its load."""
        load: int | None = random.randint(1, 1000)
        if self.new and next(self._asked) % _UNKNOWN == 0:
            load = None
        version = "2.0" if self.new else "1.9"
        answer = {"version": version, "at": time.time(), "trace": uuid.uuid4().hex}
        return _json({**answer, "load": load})

    def _account(self, environ: Environ) -> Answer:
        """The same in both versions, for those who are signed in."""
        if environ.get("HTTP_AUTHORIZATION") is None:
            return _json({"error": "sign in"}, status="401 Unauthorized")
        return _json({"name": "Ada", "orders": 3})


class Answer:
    """One answer of the shop."""

    __slots__ = ("body", "headers", "kind", "status")

    def __init__(
        self,
        kind: str,
        body: bytes,
        status: str = "200 OK",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.kind = kind
        self.body = body
        self.status = status
        self.headers = list(headers)


def _json(value: Any, status: str = "200 OK") -> Answer:
    return Answer("application/json", json.dumps(value).encode(), status)


def _index(number: str) -> int:
    return (int(number) - 1) % len(PRODUCTS) if number.isdecimal() else 0
