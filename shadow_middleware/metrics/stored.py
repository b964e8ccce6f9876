"""The figures of a whole fleet, read from the store that its agents write."""

from __future__ import annotations

from collections import Counter

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import CONTROL, Outcome
from shadow_middleware.metrics.figures import Figures
from shadow_middleware.metrics.meter import MOST_REASONS, Names
from shadow_middleware.store.base import Reader

__all__ = ["stored_figures"]


def stored_figures(reader: Reader, most_routes: int = 100) -> Figures:
    """
    Return what the store holds, fit for `exposition.prometheus_text`.

    Args:
        reader: The open store.
        most_routes: Routes told apart, those with the most replays.

    Raises:
        StoreError: the store cannot be read.
    """
    totals = [row for row in reader.totals() if row.target != CONTROL]
    figures = _outcomes(totals, most_routes)
    for one in reader.progress():
        _add(figures, "store_selected", (one.target,), one.selected)
        _add(figures, "store_under_way", (one.target,), one.selected - one.ended)
    _add(figures, "store_divergences", (), reader.count_divergences())
    return figures


def _outcomes(totals: list[Total], most_routes: int) -> Figures:
    sizes: Counter[str] = Counter()
    for row in totals:
        sizes[row.route] += row.count
    routes, reasons = Names(most_routes), Names(MOST_REASONS)
    shown = {route: routes.bounded(route) for route, _ in sizes.most_common()}
    figures: Figures = {}
    for row in totals:
        labels = (row.target, shown[row.route], row.outcome.value)
        _add(figures, "store_replays", labels, row.count)
        if row.outcome not in (Outcome.MATCH, Outcome.DIVERGENCE):
            why = reasons.bounded(row.reason) if row.reason else "-"
            labels = (row.target, row.outcome.value, why)
            _add(figures, "store_reasons", labels, row.count)
    return figures


def _add(figures: Figures, name: str, labels: tuple[str, ...], number: float) -> None:
    figures[name, labels] = figures.get((name, labels), 0) + number
