"""Items of two lists belong together so that as little as can be has moved."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.compare.align import Alignment, align

ITEMS = st.lists(st.sampled_from("aabcdef"), max_size=14)


def aligned(live: str | list[str], shadow: str | list[str]) -> Alignment:
    """How two lists lie beside each other."""
    return align(live, shadow, lambda: None)


@pytest.mark.parametrize(
    ("live", "shadow", "gone", "new"),
    [
        ("h i x y i f", "h x y i f", [1], []),
        ("h x y i f", "h i x y i f", [], [1]),
        ("a i b c i d e i f", "a b c i d e i f", [1], []),
        ("a b c i d e i f", "a i b c i d e i f", [], [1]),
        ("h s i x y z i f", "h n s x y z i f", [2], [1]),
        ("i a b c", "a b c", [0], []),
        ("h i x y i z f", "k x y i z g", [0, 1, 6], [0, 5]),
        ("k x y i z g", "h i x y i z f", [0, 5], [0, 1, 6]),
        ("h i x i y i z w f", "k x i y i z w g", [0, 1, 8], [0, 7]),
    ],
)
def test_one_of_several_equal_items_that_goes_or_comes_moves_no_other(
    live: str, shadow: str, gone: list[int], new: list[int]
) -> None:
    """A page with the same line twice loses the first one, and that is all."""
    found = aligned(live.split(), shadow.split())

    assert ([], gone, new) == (found.moved, found.live_only, found.shadow_only)


def test_an_item_that_did_move_has_moved() -> None:
    """Also where an equal one is gone, but lies elsewhere."""
    assert [(0, 2)] == aligned("abc", "bca").moved
    assert 1 == len(aligned("xaxbcd", "abcxd").moved)


@given(ITEMS, ITEMS)
def test_every_item_is_told_once(live: list[str], shadow: list[str]) -> None:
    """Paired with its equal, in order where kept, and left over only where none is left."""
    found = aligned(live, shadow)
    pairs = [*found.kept, *found.moved]

    assert all(live[left] == shadow[right] for left, right in pairs)
    assert [*range(len(live))] == sorted([a for a, _ in pairs] + found.live_only)
    assert [*range(len(shadow))] == sorted([b for _, b in pairs] + found.shadow_only)
    assert found.kept == sorted(found.kept)
    assert sorted(b for _, b in found.kept) == [b for _, b in found.kept]
    assert not Counter(live[n] for n in found.live_only) & Counter(
        shadow[n] for n in found.shadow_only
    )


@given(ITEMS, st.integers(0, 13))
def test_a_list_that_lost_one_item_has_not_moved(live: list[str], at: int) -> None:
    """Whatever else in it is equal to that item."""
    shadow = live[:at] + live[at + 1 :]
    found = aligned(live, shadow)

    assert ([], len(live) - len(shadow)) == (found.moved, len(found.live_only))


def test_many_equal_items_that_moved_take_no_quadratic_time() -> None:
    """Twenty thousand lines of two sorts, turned round."""
    live = ["a", "b"] * 10_000 + ["c"] * 5_000
    started = time.process_time()

    aligned(live, ["c"] * 6_000 + live[:16_000:-1] + ["b"] * 9_000)

    assert 2.0 > time.process_time() - started
