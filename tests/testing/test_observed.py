"""The fake sender keeps the sender's contract; the collector hears every signal."""

from __future__ import annotations

import asyncio

import pytest

from shadow_middleware import signals
from shadow_middleware.errors import ReplayConnectError
from shadow_middleware.exchange import Outcome, Request, Response
from shadow_middleware.replay.base import Sender
from shadow_middleware.testing import FakeSender, collect


def test_a_fake_sender_records_and_answers() -> None:
    """It fits the port, and its timing is in order."""
    fake = FakeSender(Response(204))
    sender: Sender = fake
    request = Request("GET", b"/")

    answer = asyncio.run(sender.send(request))
    asyncio.run(sender.aclose())

    assert Response(204) == answer.response
    assert answer.timing.started <= answer.timing.first_byte <= answer.timing.ended
    assert [request] == fake.requests
    assert fake.closed


def test_a_fake_sender_fails_as_told() -> None:
    """An error of the port comes out as it went in."""

    def refuse(request: Request) -> Response:
        raise ReplayConnectError(request.method)

    with pytest.raises(ReplayConnectError):
        asyncio.run(FakeSender(refuse).send(Request("GET", b"/")))


def test_outcomes_are_collected_while_asked_for() -> None:
    """Events of all three kinds arrive inside the block and not after it."""
    with collect() as outcomes:
        signals.replay_finished.send("shadow", event={"outcome": "match"})
        signals.divergence_found.send("shadow", event={"route": "/"})
        signals.exchange_dropped.send("shadow", event={"count": 2})
        assert {Outcome.MATCH: 1} == outcomes.wait_for(1)
    signals.replay_finished.send("shadow", event={"outcome": "match"})

    assert [{"outcome": "match"}] == outcomes.finished
    assert [{"route": "/"}] == outcomes.divergences
    assert [{"count": 2}] == outcomes.dropped


def test_waiting_for_too_many_outcomes_says_which_came() -> None:
    """A test that waits in vain learns why."""
    with collect() as outcomes, pytest.raises(TimeoutError, match=r"\{\} of 1"):
        outcomes.wait_for(1, timeout=0.01)
