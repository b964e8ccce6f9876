"""The quick form of `benchmarks/sessions.py`: a few users of Django, none mixed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import sessions

pytestmark = pytest.mark.usefixtures("children_uncounted")

USERS, STEPS = 3, 27


def test_every_step_of_every_user_matches(tmp_path: Path) -> None:
    """On a shadow that is another process, with another database and other ids."""
    result = sessions.run("notes", "rebind", USERS, STEPS, tmp_path)

    assert ({"match": USERS * STEPS}, 0) == (dict(result.outcomes), result.mixed), (
        result.details
    )
    assert "| 100.00% | 0 | 0 | 0 |" in sessions.table([result])
