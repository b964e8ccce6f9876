"""Whether a group is noise, in sentences, with the numbers that say so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from shadow_middleware.knowledge import DAY
from shadow_middleware.report.figures import percent
from shadow_middleware.report.noise import NoiseRow, Sightings
from shadow_middleware.report.wording import SIZES, shape_in_words

__all__ = ["NOTHING_COUNTED", "answer", "day_of", "evidence", "why_noise"]

NOTHING_COUNTED = "Nothing was counted of it that is young enough to count."

_FEW = 4
_WHYS = {
    "ruled": "a person said so",
    "control": "live and its control differ there as well",
    "self-probe": "the shadow differs from itself there as well",
}


def answer(row: NoiseRow | None) -> str:
    """Return the answer to: is it noise?"""
    if row is None:
        return NOTHING_COUNTED
    if row.ruled:
        return f"A person ruled: {row.ruled}."
    if row.noise:
        return f"Yes: {why_noise(row)}."
    if row.twins:
        return "No: the shadow shows it more often than one version does by itself."
    if row.control.of or row.probe.of:
        return "No: no two answers of one version differ so."
    return "Not known: no control and no self-probe has looked at this route."


def why_noise(row: NoiseRow) -> str:
    """Return why it is noise, in a few words; '' where it is none."""
    if row.ruled and not row.noise:
        return "a person said so"
    if not row.noise:
        return ""
    return _WHYS.get(row.why, f"both are {shape_in_words(row.why)}")


def evidence(row: NoiseRow) -> Iterator[str]:
    """Return the numbers that the answer rests on, a sentence each."""
    yield _compared("live against the shadow", row.raw)
    if row.control.of:
        yield _compared("live against its control", row.control)
    if row.probe.of:
        yield _compared("the shadow against itself", row.probe)
    if row.more or row.less:
        yield _test(row)
    if row.not_noise and row.twins and not row.noise:
        yield f"it counts {_where_it_counts(row.not_noise)}"
    if row.last_day is not None:
        yield f"rests on {_days(row)}"


def day_of(day: int | None) -> str:
    """Return a day since the epoch as a date."""
    if day is None:
        return "-"
    return datetime.fromtimestamp(day * DAY, UTC).date().isoformat()


def _compared(what: str, seen: Sightings) -> str:
    share = "-" if seen.rate is None else percent(seen.rate)
    return f"{what}: {seen.seen:,.0f} of {seen.of:,.0f} ({share})"


def _test(row: NoiseRow) -> str:
    return (
        f"of the answers that tell them apart, {row.more:,.0f} show it on the shadow "
        f"alone and {row.less:,.0f} on the one version alone: evidence "
        f"{_size(row.e_value)}, a divergence from {_size(row.e_needed)} on"
    )


def _size(value: float) -> str:
    if value < 100:
        return f"{value:.2g}"
    return f"{value:,.0f}" if value < 1e6 else f"{value:.0e}"


def _where_it_counts(cells: Sequence[str]) -> str:
    """Return statuses and sizes in words."""
    words = []
    for cell in cells[:_FEW]:
        status, _, rest = cell.partition(" ")
        size = SIZES.get(rest.rpartition(" ")[2], "")
        words.append(f"at status {status}{size and f', {size}'}")
    more = f" and in {len(cells) - _FEW} more cases" if len(cells) > _FEW else ""
    return "; ".join(words) + more


def _days(row: NoiseRow) -> str:
    first, last = day_of(row.first_day), day_of(row.last_day)
    if row.days > 1:
        return f"{row.days:,} days, {first} to {last}"
    return f"one day, {last}"
