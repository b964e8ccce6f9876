"""Whose trace a replay is in: its own, or a child's, and never live's own span."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.errors import ReplayRefused
from shadow_middleware.exchange import Exchange, Headers, Request, Timing
from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.outgoing import Outgoing

TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = b"00f067aa0ba902b7"
PARENT = b"00-%s-%s-01" % (TRACE, SPAN)
OTHER_MAKERS = (
    b"b3",
    b"X-B3-TraceId",
    b"x-datadog-trace-id",
    b"Sentry-Trace",
    b"uber-trace-id",
    b"X-Amzn-Trace-Id",
    b"X-Cloud-Trace-Context",
)


def context(
    fields: Headers, name: str = "shadow", exchange: str = "ab-1", **settings: Any
) -> dict[bytes, bytes]:
    """Return the trace headers that go out, by name."""
    request = Request("GET", b"/", headers=fields)
    out = Outgoing(Target(url="http://shadow", name=name), Settings(**settings))(
        Exchange(exchange, 0.0, request, None, Timing(0, 0, 0)), b"ab-1;hop=1"
    )
    headers = {name.lower(): value for name, value in out.headers}
    assert headers.pop(b"host")
    assert headers.pop(b"x-shadow-request")
    return headers


def test_a_replay_has_a_trace_of_its_own_that_links_to_the_live_one() -> None:
    """The shadow's spans are not counted among live's, and can be found from them."""
    found = context([(b"Traceparent", PARENT), (b"tracestate", b"a=1")])

    version, trace, span, flags = found.pop(b"traceparent").split(b"-")
    assert (b"00", b"01") == (version, flags)
    assert (32, 16) == (len(trace), len(span))
    assert trace != TRACE
    assert span != SPAN
    assert {b"x-shadow-trace": PARENT} == found


def test_a_child_is_in_the_live_trace_with_a_span_of_its_own() -> None:
    """`trace="child"`: who wants the shadow's spans beside live's can have them."""
    found = context([(b"traceparent", PARENT), (b"tracestate", b"a=1")], trace="child")

    _, trace, span, flags = found.pop(b"traceparent").split(b"-")
    assert (TRACE, b"01") == (trace, flags)
    assert span != SPAN
    assert {b"tracestate": b"a=1"} == found


def test_no_trace_goes_out_where_none_is_to() -> None:
    """`trace="drop"`."""
    fields = [(b"traceparent", PARENT), (b"tracestate", b"a=1")]

    assert {} == context(fields, trace="drop")


@pytest.mark.parametrize("how", ["new", "child", "drop"])
def test_the_live_span_never_goes_out_as_the_parent(how: str) -> None:
    """Whatever is chosen, and whoever made the header."""
    makers = [(name, PARENT) for name in OTHER_MAKERS]
    found = context([(b"traceparent", PARENT), *makers], trace=how)

    assert found.keys() <= {b"traceparent", b"x-shadow-trace"}
    assert SPAN not in found.get(b"traceparent", b"")


def test_two_replays_never_share_a_trace() -> None:
    """Neither those of two exchanges, nor those of one to two targets."""
    fields = [(b"traceparent", PARENT)]
    found = [
        context(fields)[b"traceparent"],
        context(fields, exchange="ab-2")[b"traceparent"],
        context(fields, name="other")[b"traceparent"],
    ]

    assert 3 == len(set(found))


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [(b"tracestate", b"a=1")],
        [(b"traceparent", b"00-0-0-01")],
        [(b"traceparent", b"00-" + b"0" * 32 + b"-" + SPAN + b"-01")],
        [(b"traceparent", b"00-" + TRACE + b"-" + b"0" * 16 + b"-01")],
        [(b"traceparent", b"ff-" + TRACE + b"-" + SPAN + b"-01")],
        [(b"traceparent", PARENT), (b"traceparent", PARENT)],
        [(b"x-shadow-trace", PARENT)],
    ],
)
@pytest.mark.parametrize("how", ["new", "child", "drop"])
def test_what_is_no_trace_of_live_is_none_of_the_replay(
    fields: Headers, how: str
) -> None:
    """An invalid or ambiguous context ends here, and nobody forges the link."""
    assert {} == context(fields, trace=how)


def test_what_is_not_sampled_stays_so() -> None:
    """A shadow does not fill a trace store that live keeps out of."""
    parent = PARENT[:-2] + b"00"

    assert context([(b"traceparent", parent)])[b"traceparent"].endswith(b"-00")


def test_a_state_cannot_smuggle_a_header() -> None:
    """A line break in `tracestate` is refused like one anywhere else."""
    fields = [(b"traceparent", PARENT), (b"tracestate", b"a=1\r\nx: y")]

    with pytest.raises(ReplayRefused):
        context(fields, trace="child")


@given(st.binary(max_size=60))
def test_any_parent_is_survived(parent: bytes) -> None:
    """No bytes make it fail, or let live's own header through."""
    try:
        found = context([(b"traceparent", parent)])
    except ReplayRefused:
        return

    assert found.get(b"traceparent") != parent
