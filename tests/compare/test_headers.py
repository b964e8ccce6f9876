"""Status, headers, cookies and trailers. W12"""

from __future__ import annotations

from typing import Any

import pytest

from shadow_middleware.settings import Settings
from tests.compare.making import answer, body, compare, found

BARE = Settings(default_ignores=False)


def headers(live: Any, shadow: Any, settings: Any = None, **more: Any) -> Any:
    """Compare two lists of header lines."""
    return compare(answer(headers=live), answer(headers=shadow), settings, **more)


@pytest.mark.parametrize(
    ("live", "shadow", "expected"),
    [
        ([(b"Location", b"/a")], [(b"location", b"/b")], ("changed", "location")),
        ([(b"ETag", b'"1"')], [], ("missing", "etag")),
        ([], [(b"X-New", b"1")], ("added", "x-new")),
        ([(b"X-A", b"1"), (b"X-A", b"2")], [(b"X-A", b"1")], ("changed", "x-a")),
        (
            [(b"X-A", b"1"), (b"X-A", b"2")],
            [(b"X-A", b"2"), (b"X-A", b"1")],
            ("order", "x-a"),
        ),
        ([(b"Vary", b"a")], [(b"Vary", b"b")], ("changed", "vary")),
        (
            [(b"Content-Type", b"text/html")],
            [(b"Content-Type", b"text/plain")],
            ("changed", "content-type"),
        ),
        ([(b"Set-Cookie", b"a=1")], [], ("missing", "set-cookie/a")),
        ([], [(b"Set-Cookie", b"a=1")], ("added", "set-cookie/a")),
        (
            [(b"Set-Cookie", b"a=1; Secure")],
            [(b"Set-Cookie", b"a=1")],
            ("changed", "set-cookie/a"),
        ),
        (
            [(b"Set-Cookie", b"a=1; Path=/")],
            [(b"Set-Cookie", b"a=1; Path=/x")],
            ("changed", "set-cookie/a"),
        ),
        (
            [(b"Set-Cookie", b"a=1")],
            [(b"Set-Cookie", b"a=")],
            ("changed", "set-cookie/a"),
        ),
    ],
)
def test_every_class_of_header_difference_is_seen(
    live: Any, shadow: Any, expected: Any
) -> None:
    """W12: Location, Set-Cookie and all the others."""
    comparison = headers(live, shadow)

    assert ("different", [expected]) == (comparison.result, found(comparison))


@pytest.mark.parametrize(
    ("live", "shadow", "reason"),
    [
        (b"Date: a", b"date: b", "default:date"),
        (b"Server: a", b"Server: b", "default:server"),
        (b"X-Request-ID: a", b"X-Request-ID: b", "default:x-request-id"),
        (b"Vary: A, b", b"vary: B,a", "header-list-form"),
        (
            b"Content-Type: text/html; charset=UTF-8",
            b"Content-Type: text/html;charset=utf-8",
            "media-type-form",
        ),
        (
            b"Set-Cookie: sid=1; Path=/; Secure",
            b"Set-Cookie: sid=2; secure; path=/",
            "cookie-value",
        ),
        (
            b"Set-Cookie: sid=1; Path=/; Secure",
            b"Set-Cookie: sid=1; secure; path=/",
            "cookie-form",
        ),
        (
            b"Set-Cookie: sid=1; Expires=Sat, 21 Nov 2026 07:00:00 GMT",
            b"Set-Cookie: sid=1; Expires=Sat, 21 Nov 2026 07:00:09 GMT",
            "cookie-time",
        ),
    ],
)
def test_what_differs_by_nature_is_explained_by_name(
    live: Any, shadow: Any, reason: Any
) -> None:
    """W12: nothing is left out without its name."""
    comparison = headers([tuple(live.split(b": "))], [tuple(shadow.split(b": "))])

    assert ("explained", (reason,)) == (comparison.result, comparison.explained)


def test_the_case_and_order_of_header_names_say_nothing() -> None:
    """The same fields are the same headers."""
    live = [(b"X-A", b"1"), (b"X-B", b"2")]
    shadow = [(b"x-b", b"2"), (b"x-a", b"1")]

    assert "equal" == headers(live, shadow).result


def test_without_default_ignores_every_header_counts() -> None:
    """The defaults can be switched off, cookie values included."""
    live = [(b"Date", b"a"), (b"Set-Cookie", b"s=1")]
    shadow = [(b"Date", b"b"), (b"Set-Cookie", b"s=2")]

    assert [("changed", "date"), ("changed", "set-cookie/s")] == found(
        headers(live, shadow, BARE)
    )


def test_cookie_values_are_never_shown() -> None:
    """A difference tells attributes, not secrets."""
    live = [(b"Set-Cookie", b"sid=hush-1; Secure")]
    comparison = headers(live, [(b"Set-Cookie", b"sid=hush-2; HttpOnly")], BARE)

    assert "hush" not in repr(comparison)
    assert "sid=…; secure" == comparison.differences[0].live


def test_identical_redirects_match() -> None:
    """W16: a 302 beside the same 302 is a match."""
    moved = answer(status=302, headers=((b"Location", b"/next"),))

    assert "equal" == compare(moved, moved).result


def test_the_length_counts_only_where_no_body_tells_it() -> None:
    """HEAD answers are compared by what they state."""
    live, shadow = [(b"Content-Length", b"1")], [(b"Content-Length", b"2")]

    assert "explained" == headers(live, shadow).result
    assert [("changed", "content-length")] == found(
        headers(live, shadow, method="HEAD")
    )
    assert "explained" == headers(live, [], method="HEAD").result


@pytest.mark.parametrize(
    ("method", "status", "result"),
    [
        ("HEAD", 200, "equal"),
        ("GET", 204, "equal"),
        ("GET", 304, "equal"),
        ("GET", 200, "different"),
    ],
)
def test_answers_without_a_body_have_none_to_compare(
    method: str, status: int, result: Any
) -> None:
    """An app may write a body that the server does not send."""
    live, shadow = answer(b"left over", status=status), answer(status=status)

    assert result == compare(live, shadow, method=method).result


def test_trailers_are_compared() -> None:
    """And told from headers in the note."""
    comparison = compare(
        answer(trailers=((b"X-Sum", b"1"),)), answer(trailers=((b"x-sum", b"2"),))
    )

    assert [("changed", "x-sum")] == found(comparison)
    assert "trailer" == comparison.differences[0].note


def test_another_status_is_a_difference_and_spares_the_details_of_the_body() -> None:
    """An error page beside a page is one difference, not fifty."""
    comparison = compare(
        answer(b'{"a":1,"b":2}', kind="application/json"),
        answer(b'{"c":3,"d":4}', kind="application/json", status=500),
    )

    assert [("changed", ""), ("changed", "")] == found(comparison)
    assert (200, 500) == (
        comparison.differences[0].live,
        comparison.differences[0].shadow,
    )


def test_an_exchange_that_live_never_answered_proves_nothing() -> None:
    """There is nothing to compare with."""
    from shadow_middleware.compare import Comparer
    from tests.compare.making import exchange

    comparison = Comparer(Settings()).compare(exchange(None), "shadow", answer())

    assert "incomparable" == comparison.result


def test_same_header_lines_do_not_hide_other_bodies() -> None:
    """The fast path looks at the body as well."""
    assert "different" == compare(answer(body(b"a")), answer(body(b"b"))).result
