"""Where a person has stopped everything, live captures nothing and counts nothing."""

from __future__ import annotations

from typing import Any

from shadow_middleware.handoff.agent_socket import AgentSocket
from shadow_middleware.live import LiveSide
from shadow_middleware.settings import load
from tests.fakes import begun


class NoKeeper:
    """Keeps no agent."""

    def start(self) -> None:
        """Start nothing."""

    def close(self, timeout: float, *, wait: bool) -> bool:
        """Have nothing to part from."""
        return True


def sides(**bounds: Any) -> tuple[AgentSocket, LiveSide]:
    """Return a hand-off without an agent, and the live side before it."""
    handoff = AgentSocket(
        lambda _: NoKeeper(), **{"max_bytes": 10**6, "max_count": 100, **bounds}
    )
    return handoff, LiveSide(load({"shadow_url": "http://shadow.test"}), handoff)


def test_what_is_not_captured_was_never_selected() -> None:
    """It is no drop either; but live traffic that coverage is told of."""
    handoff, live = sides()
    handoff.rest(True)

    assert begun(live, "GET", b"/", b"", ()) is None
    assert (0, {}) == (handoff.state.selected, handoff.state.dropped)
    assert live.counts(())
    handoff.rest(False)
    assert begun(live, "GET", b"/", b"", ()) is not None


def test_a_full_buffer_does_not_end_the_rest() -> None:
    """What was on its way when it began may find no room."""
    handoff, live = sides(max_count=1)
    captures = [begun(live, "GET", b"/", b"", ()) for _ in range(3)]
    handoff.rest(True)
    for capture in captures:
        assert capture is not None
        live.hand_over(capture)

    assert handoff.state.dropped["buffer_full"]
    assert begun(live, "GET", b"/", b"", ()) is None


def test_nobody_rests_for_ever_when_the_agent_has_gone_for_good() -> None:
    """A later exchange starts another agent, which says what holds."""
    handoff, live = sides()
    handoff.start()
    handoff.rest(True)
    handoff.close(0.0, wait=False)

    assert begun(live, "GET", b"/", b"", ()) is not None
