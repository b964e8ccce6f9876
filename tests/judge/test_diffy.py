"""Diffy's published rule, at its two thresholds."""

from __future__ import annotations

import pytest

from shadow_middleware.judge.diffy import is_divergence


@pytest.mark.parametrize(
    ("raw", "noise", "total", "counts"),
    [
        (0, 0, 0, False),
        (0, 0, 1_000, False),
        (5, 5, 1_000, False),
        (5, 9, 1_000, False),
        # |raw - noise| / (raw + noise) has to be above 20 %
        (60, 40, 1_000, False),
        (61, 40, 1_000, True),
        (150, 101, 1_000, False),
        # |raw - noise| / total has to be above 0.03 %
        (3, 0, 10_000, False),
        (4, 0, 10_000, True),
        (4, 1, 10_000, False),
        (4, 1, 9_000, True),
    ],
)
def test_a_field_counts_beyond_both_thresholds(
    raw: float, noise: float, total: float, counts: bool
) -> None:
    """And only where the shadow differs more often than the control."""
    assert counts is is_divergence(raw, noise, total)
