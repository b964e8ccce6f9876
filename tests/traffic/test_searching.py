"""Exchanges found by everything that is recorded of them."""

from __future__ import annotations

import gzip

import pytest

from shadow_middleware.exchange import Body, Request, Response
from shadow_middleware.traffic.searching import Search, Wanted
from tests.traffic.making import a_record

PACKED = gzip.compress(b"a tea pot")
RECORDS = [
    a_record(1),
    a_record(2, key="masked-ann"),
    a_record(
        3,
        request=Request("POST", b"/items", b"", [(b"X-Shop", b"berlin")]),
        response=None,
        route="/items",
    ),
    a_record(
        4,
        request=Request("GET", b"/packed"),
        response=Response(
            404, [(b"Content-Encoding", b"gzip")], Body(PACKED, len(PACKED))
        ),
        route="/packed",
    ),
]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [1, 2, 3, 4]),
        (Wanted(routes=("GET /items/{id}",)), [1, 2]),
        (Wanted(routes=("/items", "/p*")), [3, 4]),
        (Wanted(paths=("/items/*",)), [1, 2]),
        (Wanted(methods=("POST",)), [3]),
        (Wanted(statuses=("2xx",)), [1, 2]),
        (Wanted(statuses=("none", "404")), [3, 4]),
        (Wanted(headers=((b"x-shop", b"ber"),)), [3]),
        (Wanted(headers=((b"content-type", b""),)), [1, 2]),
        (Wanted(headers=((b"x-shop", b"ber"), (b"x-other", b""))), []),
        (Wanted(text='"id": 2'), [2]),
        (Wanted(text="/items/1[?]a"), [1]),
        (Wanted(text="X-Shop: b"), [3]),
        (Wanted(text="BERLIN"), []),
        (Wanted(text="BERLIN", ignore_case=True), [3]),
        (Wanted(text="tea pot"), [4]),
        (Wanted(session="masked-a"), [2]),
        (Wanted(id="feed-1"), [1]),
        (Wanted(since=1_700_000_002.0), [2, 3, 4]),
        (Wanted(until=1_700_000_002.0), [1]),
        (Wanted(methods=("GET",), statuses=("4xx",)), [4]),
    ],
)
def test_what_fits_everything_is_found(wanted: Wanted, expected: list[int]) -> None:
    """Route, path, method, status, header, text under a coding, session, id, time."""
    search = Search(wanted)
    found = [at for at, record in enumerate(RECORDS, 1) if search(record.exchange)]

    assert expected == found
