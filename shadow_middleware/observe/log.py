"""
One structured log line per divergence, through stdlib logging.

What a line carries is fit for any formatter: plain values in `extra`, and a message
that reads alone. It never holds a body or a value, only where things differ, and it
is bounded in length and in lines a second.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Difference
from shadow_middleware.observe.marks import unexplained
from shadow_middleware.observe.rate import Allowance

__all__ = ["LOGGER_NAME", "DivergenceLog", "place"]

LOGGER_NAME = "shadow_middleware.divergence"

_logger = logging.getLogger(LOGGER_NAME)

_MAX_PLACES = 10
_MAX_TEXT = 200
_MAX_HINT = 500


class DivergenceLog:
    """Writes at most `rate` lines a second and says how many it held back."""

    def __init__(self, clock: Callable[[], float], rate: float = 10.0) -> None:
        self._allowance = Allowance(rate, clock)
        self._held_back = 0

    def write(self, record: DivergenceRecord) -> None:
        """Log where the two answers differ, or count the line as held back."""
        if not _logger.isEnabledFor(logging.WARNING):
            return
        if not self._allowance.take():
            self._held_back += 1
            return
        held_back, self._held_back = self._held_back, 0
        extra = _fields(record, held_back)
        _logger.warning(
            "divergence on %s: %s: %s%s%s",
            extra["target"],
            extra["route"],
            _summary(unexplained(record.differences)),
            _named(record.groups),
            f". {extra['hint']}" if record.hint else "",
            extra=extra,
        )

    def flush(self) -> None:
        """Say how many lines were held back, once there is room for a line again."""
        if self._held_back and self._allowance.take():
            held_back, self._held_back = self._held_back, 0
            _logger.warning(
                "%d more divergences were found and not logged one by one",
                held_back,
                extra={"event": "divergences_held_back", "held_back": held_back},
            )


def place(difference: Difference) -> str:
    """Return where and how two answers differ, without either value."""
    where = f"{difference.part.value} {difference.path}".rstrip()
    return f"{_one_line(where)} {difference.kind.value}"


def _fields(record: DivergenceRecord, held_back: int) -> dict[str, object]:
    found = unexplained(record.differences)
    return {
        "event": "divergence",
        "exchange_id": record.exchange_id,
        "target": _one_line(record.target),
        "route": _one_line(record.route),
        "method": record.method,
        "live_status": record.live_status,
        "shadow_status": record.shadow_status,
        "live_ms": _rounded(record.live_ms),
        "shadow_ms": _rounded(record.shadow_ms),
        "differences": [place(one) for one in found[:_MAX_PLACES]],
        "difference_count": len(found),
        "groups": list(record.groups[:_MAX_PLACES]),
        "version": _one_line(record.version),
        "cut": record.cut,
        "hint": _one_line(record.hint, _MAX_HINT),
        "held_back": held_back,
    }


def _summary(differences: Sequence[Difference]) -> str:
    if not differences:
        return "the bytes differ"
    more = len(differences) - 1
    first = place(differences[0])
    return f"{first} and {more} more" if more else first


def _named(groups: Sequence[str]) -> str:
    if not groups:
        return ""
    return f" (group {groups[0]}{f' and {len(groups) - 1} more' * bool(groups[1:])})"


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 3)


def _one_line(text: str, longest: int = _MAX_TEXT) -> str:
    """Return the text bounded, and unable to forge a second line."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
