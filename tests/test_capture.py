"""The tap: whatever the pieces, the same bytes are kept."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.capture import Capture, Collector
from shadow_middleware.exchange import Exchange
from shadow_middleware.handoff import codec
from shadow_middleware.live import BodyLedger, LiveSide
from tests.fakes import RecordingHandoff, begun, recorded, recording_live, respond


def begin(**settings: object) -> tuple[LiveSide, RecordingHandoff, Capture]:
    """Return a live side, its hand-off, and a capture under way."""
    live, handoff = recording_live(**settings)
    capture = begun(live, "GET", b"/a", b"", [(b"host", b"live")])
    assert capture is not None
    return live, handoff, capture


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(0, 300))
def test_a_collector_keeps_the_first_bytes_and_knows_them_all(
    chunks: list[bytes], cap: int
) -> None:
    """W45: any split of a body gives the same capture; W8: never more than the cap."""
    whole = b"".join(chunks)
    collector = Collector(cap, BodyLedger(lambda: 2**20))
    for chunk in chunks:
        collector.feed(chunk)

    assert whole[:cap] == collector.data
    assert len(whole) == collector.length
    expected = hashlib.sha256(whole).digest() if len(whole) > cap else None
    assert expected == collector.digest


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 100))
def test_a_body_crosses_the_wall_the_same_in_one_piece_or_many(
    chunks: list[bytes], cap: int
) -> None:
    """W45: what the agent sees of a body does not depend on its chunks."""
    _, _, capture = begin(max_response_body=cap)
    respond(capture, 200, [])
    for chunk in chunks:
        capture.response_chunk(chunk)
    capture.finish()
    whole = b"".join(chunks)

    response = across(capture).response

    assert response is not None
    assert whole[:cap] == response.body.data
    assert len(whole) == response.body.length
    assert (len(whole) <= cap) == response.body.complete


def across(capture: Capture) -> Exchange:
    """Send the record over the wall; give the exchange that arrives."""
    frame = codec.BatchFrame()
    assert frame.add((1, *capture.record()))
    [(kind, payload)] = codec.Frames().feed(bytes(frame.seal(1, {})))
    assert kind == codec.BATCH
    [raw] = codec.decode_batch(payload).records
    return codec.exchange_of(raw, "s", 0.0)


def test_a_mutable_buffer_is_copied() -> None:
    """An app that reuses its buffer does not change what was captured."""
    _, _, capture = begin()
    buffer = bytearray(b"first")
    capture.response_chunk(buffer)  # type: ignore[arg-type]
    buffer[:] = b"later"
    capture.finish()

    assert b"first" == recorded(capture)[11][0]  # type: ignore[index]


def test_a_capture_is_handed_over_once() -> None:
    """Whoever ends it first ends it."""
    _, handoff, capture = begin()
    capture.finish("/a")
    capture.abandon("late")
    capture.finish("/b")

    assert "/a" == handoff.only.route


def test_the_first_reason_to_skip_stays() -> None:
    """What went wrong first explains what went wrong later."""
    _, handoff, capture = begin()
    capture.broken("test", ValueError())
    capture.abandon("aborted")

    assert "capture_failed" == across(handoff.only).skip


def test_odd_things_cross_the_wall_by_name() -> None:
    """Key, failure and what was withheld arrive as they were noted."""
    live, handoff = recording_live(key="header:x-user")
    capture = begun(
        live,
        "GET",
        b"/a",
        b"q=1",
        [(b"X-User", b"ann"), (b"Authorization", b"secret")],
        "https",
        "2",
    )
    assert capture is not None
    capture.request_chunk(b"ha")
    capture.request_incomplete()
    capture.failed(KeyError("x"))
    capture.finish()

    exchange = across(handoff.only)

    assert "ann" == exchange.key
    assert ("https", "2") == (exchange.request.scheme, exchange.request.http_version)
    assert "KeyError" == exchange.live_error
    assert ("authorization",) == exchange.withheld
    assert [(b"X-User", b"ann")] == exchange.request.headers
    assert not exchange.request.body.complete
    assert exchange.response is None


def test_what_is_broken_in_a_response_is_counted_and_harms_nobody() -> None:
    """W5: values that cannot be captured leave a count and a reason."""
    live, handoff, capture = begin()
    capture.response_chunk(object())  # type: ignore[arg-type]
    capture.request_chunk(object())  # type: ignore[arg-type]
    capture.finish()

    assert {"response body": 1, "request body": 1} == live.faults
    assert "capture_failed" == across(handoff.only).skip
