"""What sort of value a value is: a small, total and stable set of words."""

from __future__ import annotations

import json
import random
import secrets
import uuid
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.compare.value_shapes import (
    family,
    json_type,
    shape_of,
    shapes_of,
    size_of,
)
from tests.compare.test_properties import NAMES, VALUES

FAMILIES = {
    *("array", "boolean", "csrf-token", "date", "decimal", "digits", "e-mail"),
    *("empty", "hash", "integer", "jwt", "null", "number", "object", "signed-url"),
    *("text", "time", "timestamp", "token", "ulid", "url", "uuid", "word"),
}
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("value", "name", "shape"),
    [
        (None, "", "null"),
        (True, "", "boolean"),
        (-3, "", "integer"),
        (30_000_000, "", "integer"),
        (-0.5, "", "number"),
        ("", "", "empty"),
        ({}, "", "object"),
        ([1], "", "array"),
        ("3f2b8c1e-58a7-4d3c-9a51-0c4b7a1e2d3f", "", "uuid"),
        ("req_3f2b8c1e-58a7-4d3c-9a51-0c4b7a1e2d3f", "", "uuid"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "ulid"),
        ("d41d8cd98f00b204e9800998ecf8427e", "", "hash"),
        ("sha256-RFWPLDbv2BY+rCkDzsE+0fr8ylGr2R2faWMhq4lfEQc=", "", "hash"),
        (JWT, "", "jwt"),
        ("4bf92f3577b34da6", "", "token"),
        ("tok_9fKq2LmXz81RtYwQ0aBc", "", "token"),
        ("https://a.example/x?y=1", "", "url"),
        ("https://a.example/x?X-Amz-Signature=ab12", "", "signed-url"),
        ("ann@example.org", "", "e-mail"),
        ("aBcDeFgH12", "csrfmiddlewaretoken", "csrf-token"),
        ("aBcDeFgH12", "X-CSRF-Token", "csrf-token"),
        ("aBcDeFgH12", "", "word"),
        ("aB3dE5", "nonce", "token"),
        ("summer-sale-2024-shoes-for-men", "", "word"),
        ("getUserProfileByIdentifier", "", "word"),
        ("hello there", "", "text"),
        ("Grüße", "", "text"),
        ("-17", "", "digits"),
        ("12.50", "", "decimal"),
        ("2026-11-21", "", "date YYYY-MM-DD"),
        ("07:46:15", "", "time hh:mm:ss"),
        ("2026-13-21", "", "word"),
        ("2026-11-21T07:46:15Z", "", "timestamp YYYY-MM-DDThh:mm:ssZ"),
        ("2026-11-21T07:46:15.12Z", "", "timestamp YYYY-MM-DDThh:mm:ss.fffZ"),
        (
            "2026-11-21T07:46:15.1234+01:00",
            "",
            "timestamp YYYY-MM-DDThh:mm:ss.ffffff+hh:mm",
        ),
        ("2026-11-21 07:46", "", "timestamp YYYY-MM-DD hh:mm"),
        ("Sat, 21 Nov 2026 07:46:15 GMT", "", "timestamp http-date GMT"),
        ("20261121T074615Z", "", "timestamp YYYYMMDDThhmmssZ"),
        (1_795_000_000, "expires_at", "timestamp epoch-s"),
        (1_795_000_000_123, "createdAt", "timestamp epoch-ms"),
        (1_795_000_000.5, "ts", "timestamp epoch-s.f"),
        (1_795_000_000, "population", "integer"),
    ],
)
def test_a_value_has_its_shape(value: Any, name: str, shape: str) -> None:
    """By what it is and by the name of its field."""
    assert shape == shape_of(value, name)


@given(VALUES, NAMES)
def test_every_value_has_a_shape_of_the_small_set(value: Any, name: str) -> None:
    """And the same one whenever it is asked for."""
    shape = shape_of(value, name)

    assert family(shape) in FAMILIES
    assert shape == shape_of(json.loads(json.dumps(value)), name)


@given(st.text(max_size=5_000), NAMES)
def test_no_text_is_too_odd(text: str, name: str) -> None:
    """Any text has the shape of a string, never that of null or a number."""
    assert family(shape_of(text, name)) in FAMILIES - {
        *("null", "boolean", "integer", "number", "object", "array")
    }


@given(VALUES, VALUES)
def test_values_of_different_types_never_share_a_shape(one: Any, other: Any) -> None:
    """But for times, which state their own form, number and text are apart as well."""
    if json_type(one) != json_type(other):
        assert shape_of(one) != shape_of(other)


def test_one_sort_of_random_value_keeps_its_shape() -> None:
    """So that the noise of one field is not scattered over many shapes."""
    seeded = random.Random(3)

    def drawn(size: int) -> bytes:
        return seeded.randbytes(size)

    makers: dict[str, Callable[[], str]] = {
        "uuid": lambda: str(uuid.UUID(bytes=drawn(16), version=4)),
        "hash": lambda: drawn(32).hex(),
        "token": lambda: urlsafe_b64encode(drawn(32)).decode().rstrip("="),
    }
    for shape, make in makers.items():
        missed = sum(shape_of(make()) != shape for _ in range(2_000))
        assert missed <= 10, (shape, missed)
    padded = [shape_of(b64encode(drawn(25)).decode()) for _ in range(2_000)]
    assert padded.count("token") >= 1_990
    assert "token" == shape_of(secrets.token_urlsafe(48))


def test_what_can_be_read_is_no_random_token() -> None:
    """A cursor in base64 says which page it is of: another one is another page."""
    cursor = b64encode(b'{"page": 12, "size": 100}').decode()

    assert "word" == shape_of(cursor)


@pytest.mark.parametrize(
    ("live", "shadow", "size"),
    [
        (1.0, 1.0 + 1e-12, "tiny"),
        (1000, 1005, "slight"),
        (10, 12, "some"),
        (1, -1, "large"),
        (0, 5, "large"),
        (0, 0.0, "tiny"),
        ("12.50", "12.51", "slight"),
        (10**400, 1.5, "large"),
        (True, 2, ""),
        (1, None, ""),
        ("a", 1, ""),
    ],
)
def test_two_numbers_are_some_way_apart(live: Any, shadow: Any, size: str) -> None:
    """Told in four steps, by their share of the larger one."""
    assert size == size_of(live, shadow)
    assert size == size_of(shadow, live)


def test_a_token_that_looks_like_a_word_is_one_beside_a_token_as_long() -> None:
    """By chance one of a few hundred has no digit, or nothing else."""
    token, wordlike = "3Zk9QpL0vXw7TbR2mN8sYc4d", "pXXmwTGbwon-NoozCCDahyLt"

    assert ("token", "token") == shapes_of(token, wordlike, "intent")
    assert ("token", "token") == shapes_of(wordlike, token, "intent")
    assert ("token", "token") == shapes_of("70f8036448677a53", "5051679027429994")


@pytest.mark.parametrize("word", ["none", "xxxxxxxxxxxxxxxxxxxxxxxx", "", None, 7])
def test_a_token_beside_anything_else_is_beside_something_else(word: object) -> None:
    """Another length, the same letter over and over, no text at all."""
    ours, theirs = shapes_of("3Zk9QpL0vXw7TbR2mN8sYc4d", word, "intent")

    assert "token" == ours
    assert "token" != theirs
