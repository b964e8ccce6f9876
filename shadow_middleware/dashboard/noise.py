"""The page of what is learned of noise, and of what a person says above it."""

from __future__ import annotations

from typing import Final

import msgspec

from shadow_middleware.dashboard.filters import NUMBER
from shadow_middleware.dashboard.said import said
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.knowledge import GroupKey
from shadow_middleware.report.noise import NoiseRow
from shadow_middleware.report.noise_words import day_of, why_noise

__all__ = ["SCREENS"]

_PAGE: Final = 50
_HELD: Final = {"noise": True, "signal": False}


class _Row(msgspec.Struct, frozen=True):
    """One group of the profile, ready to be shown."""

    fingerprint: str
    key: GroupKey
    what: str
    noise: bool
    why: str
    ruled: str
    raw: float | None
    control: float | None
    probe: float | None
    last: str


def _noise(visit: Visit) -> Shown:
    summary = visit.reading.noise()
    find = visit.query.get("find", "").strip()
    every = [row for row in summary.rows if _fits(row, visit.filters.target, find)]
    held = visit.query.get("held", "")
    held = held if held in _HELD else ""
    rows = [row for row in every if not held or row.noise is _HELD[held]]
    offset = visit.number("offset", 0)
    noisy = sum(row.noise for row in every)
    values = {
        "rows": [_row(row) for row in rows[offset : offset + _PAGE]],
        "total": len(rows),
        "all": len(summary.rows),
        "offset": offset,
        "limit": _PAGE,
        "held": held,
        "tabs": [
            ("", "All", len(every)),
            ("noise", "Noise", noisy),
            ("signal", "Counts", len(every) - noisy),
        ],
        "find": find,
        "overflow": f"{summary.overflow:,.0f}" if summary.overflow else "",
        "compared": round(summary.compared),
        "names": visit.reading.names(),
        **said(visit),
    }
    return Shown(template="noise.html", values=values)


def _fits(row: NoiseRow, target: str | None, find: str) -> bool:
    text = f"{row.key.route}\n{row.what}\n{row.fingerprint}"
    return target in (None, row.key.target) and find.casefold() in text.casefold()


def _row(row: NoiseRow) -> _Row:
    return _Row(
        row.fingerprint,
        row.key,
        row.what,
        row.noise,
        why_noise(row),
        row.ruled,
        row.raw.rate,
        row.control.rate,
        row.probe.rate,
        day_of(row.last_day),
    )


SCREENS = (
    Screen(
        name="noise",
        path="/noise",
        show=_noise,
        label="Noise",
        key="n",
        choices={"held": [*_HELD], "offset": NUMBER},
        every=15,
    ),
)
