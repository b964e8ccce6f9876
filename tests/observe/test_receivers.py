"""Receivers of signals that are too slow: bounded, and said."""

from __future__ import annotations

import logging
import threading

import pytest

from shadow_middleware import signals
from shadow_middleware.observe.receivers import MAX_WAITING, Receivers


def test_events_that_are_lost_are_said(caplog: pytest.LogCaptureFixture) -> None:
    """Who counts on signals is told where some never came; once, not for each."""
    goes_on = threading.Event()

    def hang(sender: str, *, event: object) -> None:
        goes_on.wait(60)

    receivers = Receivers()
    with (
        signals.target_gone.connected_to(hang),
        caplog.at_level(logging.WARNING, "shadow_middleware"),
    ):
        for _ in range(MAX_WAITING + 10):
            receivers.take("target_gone", {"target": "shadow"})
        goes_on.set()
        receivers.close(60.0)

    assert [
        "receivers of signals are slower than events come: 1 lost so far"
    ] == caplog.messages
