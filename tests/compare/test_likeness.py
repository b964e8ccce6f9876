"""What two values both are, where that can explain that they differ."""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.compare import Comparer, Legs
from shadow_middleware.compare.likeness import Likeness
from shadow_middleware.settings import Settings
from tests.compare.making import answer, compare, compare_json, exchange
from tests.compare.test_properties import NAMES, VALUES

AT = 1_795_000_000.25
LATER = 3_600.0
"""How much later than live the shadow was asked."""
LEGS = Legs(AT, AT + LATER, "live.example", "shadow.example:8001")
SURE = {"timestamp", "float", "host", "set-order"}


def alike(
    live: Any, shadow: Any, name: str = "x", legs: Any = LEGS, **given: Any
) -> str:
    """The likeness of two values."""
    return Likeness(Settings(**given), legs).of(live, shadow, name)


def iso(seconds: float, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    """A time as text."""
    return datetime.fromtimestamp(seconds, UTC).strftime(form)


def token(**claims: Any) -> str:
    """A JWT with these claims."""
    pieces = ({"alg": "HS256"}, claims)
    written = [urlsafe_b64encode(json.dumps(p).encode()).decode() for p in pieces]
    signature = urlsafe_b64encode(repr(claims).encode()).decode().rstrip("=")[-20:]
    return ".".join([*(piece.rstrip("=") for piece in written), signature])


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S.%f+00:00",
        "%a, %d %b %Y %H:%M:%S GMT",
        "%H:%M:%S",
        "%Y-%m-%d %H:%M",
    ],
)
@pytest.mark.parametrize("ahead", [0, 86_400 * 30])
def test_times_that_each_follow_their_request_are_alike(form: str, ahead: int) -> None:
    """In every format, now or in the future; not one that stays behind."""
    live = iso(AT + ahead, form)

    assert "timestamp" == alike(live, iso(AT + LATER + ahead + 2, form))
    assert "" == alike(live, iso(AT + LATER + ahead + 120, form))
    assert "" == alike(live, iso(AT + LATER + ahead + 2, form), legs=None)


@pytest.mark.parametrize(
    ("live", "shadow"),
    [
        # Another format, zone or precision, and another hour.
        (iso(AT), iso(AT + LATER, "%Y-%m-%dT%H:%M:%S+00:00")),
        (iso(AT), iso(AT + LATER, "%Y-%m-%dT%H:%M:%S.%fZ")),
        (iso(AT), iso(AT + LATER, "%Y-%m-%d %H:%M:%SZ")),
        (
            iso(AT, "%Y-%m-%dT%H:%M:%S+00:00"),
            iso(AT + LATER + 7200, "%Y-%m-%dT%H:%M:%S+02:00"),
        ),
        (iso(AT), iso(AT + LATER + 3600)),
        # Of something stored: both are of the past, and happen to be as far apart.
        (iso(AT - 864_000), iso(AT - 864_000 + LATER)),
        (iso(AT), ""),
        (iso(AT), None),
        (int(AT), int((AT + LATER) * 1000)),
        (int(AT), str(int(AT + LATER))),
        (int(AT - 9e6), int(AT - 9e6 + LATER)),
    ],
)
def test_times_that_do_not_are_not(live: Any, shadow: Any) -> None:
    """Another zone or precision is a difference that clients see."""
    assert "" == alike(live, shadow)
    assert "" == alike(live, shadow, "created_at")


def test_numbers_since_the_epoch_are_times() -> None:
    """As whole seconds, milliseconds, fractions or digits."""
    for live in (int(AT), int(AT * 1000), AT):
        later = type(live)(live + LATER * (1000 if live > 1e12 else 1))
        assert "timestamp" == alike(live, later)
        assert "timestamp" == alike(int(live), int(later))
    assert "timestamp" == alike(str(int(AT)), str(int(AT + LATER)))


def test_the_tolerance_of_times_is_that_of_the_settings() -> None:
    """Seconds, on top of the time between the two requests."""
    pair = iso(AT), iso(AT + LATER + 20)

    assert "" == alike(*pair)
    assert "timestamp" == alike(*pair, timestamp_tolerance=30.0)


def test_a_day_turns_between_two_requests() -> None:
    """A date alone may be the next one only if a day may have ended in between."""
    midnight = AT // 86_400 * 86_400 + 86_400
    days = iso(midnight - 10, "%Y-%m-%d"), iso(midnight + 10, "%Y-%m-%d")
    across = Legs(midnight - 1, midnight + 1)
    between = Legs(midnight - 400, midnight - 390)

    assert "timestamp" == alike(*days, legs=across)
    assert "" == alike(*days, legs=between)
    assert "" == alike(days[1], days[0], legs=across)


def test_fractions_are_alike_within_the_tolerance() -> None:
    """Only where both have one: an integer is exact."""
    assert "float" == alike(0.1 + 0.2, 0.3)
    assert "" == alike(0.1, 0.1001)
    assert "float" == alike(0.1, 0.1001, float_tolerance=0.01)
    assert "" == alike(10**15, 10**15 + 1)


def test_a_time_is_no_fraction_that_was_rounded() -> None:
    """A second of an old time is a difference, although it is a tiny share of it."""
    old = AT - 1e6 + 0.25

    assert "" == alike(old, old + 1, "created_at")
    assert "float" == alike(old, old + 4e-7, "created_at")
    assert "float" == alike(old, old + 1, "balance")
    assert "timestamp" == alike(AT, AT + LATER - 1, "at")


@pytest.mark.parametrize(
    ("live", "shadow", "found"),
    [
        ("http://live.example/a", "http://shadow.example:8001/a", "host"),
        ("https://live.example/a", "http://shadow.example:8001/a", "host"),
        ("see live.example/a.", "see shadow.example:8001/a.", "host"),
        (
            "http%3A%2F%2Flive.example%2Fa",
            "http%3A%2F%2Fshadow.example:8001%2Fa",
            "host",
        ),
        ("http://live.example/a", "http://shadow.example:8001/b", ""),
        ("http://live.example.org/a", "http://shadow.example:8001/a", ""),
        ("http://live.example/a", "http://live.example/b", ""),
        ("http://other.example/a", "http://shadow.example:8001/a", ""),
    ],
)
def test_each_side_may_name_itself(live: str, shadow: str, found: str) -> None:
    """And must agree in everything else."""
    assert found == alike(live, shadow)
    assert "" == alike(live, shadow, legs=None)


@pytest.mark.parametrize(
    ("live", "shadow", "name", "found"),
    [
        (str(uuid.UUID(int=1)), str(uuid.UUID(int=2)), "x", "uuid"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVS0", "x", "ulid"),
        ("a1" * 16, "b2" * 16, "x", "hash"),
        ("a1" * 16, "b2" * 20, "x", ""),
        ("tok_9fKq2LmXz81RtYwQ0aBc", "tok_1aKq2LmXz81RtYwQ0aBd", "x", "token"),
        ("tok_9fKq2LmXz81RtYwQ0aBc", "key_1aKq2LmXz81RtYwQ0aBd", "x", ""),
        ("aBcDeFgH12", "aBcDeFgH13", "csrf_token", "csrf-token"),
        (
            "https://s3/a?Expires=1&Signature=x1",
            "https://s3/a?Expires=2&Signature=x2",
            "x",
            "signed-url",
        ),
        (
            "https://s3/a?Expires=1&Signature=x1",
            "https://s3/b?Expires=2&Signature=x2",
            "x",
            "",
        ),
        (17, 18, "order_id", "sequence"),
        (17, 18, "orderId", "sequence"),
        (17, -18, "order_id", ""),
        (17, 18, "page_number", ""),
        (17, 18, "count", ""),
        ("tok_9fKq2LmXz81RtYwQ0aBc", "ab_1aKq2LmXz81RtYwQ0aBdG", "x", ""),
        ("ab-fKq2LmXz81RtYwQ0aBcx", "X9-aKq2LmXz81RtYwQ0aBdG", "x", "token"),
        (
            "nonce-CDDXSEkJmlhWYANyFKpphIEz",
            "nonce-0QDz8T9B/oGUINru7LycOoWS",
            "x",
            "token",
        ),
        ("/orders/17", "/orders/18", "location", "sequence"),
        ("/orders/17", "/offers/18", "location", ""),
        ("/orders/17", "/orders/18", "next", ""),
        ("INV-17", "INV-18", "invoice_number", "sequence"),
        ("INV-17", "ORD-18", "invoice_number", ""),
        (token(sub="1", iat=int(AT)), token(sub="1", iat=int(AT) + 9), "x", "jwt"),
        (token(sub="1", iat=int(AT)), token(sub="2", iat=int(AT)), "x", ""),
        (token(sub="1", role="user"), token(sub="1"), "x", ""),
    ],
)
def test_what_is_made_anew_is_of_one_sort(
    live: Any, shadow: Any, name: str, found: str
) -> None:
    """And of one sort only where all else that it says is the same."""
    assert found == alike(live, shadow, name)


@given(VALUES, VALUES, NAMES)
def test_only_values_of_one_type_are_ever_alike(
    live: Any, shadow: Any, name: str
) -> None:
    """Null, a missing value, an empty text and another type never are."""
    comparison = compare_json({name: live}, {name: shadow})
    for found in comparison.differences:
        if found.kind in ("missing", "added", "type"):
            assert "" == found.alike
        if {found.live_is, found.shadow_is} & {"null", "empty", ""}:
            assert "" == found.alike


SHOWN = (
    ("uuid", str(uuid.UUID(int=1)), str(uuid.UUID(int=2))),
    ("float", 0.1 + 0.2, 0.3),
    ("timestamp", iso(AT), iso(AT + LATER)),
    ("host", "http://live.example/", "http://shadow.example:8001/"),
    ("set-order", ["b", "a", "d", "c", "e"], ["d", "e", "b", "c", "a"]),
    ("hash", "a1" * 16, "b2" * 16),
)


@pytest.mark.parametrize(("shape", "live", "shadow"), SHOWN)
def test_only_likenesses_of_the_settings_are_told(
    shape: str, live: Any, shadow: Any
) -> None:
    """Who leaves one out gets the difference without it."""
    without = tuple(s for s in Settings().value_shapes if s != shape)
    pair = [
        answer(json.dumps({"a": v}).encode(), kind="application/json")
        for v in (live, shadow)
    ]
    for settings, expected in (
        (Settings(), shape),
        (Settings(value_shapes=without), ""),
    ):
        made = Comparer(settings).compare(exchange(pair[0]), "shadow", pair[1], LEGS)
        assert [expected] == [d.alike for d in made.differences]


@pytest.mark.parametrize(
    ("live", "shadow", "found"),
    [
        (["b", "a", "d", "c", "e"], ["d", "e", "b", "c", "a"], "set-order"),
        (["a", "b", "c", "d", "e"], ["d", "e", "b", "c", "a"], ""),
        (["b", "a", "d", "c", "e"], ["e", "d", "c", "b", "a"], ""),
        (["b", "a", "d", "c", "e"], ["e", "c", "d", "a", "b"], ""),
        (["b", "a", "d", "c", "e"], ["a", "d", "c", "e", "b"], ""),
        ([["b"], ["a"], ["d"], ["c"]], [["d"], ["b"], ["c"], ["a"]], ""),
    ],
)
def test_only_a_set_has_no_order(live: Any, shadow: Any, found: str) -> None:
    """What is sorted, turned round or has one item elsewhere was in an order."""
    comparison = compare_json(live, shadow)

    assert {found} == {d.alike for d in comparison.differences}


@given(st.lists(st.tuples(NAMES, VALUES), max_size=5))
def test_what_is_said_is_the_same_every_time(pairs: Any) -> None:
    """Shapes and likenesses depend on the two answers alone."""
    live = dict(pairs)
    shadow = {name: [value] for name, value in pairs}

    assert compare_json(live, shadow) == compare_json(live, shadow)


def test_headers_and_cookies_have_shapes_as_well() -> None:
    """An ETag is opaque; a cookie is told by its name and by its attributes."""
    live = (
        (b"ETag", b'"5f3a-1c2b"'),
        (b"Location", b"http://live.example/a"),
        (b"Set-Cookie", b"sid=1; HttpOnly; Path=/"),
        (b"Expires", iso(AT, "%a, %d %b %Y %H:%M:%S GMT").encode()),
    )
    shadow = (
        (b"ETag", b'"5f3b-1c2c"'),
        (b"Location", b"http://shadow.example:8001/a"),
        (b"Set-Cookie", b"sid=2; Path=/"),
        (b"Expires", iso(AT + LATER, "%a, %d %b %Y %H:%M:%S GMT").encode()),
    )
    comparer = Comparer(Settings())
    made = comparer.compare(
        exchange(answer(headers=live)), "shadow", answer(headers=shadow), LEGS
    )

    assert [
        ("etag", "tag", "tag", "token"),
        ("location", "url", "url", "host"),
        ("set-cookie/sid", "cookie httponly path", "cookie path", ""),
        ("expires", *["timestamp http-date GMT"] * 2, "timestamp"),
    ] == [(d.shape, d.live_is, d.shadow_is, d.alike) for d in made.differences]


def test_a_weak_tag_is_not_a_strong_one() -> None:
    """That is a change of what the server promises."""
    made = compare(
        answer(headers=((b"ETag", b'"a1b2c3"'),)),
        answer(headers=((b"ETag", b'W/"a1b2c4"'),)),
    )

    assert [("tag", "weak-tag", "")] == [
        (d.live_is, d.shadow_is, d.alike) for d in made.differences
    ]


def test_a_status_is_its_own_shape() -> None:
    """A 404 in place of a 200 is another finding than a 500."""
    made = compare(answer(status=200), answer(status=404))

    assert [("200", "404")] == [(d.live_is, d.shadow_is) for d in made.differences]


def test_a_tag_without_its_quotes_is_another_sort() -> None:
    """Though both are opaque."""
    made = compare(
        answer(headers=((b"ETag", b'W/"a1b2c3"'),)),
        answer(headers=((b"ETag", b"W/a1b2c4"),)),
    )

    assert [("weak-tag", "unquoted-tag", "")] == [
        (d.live_is, d.shadow_is, d.alike) for d in made.differences
    ]


def test_a_time_that_is_off_says_how_far() -> None:
    """An hour off is more than two wrong times that follow one another."""
    right, wrong = iso(AT, "%Y-%m-%dT%H:%M:%SZ"), iso(AT - 9000, "%Y-%m-%dT%H:%M:%SZ")
    later = iso(AT - 9000 + LATER, "%Y-%m-%dT%H:%M:%SZ")

    def told(live: str, shadow: str) -> list[tuple[str, str]]:
        left, other = (answer(json.dumps({"at": at}).encode()) for at in (live, shadow))
        found = Comparer(Settings()).compare(exchange(left), "shadow", other, LEGS)
        return [(each.alike, each.size) for each in found.differences]

    assert [("", "large")] == told(right, later)
    assert [("", "slight")] == told(wrong, later)
