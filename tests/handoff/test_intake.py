"""The agent's end of the wall: what a live process does not take is lost, and said."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from shadow_middleware.handoff import codec
from shadow_middleware.handoff.intake import MAX_UNSENT, Intake, Sink


class Nobody:
    """Stands behind a connection, and has nothing to do."""

    def welcome(self, hello: codec.Hello, intake: Intake) -> Sink:
        raise NotImplementedError

    def farewell(self, intake: Intake) -> None: ...


class Full(asyncio.Transport):
    """The other end reads nothing."""

    def get_write_buffer_size(self) -> int:
        return MAX_UNSENT + 1

    def is_closing(self) -> bool:
        return False

    def write(self, data: Any) -> None:
        raise AssertionError("there is no room")


def test_events_that_a_live_process_does_not_take_are_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are dropped to keep the agent's memory bounded, but never in silence."""
    intake = Intake(Nobody())
    intake.connection_made(Full())
    intake.wants = frozenset({"target_gone"})
    with caplog.at_level(logging.WARNING, "shadow_middleware"):
        for _ in range(3):
            intake.send_event("target_gone", {"target": "shadow"})
            intake.send_status(codec.Status(ended=0, waiting=0, in_flight=0))
        intake.connection_lost(None)

    assert [
        "3 events of signals were lost: the live process was too slow to take them"
    ] == caplog.messages


def test_a_live_process_of_another_version_is_not_misread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As where an agent for all apps was upgraded alone: it says what to do."""
    intake = Intake(Nobody())
    hello = codec.Hello(codec.PROTOCOL + 1, "s", b"", 0.0, 0, 0)
    intake.data_received(bytes(codec.frame(codec.HELLO, hello)))

    assert [
        "a live process is not understood: it speaks version 2 of what crosses the wall, "
        "and this agent 1: install the same shadow-middleware in both"
    ] == caplog.messages
