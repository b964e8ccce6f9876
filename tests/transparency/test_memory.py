"""The quick form of `benchmarks/memory.py`: memory is bounded while the shadow is frozen."""

from __future__ import annotations

import pytest

from benchmarks import memory
from shadow_middleware.testing import ShadowServer, frozen

pytestmark = pytest.mark.usefixtures("children_uncounted")


@pytest.mark.slow
def test_memory_is_bounded_under_a_shadow_that_never_answers() -> None:
    """W7 W8 W9 W10: live stays within its buffer and 10 MiB, the agent within its queue."""
    bare, _ = memory.measure(400)
    with ShadowServer(frozen) as shadow:
        live, agent = memory.measure(1500, shadow.url)

    assert live.grown - bare.grown <= memory.ALLOWED
    assert agent.peak <= memory.AGENT_ALLOWED
    assert agent.peak > 0
