"""One group in words: what changed, how often, whether it is noise."""

from __future__ import annotations

from rich.text import Text

from shadow_middleware.reading.knowing import GroupDetail
from shadow_middleware.report.figures import moment
from shadow_middleware.report.groups import GroupRow
from shadow_middleware.report.noise import NoiseRow, Sightings
from shadow_middleware.report.wording import shape_in_words
from shadow_middleware.tui.words import DIM, HEAD, lines, one_line, share, shown

__all__ = ["STATE_STYLES", "group_text", "why_noise"]

STATE_STYLES = {
    "open": "red",
    "regressed": "bold red",
    "ignored": "",
    "resolved": "green",
    "noise": "green",
}
_WHYS = {
    "ruled": "a person said so",
    "control": "live and its control differ there as well",
    "self-probe": "the shadow differs from itself there as well",
}


def group_text(detail: GroupDetail) -> Text:
    """Return all that is known of one group, without its samples."""
    row = detail.row
    facts = [
        ("group", Text(row.fingerprint)),
        ("state", Text(row.state, STATE_STYLES.get(row.state, ""))),
        ("route", one_line(row.key.route)),
        ("target", one_line(row.key.target)),
        ("what", one_line(row.what, HEAD)),
        ("seen", Text(_seen(row))),
    ]
    if row.count:
        span = f"{moment(row.first_at)} to {moment(row.last_at)} UTC"
        facts.append(("when", Text(span)))
    if detail.since_version:
        versions = f"{detail.since_version} to {detail.last_version}"
        facts.append(("versions", one_line(versions)))
    if row.decided_at is not None:
        facts.append(("decided", Text(f"{moment(row.decided_at)} UTC")))
    if row.note:
        facts.append(("note", shown(row.note)))
    facts.append(("noise?", _noise(detail.evidence)))
    return lines(Text.assemble((f"{name:<10}", DIM), value) for name, value in facts)


def _seen(row: GroupRow) -> str:
    if not row.count:
        return "never as a divergence, only as noise"
    of = f", {share(row.share)} of the route's answers" if row.share else ""
    return ("once" if row.count == 1 else f"in {row.count:,} divergences") + of


def _noise(row: NoiseRow | None) -> Text:
    if row is None:
        return Text("nothing was counted of it that is young enough to count")
    rates = [f"{name} {share(seen.rate)}" for name, seen in _compared(row) if seen.of]
    beside = f" ({', '.join(rates)})" if rates else ""
    return Text(_answer(row) + beside)


def _compared(row: NoiseRow) -> tuple[tuple[str, Sightings], ...]:
    return (
        ("shadow", row.raw),
        ("control", row.control),
        ("itself", row.probe),
    )


def _answer(row: NoiseRow) -> str:
    if row.ruled:
        return f"a person ruled: {row.ruled}"
    if row.noise:
        return f"yes: {why_noise(row)}"
    if row.twins:
        return "no: the shadow shows it more often than one version does by itself"
    if row.control.of or row.probe.of:
        return "no: no two answers of one version differ so"
    return "not known: no control and no self-probe has looked"


def why_noise(row: NoiseRow) -> str:
    """Return in words why it is noise, or why not where somebody said so."""
    if not row.noise:
        return "a person said so" if row.ruled else ""
    return _WHYS.get(row.why, f"both are {shape_in_words(row.why)}")
