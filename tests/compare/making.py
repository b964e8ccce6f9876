"""Short ways to make the exchanges that the tests of compare are about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from shadow_middleware.compare import Comparer, Comparison
from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.settings import Settings

JSON = ((b"Content-Type", b"application/json"),)


def body(data: bytes, cap: int | None = None) -> Body:
    """A body, cut at `cap` if it is longer."""
    if cap is None or len(data) <= cap:
        return Body(data, len(data))
    return Body(data[:cap], len(data), hashlib.sha256(data).digest())


def answer(
    data: bytes | Body = b"",
    *,
    kind: str = "",
    status: int = 200,
    headers: Any = (),
    trailers: Any = (),
) -> Response:
    """A response with this body and Content-Type."""
    types = ((b"Content-Type", kind.encode()),) if kind else ()
    whole = data if isinstance(data, Body) else body(data)
    return Response(status, (*types, *headers), whole, trailers)


def exchange(live: Response | None, **changes: Any) -> Exchange:
    """An exchange that live answered with `live`."""
    request = Request(changes.pop("method", "GET"), b"/items")
    changes.setdefault("route", "/items")
    return Exchange("1-1", 0.0, request, live, Timing(0, 0, 0), **changes)


def compare(
    live: Response,
    shadow: Response,
    settings: Settings | None = None,
    *,
    clock: Callable[[], float] = lambda: 0.0,
    **changes: Any,
) -> Comparison:
    """What the comparer says of the two; its clock stands still."""
    comparer = Comparer(settings or Settings(), clock=clock)
    return comparer.compare(exchange(live, **changes), "shadow", shadow)


def compare_json(live: Any, shadow: Any, **settings: Any) -> Comparison:
    """What the comparer says of two values, written the same way."""
    left, right = (
        value if isinstance(value, bytes) else json.dumps(value).encode()
        for value in (live, shadow)
    )
    return compare(
        answer(left, kind="application/json"),
        answer(right, kind="application/json"),
        Settings(**settings),
    )


def found(comparison: Comparison) -> list[tuple[str, str]]:
    """Kind and path of each difference."""
    return [(str(d.kind), d.path) for d in comparison.differences]
