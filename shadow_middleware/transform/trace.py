"""
Whose trace a replay is part of: never of the live request's as if it were live.

A replay that went out with the client's `traceparent` would put the shadow's spans
under the live request, and every graph of live would count them. Three ways:

- `new`: a trace of its own. What it was copied from is in a header of ours:
  `X-Shadow-Trace: 00-<live trace id>-<live span id>-01`, for a link.
- `child`: the live trace id with a span id of its own.
- `drop`: no trace context at all.

Headers of other makers (B3, Jaeger, Datadog, Sentry, AWS, Google) go in all three:
they say the same, and their spans would land in the same place.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from shadow_middleware.exchange import Headers

__all__ = ["LINK_HEADER", "Trace", "is_trace", "trace_headers"]

Trace = Literal["new", "child", "drop"]

LINK_HEADER = b"x-shadow-trace"
"""The header's name, in lower case."""

_OTHER_MAKERS = frozenset(
    {
        b"b3",
        b"elastic-apm-traceparent",
        b"grpc-trace-bin",
        b"sentry-trace",
        b"uber-trace-id",
        b"x-amzn-trace-id",
        b"x-b3-flags",
        b"x-b3-parentspanid",
        b"x-b3-sampled",
        b"x-b3-spanid",
        b"x-b3-traceid",
        b"x-cloud-trace-context",
        b"x-datadog-parent-id",
        b"x-datadog-sampling-priority",
        b"x-datadog-tags",
        b"x-datadog-trace-id",
        b"newrelic",
    }
)
_W3C = frozenset({b"traceparent", b"tracestate"})
_PARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})"
    rb"(?:-.*)?"
)
"""W3C Trace Context, 3.2.2; a newer version may have more behind the flags."""


def is_trace(name: bytes) -> bool:
    """Whether a header of this name, in lower case, says whose trace a request is in."""
    return name in _W3C or name in _OTHER_MAKERS


def trace_headers(
    headers: Headers, how: Trace, replay: str
) -> list[tuple[bytes, bytes]]:
    """
    Return the trace headers that a replay carries in place of live's.

    None where live had none: then the shadow begins a trace, as live did.

    Args:
        headers: Of the live request.
        how: `new`, `child` or `drop`.
        replay: Names this replay; its ids are made from it.
    """
    parents = [value for name, value in headers if name.lower() == b"traceparent"]
    if how == "drop" or len(parents) != 1:
        return []
    found = _PARENT.fullmatch(parents[0].strip())
    if found is None:
        return []
    trace, span, flags = found.groups()
    own = hashlib.blake2b(replay.encode(), digest_size=24).hexdigest().encode()
    if how == "child":
        states = [
            (name, value) for name, value in headers if name.lower() == b"tracestate"
        ]
        return [(b"traceparent", _parent(trace, own[32:], flags)), *states]
    return [
        (b"traceparent", _parent(own[:32], own[32:], flags)),
        (b"X-Shadow-Trace", _parent(trace, span, flags)),
    ]


def _parent(trace: bytes, span: bytes, flags: bytes) -> bytes:
    return b"00-%s-%s-%s" % (trace, span, flags)
