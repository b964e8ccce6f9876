"""Pure: whether two responses are the same answer, and where they are not."""

from __future__ import annotations

from shadow_middleware.compare.comparer import Comparer, Comparison

__all__ = ["Comparer", "Comparison"]
