"""Recheck: stored samples sent to the shadow again after a mend, and what came of it."""

from __future__ import annotations

from shadow_middleware.recheck.again import Again, Rejudge
from shadow_middleware.recheck.result import Fate, GroupResult, SampleResult
from shadow_middleware.recheck.run import Recheck

__all__ = ["Again", "Fate", "GroupResult", "Recheck", "Rejudge", "SampleResult"]
