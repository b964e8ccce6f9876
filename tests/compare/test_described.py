"""Many differences of a sort hide no other, and what was cut is said to be. W43"""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.compare.making import compare_json


def rows(seed: int, changed: int = -1) -> list[dict[str, Any]]:
    """A hundred rows, each with an id of its own that is made anew."""
    return [
        {
            "name": f"n{n}",
            "made": str(uuid.UUID(int=seed + n)),
            "sum": n + (n == changed),
        }
        for n in range(100)
    ]


def test_ids_made_anew_do_not_hide_a_change_in_a_late_row() -> None:
    """W43: they stand for one difference, which says how many more there are."""
    comparison = compare_json(rows(0), rows(1_000_000, changed=60))

    assert [("/0/made", "uuid"), ("/60/sum", "")] == [
        (d.path, d.alike) for d in comparison.differences
    ]
    assert comparison.differences[0].note.endswith("and 99 more like it")
    assert not comparison.cut


def test_plain_differences_do_not_hide_one_of_another_sort() -> None:
    """Beyond the limit the first of each further sort is still told."""
    live = [{"name": f"n{n}", "word": f"a{n}", "last": 1} for n in range(100)]
    shadow = [{**row, "word": f"b{n}"} for n, row in enumerate(live)]
    shadow[99]["last"] = None
    comparison = compare_json(live, shadow, max_differences=3)

    assert 4 == len(comparison.differences)
    assert ("/99/last", "type") == (
        comparison.differences[-1].path,
        comparison.differences[-1].kind,
    )
    assert not comparison.cut


def test_the_size_of_a_step_makes_another_sort() -> None:
    """A price that doubles is not hidden by many that are a little off."""
    live = [{"id": n, "v": 1000 + n} for n in range(100)]
    shadow = [{"id": n, "v": 1001 + n if n != 80 else 9} for n in range(100)]
    comparison = compare_json(live, shadow, max_differences=3)

    assert {"slight", "large"} == {d.size for d in comparison.differences}


@given(st.integers(1, 6), st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_every_sort_is_told_unless_it_is_cut(limit: int, sorts: Any) -> None:
    """And never more than twice the limit, besides what is alike."""
    others = (None, "x", True, [1])
    live = [{"id": n, "v": n} for n in range(len(sorts))]
    shadow = [{"id": n, "v": others[sort]} for n, sort in enumerate(sorts)]
    comparison = compare_json(live, shadow, max_differences=limit)
    shapes = {d.shadow_is for d in comparison.differences}

    assert len(comparison.differences) <= 2 * limit
    assert comparison.cut or len(shapes) == len(set(sorts))
