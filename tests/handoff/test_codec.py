"""The format that crosses the wall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.errors import DecodeError
from shadow_middleware.exchange import Timing
from shadow_middleware.handoff import codec

headers = st.lists(
    st.tuples(st.binary(max_size=20), st.binary(max_size=40)), max_size=6
)


def record(number: int = 1, **fields: object) -> tuple[object, ...]:
    """Return a record, plain but for the fields given by name."""
    plain: dict[str, object] = {
        "number": number,
        "started": 5_000_000_000,
        "first_byte": 5_000_000_100,
        "ended": 5_000_000_200,
        "method": "GET",
        "path": b"/a",
        "query": b"",
        "headers": [],
        "request_body": None,
        "status": 200,
        "response_headers": [],
        "response_body": b"ok",
        "route": "/a",
        "odd": None,
    }
    return tuple({**plain, **fields}[name] for name in codec.FIELDS)


def frames_of(data: bytes, pieces: list[int]) -> list[tuple[int, bytes]]:
    """Cut the stream at these places and feed it piece by piece."""
    frames = codec.Frames()
    found: list[tuple[int, bytes]] = []
    start = 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in pieces), len(data)]:
        found += frames.feed(data[start:cut])
        start = cut
    return found


@given(
    st.binary(max_size=60),
    st.binary(max_size=60),
    headers,
    headers,
    st.binary(max_size=200),
    st.lists(st.integers(0, 10_000), max_size=10),
)
def test_captured_is_what_arrives_byte_for_byte(
    path: bytes,
    query: bytes,
    request_headers: list[tuple[bytes, bytes]],
    response_headers: list[tuple[bytes, bytes]],
    body: bytes,
    pieces: list[int],
) -> None:
    """W45: raw path, query, duplicate headers and bodies, in any pieces."""
    batch = codec.BatchFrame()
    batch.add(
        record(
            path=path,
            query=query,
            headers=request_headers,
            response_headers=tuple(response_headers),
            request_body=body,
            response_body=body,
        )
    )

    [(kind, payload)] = frames_of(bytes(batch.seal(7, {"paused": 2})), pieces)
    decoded = codec.decode_batch(payload)
    exchange = codec.exchange_of(decoded.records[0], "ab", 10.0)

    assert (codec.BATCH, 7, {"paused": 2}) == (kind, decoded.selected, decoded.drops)
    assert ("ab-1", 15.0) == (exchange.id, exchange.at)
    assert (path, query) == (exchange.request.path, exchange.request.query)
    assert request_headers == exchange.request.headers
    assert exchange.response is not None
    assert response_headers == exchange.response.headers
    assert body == exchange.request.body.data == exchange.response.body.data
    assert exchange.timing == Timing(5_000_000_000, 5_000_000_100, 5_000_000_200)


def test_many_records_make_one_frame() -> None:
    """More than fit into any short form of an array's length."""
    batch = codec.BatchFrame()
    for number in range(70_000):
        assert batch.add(record(number))
    [(_, payload)] = codec.Frames().feed(bytes(batch.seal(70_000, {})))

    assert 70_000 == len(codec.decode_batch(payload).records)


def test_a_record_with_values_that_have_no_bytes_costs_no_other() -> None:
    """An app that sends odd header values loses that exchange only."""
    batch = codec.BatchFrame()
    assert batch.add(record(1))
    assert not batch.add(record(2, response_headers=[(b"x", object())]))
    assert batch.add(record(3))
    [(_, payload)] = codec.Frames().feed(bytes(batch.seal(3, {})))
    ids = [
        codec.exchange_of(raw, "s", 0).id for raw in codec.decode_batch(payload).records
    ]

    assert ["s-1", "s-3"] == ids


def test_a_record_of_the_wrong_shape_is_refused_by_itself() -> None:
    """Its batch's other records decode all the same."""
    batch = codec.BatchFrame()
    batch.add(record(1, response_headers=[("text", "text")]))
    batch.add(record(2))
    [(_, payload)] = codec.Frames().feed(bytes(batch.seal(2, {})))
    bad, good = codec.decode_batch(payload).records

    with pytest.raises(DecodeError, match="a record does not decode"):
        codec.exchange_of(bad, "s", 0)
    assert "s-2" == codec.exchange_of(good, "s", 0).id


@given(st.binary(max_size=300))
def test_bytes_that_are_not_ours_run_nothing_and_hang_nothing(data: bytes) -> None:
    """W58: noise is refused, or waits for more, and that is all."""
    try:
        for _, payload in codec.Frames().feed(data):
            codec.decode_batch(payload)
    except DecodeError:
        pass


def test_a_frame_that_claims_to_be_huge_is_refused_at_once() -> None:
    """W8: nobody makes us wait for, or hold, gigabytes."""
    with pytest.raises(DecodeError, match="cannot be ours"):
        list(codec.Frames().feed(b"\xff\xff\xff\xff\x02"))
