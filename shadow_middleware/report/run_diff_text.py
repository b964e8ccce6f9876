"""The difference of two runs as Markdown for a pull request, and as JUnit for CI. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from shadow_middleware.evidence import Run
from shadow_middleware.report.junit import document, safe
from shadow_middleware.report.markdown import plain
from shadow_middleware.report.run_diff import GroupChange, RouteChange, RunDiff

__all__ = ["diff_junit", "diff_markdown", "headline"]

_SHOWN: Final = 50


def headline(diff: RunDiff) -> str:
    """Return in a line what changed."""
    if diff.exit_code == 3:
        return "Nothing can be told: no route was compared in both runs"
    parts = [
        f"{len(diff.broke)} broke",
        f"{len(diff.fixed)} fixed",
        f"{len(diff.still)} still differ",
    ]
    if diff.failing:
        parts.append(f"{len(diff.failing)} routes fail more often")
    if diff.unknown:
        parts.append(f"{len(diff.unknown)} cannot be told")
    return ", ".join(parts)


def diff_markdown(before: Run, after: Run, diff: RunDiff) -> str:
    """Return the difference as Markdown."""
    lines = [
        f"### Replay: {headline(diff)}",
        "",
        f"Run {_named(before)} → {_named(after)}",
    ]
    for title, changes in (
        ("Broke", diff.broke),
        ("Fixed", diff.fixed),
        ("Still differs", diff.still),
        ("Cannot be told: the route was compared in one run only", diff.unknown),
    ):
        lines += _group_lines(title, changes)
    lines += _route_lines("Fails more often", diff.failing)
    lines += _route_lines("Fails less often", diff.recovered)
    return "\n".join(lines) + "\n"


def _named(run: Run) -> str:
    return f"`{run.id}`" + (f" ({plain(run.name)})" if run.name else "")


def _group_lines(title: str, changes: Sequence[GroupChange]) -> Iterator[str]:
    if not changes:
        return
    yield from ("", f"**{title}**", "", "| before | after | route | what |")
    yield "|--:|--:|---|---|"
    for one in changes[:_SHOWN]:
        yield f"| {one.before:,} | {one.after:,} | {plain(one.route)} | {plain(one.what)} |"
    if changes[_SHOWN:]:
        yield f"| | | | and {len(changes) - _SHOWN} more |"


def _route_lines(title: str, changes: Sequence[RouteChange]) -> Iterator[str]:
    if not changes:
        return
    yield from (
        "",
        f"**{title}**",
        "",
        "| failed before | after | route |",
        "|--:|--:|---|",
    )
    for one in changes[:_SHOWN]:
        yield f"| {one.failed_before:,} | {one.failed_after:,} | {plain(one.route)} |"


def diff_junit(before: Run, after: Run, diff: RunDiff) -> str:
    """Return the difference as JUnit: what broke fails, what still differs is skipped."""
    name = safe(f"replay {before.id} to {after.id}")
    root = Element("testsuites", {"name": "shadow-middleware runs diff"})
    suite = SubElement(root, "testsuite", {"name": name})
    for changes, sort in (
        (diff.broke, "failure"),
        (diff.fixed, ""),
        (diff.still, "skipped"),
        (diff.unknown, "skipped"),
    ):
        for one in changes:
            _add(suite, f"{one.route}: {one.what}", sort, f"{one.before} → {one.after}")
    for route in diff.failing:
        counts = (
            f"failed {route.failed_before} times before, {route.failed_after} after"
        )
        _add(suite, f"{route.route}: answers", "failure", counts)
    if diff.exit_code == 3:
        _add(suite, "evidence", "error", headline(diff))
    return document(root)


def _add(suite: Element, name: str, sort: str, message: str) -> None:
    details = {"name": safe(name), "classname": "shadow.replay", "time": "0"}
    case = SubElement(suite, "testcase", details)
    if sort:
        SubElement(case, sort, {"message": safe(message)})
