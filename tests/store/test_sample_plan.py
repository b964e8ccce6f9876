"""The samples of a group are found by an index, however many divergences there are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.dialects import sqlite

from shadow_middleware.evidence import DivergenceFilter
from shadow_middleware.store import queries


def test_samples_of_a_group_are_not_looked_for_in_all_divergences(
    empty_store: Path,
) -> None:
    """Few are sorted; walking in the order of time would read the whole table."""
    asked = queries.divergences_where(DivergenceFilter(group="f"), 50, 0)
    compiled = asked.compile(dialect=sqlite.dialect())
    values = [compiled.params[name] or "" for name in compiled.positiontup or ()]
    with closing(sqlite3.connect(empty_store)) as database:
        plan = [
            str(row[3])
            for row in database.execute(f"EXPLAIN QUERY PLAN {compiled}", values)
        ]

    searched = "SEARCH shadow_divergences USING INDEX sqlite_autoindex"
    assert [] != [step for step in plan if step.startswith(searched)], plan
    assert any("exchange_id=?" in step for step in plan), plan
