"""Every drill begins without agents and leaves none."""

from __future__ import annotations

from tests.promises.conftest import _no_agent_stays, store

__all__ = ["_no_agent_stays", "store"]
