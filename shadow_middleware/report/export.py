"""
Groups and divergences for other programs: NDJSON, HAR, JUnit XML and Markdown.

Each format is a generator of pieces of text, so that a million divergences pass
through in the memory of one. What they hold is redacted since it was stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import msgspec

from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.report.differences import described
from shadow_middleware.report.figures import moment, printable
from shadow_middleware.report.groups import COUNTED, GroupRow
from shadow_middleware.report.har import archive, entries_of
from shadow_middleware.report.junit import safe
from shadow_middleware.report.markdown import code, plain

__all__ = ["Format", "exported"]

Item = StoredDivergence | GroupRow
_LONGEST_FENCE: Final = 4_000
"""Characters of a body in Markdown; the other formats have it whole."""


class Format(StrEnum):
    """What other programs read."""

    NDJSON = "ndjson"
    """A JSON object on each line: for jq, databases and data frames."""
    HAR = "har"
    """HTTP Archive 1.2: for browsers and proxies."""
    JUNIT = "junit"
    """For CI systems."""
    MARKDOWN = "markdown"
    """For issues and pull requests."""


def exported(
    items: Iterable[Item],
    form: Format,
    *,
    what: str,
    total: int,
    creator: str = "",
) -> Iterator[str]:
    """
    Return the items in the format, piece by piece.

    Args:
        items: Divergences or groups; for HAR divergences only.
        form: The format.
        what: `groups` or `divergences`, for headings.
        total: How many items there are.
        creator: The version that HAR names.
    """
    match form:
        case Format.NDJSON:
            return map(_ndjson, items)
        case Format.HAR:
            return _har(items, creator)
        case Format.JUNIT:
            return _junit(items, what, total)
        case Format.MARKDOWN:
            return _markdown(items, what, total)


def _ndjson(item: Item) -> str:
    fields: dict[str, Any]
    if isinstance(item, StoredDivergence):
        fields = {"kind": "divergence", "id": item.id}
        fields |= msgspec.structs.asdict(item.record)
    else:
        fields = {"kind": "group", **msgspec.structs.asdict(item)}
    return json.dumps(msgspec.to_builtins(fields), separators=(",", ":")) + "\n"


def _har(items: Iterable[Item], creator: str) -> Iterator[str]:
    found = (item for item in items if isinstance(item, StoredDivergence))
    return archive(chain.from_iterable(map(entries_of, found)), creator)


def _junit(items: Iterable[Item], what: str, total: int) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    name = quoteattr(f"shadow-middleware {what}")
    yield f'<testsuites name={name}>\n<testsuite name={name} tests="{total}">\n'
    for item in items:
        yield _case(item)
    yield "</testsuite>\n</testsuites>\n"


def _case(item: Item) -> str:
    if isinstance(item, StoredDivergence):
        record = item.record
        name, target = f"{record.route} {record.exchange_id}", record.target
        changes, state = [described(one) for one in record.differences], "open"
    else:
        name, target = f"{item.key.route} {item.fingerprint}", item.key.target
        changes, state = [item.what], item.state
    text = safe("; ".join(changes) or "the bytes differ")
    head = (
        f"<testcase classname={_attribute(f'shadow.{target}')} name={_attribute(name)}"
    )
    if state not in COUNTED:
        return f'{head} time="0"><skipped message={_attribute(state)}/></testcase>\n'
    return (
        f'{head} time="0"><failure type={_attribute(state)} message={_attribute(text)}>'
        f"{escape(text)}</failure></testcase>\n"
    )


def _attribute(text: str) -> str:
    return quoteattr(safe(text))


def _markdown(items: Iterable[Item], what: str, total: int) -> Iterator[str]:
    yield f"# Shadow {what}: {total:,}\n"
    started = False
    for item in items:
        if isinstance(item, StoredDivergence):
            yield _section(item)
            continue
        if not started:
            yield (
                "\n| group | target | route | what | count | state | first | last |\n"
                "|---|---|---|---|--:|---|---|---|\n"
            )
            started = True
        yield _row(item)


def _row(item: GroupRow) -> str:
    key = item.key
    return (
        f"| `{item.fingerprint}` | {plain(key.target)} | {plain(key.route)} "
        f"| {plain(item.what)} | {item.count:,} | {item.state} "
        f"| {moment(item.first_at)} | {moment(item.last_at)} |\n"
    )


def _section(item: StoredDivergence) -> str:
    record = item.record
    changes = [f"- {plain(described(one))}" for one in record.differences]
    return "\n".join(
        [
            f"\n## {item.id}: {plain(record.route)}\n",
            f"`{code(f'{record.method} {record.path}')}` to {plain(record.target)}, "
            f"{moment(record.at)}: live {record.live_status} in {record.live_ms:.1f} ms, "
            f"shadow {record.shadow_status} in {_ms(record.shadow_ms)}\n",
            *(changes or ["- the bytes differ"]),
            *([f"\n{plain(record.hint)}"] if record.hint else []),
            _fenced("live", record.live_body),
            _fenced("shadow", record.shadow_body),
        ]
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _fenced(name: str, body: str) -> str:
    """Return a body in a fence that is longer than any in it."""
    if not body:
        return f"\n{name}: no body\n"
    shown = printable(body[:_LONGEST_FENCE])
    longest = max((len(run) for run in _runs(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{name}:\n\n{fence}text\n{shown}\n{fence}\n"


def _runs(text: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if run]
