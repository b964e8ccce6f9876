"""One group in words: what changed, how often, whether it is noise."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from shadow_middleware.reading.knowing import GroupDetail
from shadow_middleware.reading.triage import Job
from shadow_middleware.report.examples import Example, example_of
from shadow_middleware.report.figures import moment
from shadow_middleware.report.groups import GroupRow
from shadow_middleware.report.noise_words import answer, evidence
from shadow_middleware.tui.words import DIM, HEAD, lines, one_line, share, shown

__all__ = ["STATE_STYLES", "group_text"]

STATE_STYLES = {
    "open": "red",
    "regressed": "bold red",
    "ignored": "",
    "resolved": "green",
    "noise": "green",
}


def group_text(detail: GroupDetail, job: Job | None = None) -> Text:
    """Return all that is known of one group, without its samples; and of its recheck."""
    row = detail.row
    facts = [
        ("group", Text(row.fingerprint)),
        ("state", Text(row.state, STATE_STYLES.get(row.state, ""))),
        *_named("recheck", _recheck(job) if job else iter(())),
        ("route", one_line(row.key.route)),
        ("target", one_line(row.key.target)),
        ("what", one_line(row.what, HEAD)),
        ("seen", Text(_seen(row))),
    ]
    example = example_of(detail.samples, row.fingerprint)
    if example is not None:
        facts.append(("example", _example(example)))
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
    facts += _named("noise?", _noise(detail))
    return lines(Text.assemble((f"{name:<10}", DIM), value) for name, value in facts)


def _named(name: str, texts: Iterator[Text]) -> Iterator[tuple[str, Text]]:
    """Return the texts below each other, the first with the name."""
    for number, text in enumerate(texts):
        yield ("" if number else name), text


def _example(example: Example) -> Text:
    """Return both values, each where there is one."""
    sides = (("live ", example.live, "red"), ("shadow ", example.shadow, "green"))
    return Text(", ").join(
        Text.assemble((name, DIM), one_line(value, style))
        for name, value, style in sides
        if value is not None
    )


def _seen(row: GroupRow) -> str:
    if not row.count:
        return "never as a divergence, only as noise"
    of = f", {share(row.share)} of the route's answers" if row.share else ""
    return ("once" if row.count == 1 else f"in {row.count:,} divergences") + of


def _noise(detail: GroupDetail) -> Iterator[Text]:
    """Return the answer, and below it the numbers that it rests on."""
    yield Text(answer(detail.evidence))
    for sentence in evidence(detail.evidence) if detail.evidence else ():
        yield one_line(f"· {sentence}")


def _recheck(job: Job) -> Iterator[Text]:
    """Return what came of a recheck, and why."""
    if job.running:
        yield Text("under way: the samples are on their way to the shadow", "bold")
        return
    if job.problem:
        yield one_line(f"failed: {job.problem}", "bold red")
        return
    done = ", and the group was resolved" if job.resolved else ""
    yield one_line(f"{job.fate}{done}", "bold")
    for reason, number in job.reasons:
        samples = f" (in {number:,} samples)" if number > 1 else ""
        yield one_line(f"· {reason}{samples}")
