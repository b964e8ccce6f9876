"""Recorded exchanges for tests: plain ones, and any that there can be."""

from __future__ import annotations

import hashlib

from hypothesis import strategies as st

from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.traffic.recorded import Missing, Recorded

__all__ = ["a_record", "any_record"]


def a_record(number: int = 1, **changes: object) -> Recorded:
    """Return a plain exchange of a shop; `changes` are fields of the exchange."""
    body = b'[{"id": %d, "name": "tea"}]' % number
    began = number * 1_000_000
    fields: dict[str, object] = {
        "id": f"feed-{number:x}",
        "at": 1_700_000_000.0 + number,
        "request": Request("GET", b"/items/%d" % number, b"a=1", [(b"Host", b"shop")]),
        "response": Response(
            200, [(b"Content-Type", b"application/json")], Body(body, len(body)), []
        ),
        "timing": Timing(began, began + 2000, began + 3000),
        "route": "/items/{id}",
    }
    return Recorded(Exchange(**{**fields, **changes}))  # type: ignore[arg-type]


_names = st.binary(min_size=1, max_size=20)
_headers = st.lists(st.tuples(_names, st.binary(max_size=30)), max_size=6)
_text = st.text(max_size=20)
_data = st.one_of(st.binary(max_size=200), _text.map(str.encode))


@st.composite
def _bodies(draw: st.DrawFn) -> Body:
    data, more = draw(_data), draw(st.binary(max_size=5))
    digest = hashlib.sha256(data + more).digest() if draw(st.booleans()) else None
    return Body(data, len(data) + len(more), digest)


_requests = st.builds(
    Request,
    method=st.text(min_size=1, max_size=12),
    path=_data,
    query=_data,
    headers=_headers,
    body=_bodies(),
    scheme=_text,
    http_version=_text,
)
_responses = st.builds(
    Response,
    status=st.integers(1, 9999),
    headers=_headers,
    body=_bodies(),
    trailers=_headers,
)
_times = st.integers(0, 2**63)
_exchanges = st.builds(
    Exchange,
    id=st.text(min_size=1, max_size=20),
    at=st.floats(allow_nan=False, allow_infinity=False),
    request=_requests,
    response=st.none() | _responses,
    timing=st.builds(Timing, _times, _times, _times),
    route=_text,
    key=st.none() | _text,
    live_error=st.none() | _text,
    skip=st.none() | _text,
    withheld=st.lists(_text, max_size=3).map(tuple),
    after_drop=st.booleans(),
    user=st.none() | _text,
    visitor=st.lists(_text, max_size=2).map(tuple),
)
any_record = st.builds(
    Recorded,
    exchange=_exchanges,
    missing=st.frozensets(st.sampled_from(Missing)),
    masked=st.lists(_text, max_size=2).map(tuple),
)
"""Any exchange at all, whether an HTTP server could have seen it or not."""
