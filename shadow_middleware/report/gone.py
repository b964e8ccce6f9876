"""What a store no longer holds, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from shadow_middleware.report.figures import moment
from shadow_middleware.retention import Removal, What, Why

__all__ = ["gone_text"]

_BOUNDS = {
    Why.AGE: "by age",
    Why.ROWS: "beyond the number to keep",
    Why.BYTES: "beyond the bytes to keep",
    Why.ASKED: "purged by hand",
}


def gone_text(
    removals: Iterable[Removal], target: str | None = None, begins: float = 0.0
) -> list[str]:
    """
    Return a sentence for each sort of thing that was removed, all reasons in one.

    Args:
        removals: As the store tells them.
        target: Only what is this target's, or nobody's in particular.
        begins: When the oldest evidence is of, in Unix seconds.
    """
    ours = [
        one
        for one in removals
        if (target is None or one.target in ("", target))
        and (one.what is not What.MINUTES or one.upto > begins)
    ]
    told = []
    for what in What:
        some = [one for one in ours if one.what is what]
        count = sum(one.count for one in some)
        if some and (count or what is What.MINUTES):
            told.append(_sentence(what, count, some))
    return told


def _sentence(what: What, count: int, some: list[Removal]) -> str:
    upto = max(one.upto for one in some)
    before = f" of before {moment(upto)[:16]} UTC" if upto else ""
    reasons = dict.fromkeys(_BOUNDS[one.why] for one in some)
    why = f" ({', '.join(reasons)})"
    match what:
        case What.DIVERGENCES:
            return f"{count:,} stored divergences went{before}{why}; they stay counted"
        case What.OUTCOMES:
            return f"{count:,} outcomes{before} are counted no more{why}"
        case What.UNACCOUNTED:
            return f"{count:,} exchanges of sessions that are forgotten never ended{before}"
        case What.MINUTES:
            return f"what came{before} is told apart by the hour, not by the minute"
        case What.RUNS:
            return f"{count:,} offline replays went{before}{why}"
