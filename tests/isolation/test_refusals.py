"""What a shadow refused to do is no divergence on the live side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shadow_middleware import runtime
from shadow_middleware.exchange import Outcome
from shadow_middleware.testing import Reply, ShadowServer, collect
from shadow_middleware.transform.marker import refused_by
from shadow_middleware.wsgi import ShadowMiddleware
from tests.test_wsgi import call, environ_for


@pytest.fixture(autouse=True)
def _no_runtime_is_left() -> Iterator[None]:
    """Every test ends what it started."""
    yield
    runtime.shutdown(5.0)


def live(environ: Any, start_response: Any) -> list[bytes]:
    """Answer a write."""
    start_response("201 Created", [("Content-Type", "text/plain")])
    return [b"made"]


@pytest.mark.parametrize("reason", ["read_only", "not_isolated", "outgoing_refused"])
def test_a_refused_write_is_skipped_with_its_reason(reason: str) -> None:
    """And the breaker stays closed, however many there are."""
    reply = Reply(503, headers=((b"X-Shadow-Refused", reason.encode()),), body=b"no")
    with ShadowServer(reply) as shadow, collect() as outcomes:
        ours = ShadowMiddleware(
            live,
            shadow_url=shadow.url,
            engine="thread",
            store_url="",
            signal_rate=10_000.0,
            methods=["GET"],
            breaker_failures=2,
        )
        for _ in range(5):
            call(ours, environ_for())
        outcomes.wait_for(5)

        assert {Outcome.SKIPPED: 5} == outcomes.counts
        assert 5 == len(shadow.received)


def test_no_other_word_of_a_shadow_counts() -> None:
    """A shadow cannot make up reasons, or hide behind an empty one."""
    assert "" == refused_by([(b"x-shadow-refused", b"made up"), (b"a", b"read_only")])
    assert "read_only" == refused_by([(b"X-Shadow-Refused", b"read_only")])
