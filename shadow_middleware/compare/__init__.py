"""Pure: whether two responses are the same answer, and where they are not."""

from __future__ import annotations

from shadow_middleware.compare.comparer import Comparer, Comparison
from shadow_middleware.compare.legs import Legs

__all__ = ["Comparer", "Comparison", "Legs"]
