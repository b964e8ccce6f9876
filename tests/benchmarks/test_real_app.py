"""What `benchmarks/real_app` takes for a change of the release notes, without PyPI."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from benchmarks.real_app.__main__ import rules_for
from benchmarks.real_app.notes import PAIRS
from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.settings import load

pytestmark = pytest.mark.usefixtures("children_uncounted")

NOTES = PAIRS["0.61.1", "0.62"]


def issues(
    live: Any, shadow: Any, path: str = "/old~20shelf", **more: Any
) -> list[str]:
    """The notes that take one difference for theirs."""
    status = more.pop("status", 200)
    kind = (
        Kind.ADDED if live is None else Kind.MISSING if shadow is None else Kind.CHANGED
    )
    found = Difference(
        more.get("part", Part.BODY), more.get("at", "/1"), kind, live, shadow
    )
    record = DivergenceRecord(
        "1", "shadow", 0.0, "GET /", "GET", path, status, status, 1.0, 1.0, (found,),
        False, "", False, [], "", [], "", [], "",
    )  # fmt: skip
    return [note.issue for note in NOTES if note.fits(record, found)]


@pytest.mark.parametrize(
    ("live", "shadow", "more", "said"),
    [
        ('<a href="/a~20b">', '<a href="/a+b">', {}, ["1701"]),
        ('<a href="/a~20b">7', '<a href="/a+b">8', {}, []),
        ("<input>", "<input disabled>", {}, ["1728"]),
        ("<input>", "<input hidden>", {}, []),
        ("Binary:&nbsp;2427", 'Binary:&nbsp;2,427', {}, ["1712"]),
        ("Binary:&nbsp;2427", 'Binary:&nbsp;2,428', {}, []),
        ("<p>7</p>", "<p>8</p>", {}, []),
        (None, '"abc"', {"part": Part.HEADER, "at": "etag", "path": "/a.db"}, ["1739"]),
        (None, '"abc"', {"part": Part.HEADER, "at": "etag", "path": "/a"}, []),
        ("<h1>Error 403</h1>", "<h1>Forbidden</h1>", {"status": 403}, ["1770"]),
        ("<h1>Error 403</h1>", "<h1>Forbidden</h1>", {"status": 404}, []),
        ('<input type="hidden" name="_sort_desc" value="a">', None, {}, ["1738"]),
        ('<input type="hidden" name="_sort" value="a">', None, {}, []),
    ],
)  # fmt: skip
def test_a_note_is_only_the_change_that_it_speaks_of(
    live: Any, shadow: Any, more: dict[str, Any], said: list[str]
) -> None:
    """Anything else in the line makes it another one."""
    assert said == issues(live, shadow, **more)


def test_the_rules_name_the_versions_that_are_compared(tmp_path: Path) -> None:
    """As one would state them: with a change from one number to the other, and no more."""
    asked = argparse.Namespace(live="0.61.1", shadow="0.62")
    written = rules_for(asked, tmp_path)
    rules = load({"rules_file": str(written)}, environ={}, require_target=False).rules

    assert {"expect"} == {rule.action for rule in rules}
    assert all(r"0\.61\.1" in rule.live and r"0\.62" in rule.shadow for rule in rules)
    asked.shadow = asked.live
    assert rules_for(asked, tmp_path) is None
