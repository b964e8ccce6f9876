"""From differences to an outcome: which of them are noise, and which group they join. Pure."""

from __future__ import annotations

from shadow_middleware.judge.case import Case, Judgement
from shadow_middleware.judge.decay import days_back
from shadow_middleware.judge.ruling import Policy, Ruling, rulings

__all__ = ["Case", "Judgement", "Policy", "Ruling", "days_back", "rulings"]
