"""From differences to an outcome: which of them are noise, and which group they join. Pure."""

from __future__ import annotations

from shadow_middleware.judge.case import Case, Judgement
from shadow_middleware.judge.decay import FADED, days_back, weight
from shadow_middleware.judge.judge import Judge
from shadow_middleware.judge.learned import Learned
from shadow_middleware.judge.profile import Profile, Taken
from shadow_middleware.judge.ruling import (
    Policy,
    Ruling,
    noise_among,
    rulings,
    rulings_of,
)

__all__ = [
    "FADED",
    "Case",
    "Judge",
    "Judgement",
    "Learned",
    "Policy",
    "Profile",
    "Ruling",
    "Taken",
    "days_back",
    "noise_among",
    "rulings",
    "rulings_of",
    "weight",
]
