"""The quick look at JSON says no sooner than it says yes to a secret."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shadow_middleware.settings import Settings
from shadow_middleware.transform.innocent import is_innocent_json
from shadow_middleware.transform.redact import Redactor

REDACTOR = Redactor(Settings(max_stored_body=1 << 30))
_words = st.sampled_from(
    [
        *("name", "id", "token", "value", "password", "key", "pin", "a:b", "x=1"),
        *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "4111 1111 1111 1111", "tea"),
        *("token: s3cr3t99", "https://u:p@host/", '{"pin": "1"}', "%74oken=1", " [1]"),
        *("sk_live_abcdefghij0123456789", "12:30:00", "<input name=pin value=1>", ""),
    ]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _words,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=4)
    ),
    max_leaves=12,
)
_pieces = st.sampled_from(
    [*'{}[]:," ', "null", "nulltrue", "1", "1x", '"a"', '"pin"', '"1234"', "\\", "tea"]
)
_broken = st.lists(_pieces, max_size=14).map("".join)


def is_unchanged(text: str) -> bool:
    """Whether the walk over all tokens leaves the text as it is."""
    return REDACTOR.document(text, "application/json") == text


@given(_values.map(lambda value: json.dumps(value, ensure_ascii=False)) | _broken)
@settings(max_examples=400)
@example('{"name": "password", "value": "x"}')
@example('{"a": "token: abc"}')
@example('{"a": "https://ann:pw99@host/"}')
@example('{"a": 4111111111111111}')
@example("[" * 300 + "]" * 300)
@example('{"pin": 1, "pin": null}')
@example('"pin" "x": 1')
@example('{"pin"{')
def test_what_looks_innocent_is_what_the_walk_leaves_as_it_is(text: str) -> None:
    """Yes is never said of a text that redacting would change."""
    if is_innocent_json(text):
        assert is_unchanged(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"id": 1, "name": "tea", "price": 3.5, "sold": null, "at": "2026-01-31"}',
        '[{"url": "https://shop.example/items/1", "at": "12:30:00"}]',
        '{"a": 1}\n{"a": 2}\n',
        json.dumps([{"id": n, "name": f"tea {n}"} for n in range(500)]),
    ],
)
def test_plain_json_is_seen_to_be_plain(text: str) -> None:
    """Or the quick look would be of no use."""
    assert is_innocent_json(text)
