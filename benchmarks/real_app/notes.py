"""
Release notes, and how to tell that a difference is the change they speak of.

A group counts for a note only where every stored sample of it is that change, to the
character: the rest of the line has to be the same on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Difference, Kind, Part

__all__ = ["PAIRS", "Note"]

Fits = Callable[[DivergenceRecord, Difference], bool]


class Note(NamedTuple):
    """One change that shows in answers."""

    issue: str
    """Its number in datasette's repository."""
    says: str
    fits: Fits
    stated: bool = True
    """Whether the release notes name it."""


def _texts(found: Difference) -> tuple[str, str]:
    """Return both values as texts, without what differs between any two servers."""
    live, shadow = (
        re.sub(r"127\.0\.0\.1:\d+", "HOST", str(value or "")).strip("…")
        for value in (found.live, found.shadow)
    )
    return live, shadow


def _same_start(live: str, shadow: str) -> bool:
    # Long lines are shown around the place that differs, and end where they end.
    short = min(len(live), len(shadow))
    return short > 0 and live[:short] == shadow[:short]


def _spaces(record: DivergenceRecord, found: Difference) -> bool:
    live, shadow = (
        re.sub(r"~20|%2B|%20", "+", text, flags=re.IGNORECASE) for text in _texts(found)
    )
    return "~20" in str(found.live) and _same_start(live, shadow)


def _binary(record: DivergenceRecord, found: Difference) -> bool:
    live, shadow = _texts(found)
    shadow = re.sub(r' title="[\d.]+ KB"', "", shadow)
    shadow = re.sub(r"(Binary:&nbsp;\d),(\d{3})", r"\1\2", shadow)
    return "Binary" in live and _same_start(live, shadow)


def _facet_option(record: DivergenceRecord, found: Difference) -> bool:
    script = "<script>DATASETTE_ALLOW_FACET = true;</script>"
    if record.path.startswith("/-/static/table.js"):
        return record.shadow_status == 200
    return found.kind is Kind.ADDED and found.shadow == script


def _immutable(record: DivergenceRecord, found: Difference) -> bool:
    live, shadow = _texts(found)
    warned = "cannot be executed because the database is immutable" in shadow
    button = " disabled>" in shadow and live == shadow.replace(" disabled>", ">")
    return warned or button


def _sort_desc(record: DivergenceRecord, found: Difference) -> bool:
    start = '<input type="hidden" name="_sort_desc" '
    return found.kind is Kind.MISSING and str(found.live).startswith(start)


def _etag(record: DivergenceRecord, found: Difference) -> bool:
    is_header = found.part is Part.HEADER and found.path == "etag"
    return is_header and found.kind is Kind.ADDED and ".db" in record.path


def _hooks(record: DivergenceRecord, found: Difference) -> bool:
    added = re.search(r"datasette\.(handle_exception|forbidden)\b", str(found.shadow))
    return found.kind is Kind.ADDED and ".json?all=1" in record.path and bool(added)


def _forbidden(record: DivergenceRecord, found: Difference) -> bool:
    live, shadow = _texts(found)
    return (
        record.live_status == 403 and live.replace("Error 403", "Forbidden") == shadow
    )


def _redirect(record: DivergenceRecord, found: Difference) -> bool:
    return record.path.startswith("//") and found.path == "location"


PAIRS: dict[tuple[str, str], tuple[Note, ...]] = {
    ("0.61.1", "0.62"): (
        Note("1701", "spaces in URLs are + rather than ~20", _spaces),
        Note("1712", "<Binary: 2,427 bytes> with a tooltip", _binary),
        Note("1683", "no facet option where faceting is off", _facet_option),
        Note("1728", "a warning on writes to immutable databases", _immutable),
        Note("1738", "_sort_desc is no longer doubled", _sort_desc),
        Note("1739", "downloads have an ETag", _etag),
        Note("1770", "new hook handle_exception", _hooks),
        Note("1770", "the same change: 403 pages say Forbidden", _forbidden, False),
    ),
    ("0.64.8", "0.65.2"): (
        Note("2429", "//host/path no longer redirects to the host", _redirect),
    ),
}
"""The notes of each pair that show in answers to requests; the newer version's own."""
