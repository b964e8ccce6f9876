"""Paths without what is peculiar to one answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.compare.path_shape import key_shape
from tests.compare.making import compare_json


@pytest.mark.parametrize(
    "key",
    [
        *("name", "user_id", "address2", "sha256", "ipv4", "Content-Type", "@type"),
        *("$ref", "dc:title", "de-DE", "h1", "p95", "oauth2_token", "größe", "_id"),
        *("facade", "deadbeefs", "line_2"),
    ],
)
def test_a_name_stays_a_name(key: str) -> None:
    """Digits within a word make it no id."""
    assert key == key_shape(key)


@pytest.mark.parametrize(
    "key",
    [
        *("17", "3f2b8c1e-58a7-4d3c-9a51-0c4b7a1e2d3f", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        *("4bf92f35", "2026-11-21", "ann@example.org", "a1b2c3", "user_1234"),
        *("x" * 41, "two words", "a/b", "", "sku-100"),
    ],
)
def test_what_looks_like_an_id_is_none_of_the_names(key: str) -> None:
    """It stands as `*`."""
    assert "*" == key_shape(key)


@given(st.text(max_size=60))
def test_every_key_has_a_shape_without_a_slash(key: str) -> None:
    """A shape of a path can be read segment by segment."""
    shape = key_shape(key)

    assert shape in (key, "*")
    assert "/" not in shape
    assert 0 < len(shape) <= 40


@pytest.mark.parametrize(
    ("live", "shadow", "shape"),
    [
        ({"items": [{"id": 1}]}, {"items": [{"id": 2}]}, "/items/*/id"),
        ({"by": {"17": {"n": 1}}}, {"by": {"17": {"n": 2}}}, "/by/*/n"),
        ({f"k{chr(97 + n % 26)}{'x' * n}": n for n in range(33)}, None, "/*"),
        ({f"k{chr(97 + n % 26)}{'x' * n}": n for n in range(32)}, None, "/ka"),
    ],
)
def test_a_difference_has_the_shape_of_its_path(
    live: Any, shadow: Any, shape: str
) -> None:
    """Many members of one sort are a map; fewer are an object."""
    comparison = compare_json(live, shadow or {**live, "ka": 99})

    assert [shape] == [d.shape for d in comparison.differences]


def test_a_wide_object_with_values_of_many_sorts_is_no_map() -> None:
    """A long record has names, however many."""
    live = {chr(97 + n % 26) * (n + 1): n if n % 2 else str(n) for n in range(40)}
    comparison = compare_json(live, {**live, "bb": 99})

    assert ["/bb"] == [d.shape for d in comparison.differences]


def test_a_deep_path_has_a_short_shape() -> None:
    """Comments within comments are one group from some depth on."""
    live, shadow = {"n": 1}, {"n": 2}
    for _ in range(30):
        live, shadow = {"more": live}, {"more": shadow}  # type: ignore[dict-item]
    comparison = compare_json(live, shadow)

    assert ["/more" * 8 + "/**/more/more/n"] == [
        d.shape for d in comparison.differences
    ]
