"""Selection: who is mirrored, decided before a byte is kept."""

from __future__ import annotations

import fnmatch
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.selection import SKIPPED, Globs, Selector, sticky_share
from shadow_middleware.settings import load
from shadow_middleware.transform.marker import make as make_marker
from tests.fakes import begun, recording_live, respond


def selector(**settings: Any) -> Selector:
    """Return the selection of some settings."""
    return Selector(load({"shadow_url": "http://shadow.test", **settings}))


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("/a", "/a", True),
        ("/a", "/a/b", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/b/c", False),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/a", True),
        ("/**/id", "/x/y/id", True),
        ("/**/id", "/id", True),
        ("/**/id", "/x/idx", False),
        ("**", "/anything/at/all", True),
        ("/v?/x", "/v1/x", True),
        ("/v[12]/x", "/v3/x", False),
        ("/**/a/**/b", "/a/x/a/y/b", True),
        ("/**/a/*/b", "/a/x/y/a/z/b", True),
        ("/a.b", "/axb", False),
    ],
)
def test_path_globs_read_as_in_a_shell(glob: str, path: str, fits: bool) -> None:
    """`*` stays within a segment, `**` crosses any number of them."""
    assert fits == Globs([glob]).match(path)


@given(
    st.lists(st.sampled_from(["**", "*", "a", "b", "a*"]), min_size=1, max_size=6),
    st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=8),
)
def test_globs_agree_with_trying_everything(glob: list[str], path: list[str]) -> None:
    """The one-pass match finds what a search through all possibilities finds."""
    assert _search(glob, path) == Globs(["/".join(glob)]).match("/".join(path))


def _search(glob: list[str], path: list[str]) -> bool:
    if not glob:
        return not path
    if glob[0] == "**":
        return any(_search(glob[1:], path[n:]) for n in range(len(path) + 1))
    return (
        bool(path)
        and fnmatch.fnmatchcase(path[0], glob[0])
        and _search(glob[1:], path[1:])
    )


def test_no_path_that_a_client_sends_hangs_a_glob() -> None:
    """W55: the worst path for the worst glob takes milliseconds."""
    globs = Globs(["/**/a/**/a/**/a/**/a/**/a/**/b", "/" + "*a" * 20 + "b"])
    began = time.process_time()

    assert not globs.match("/a" * 8_000)
    assert not globs.match("/" + "a" * 16_000)
    assert time.process_time() - began < 2


@given(st.binary(max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_who_is_in_at_a_low_rate_is_in_at_a_higher_one(
    key: bytes, one: float, other: float
) -> None:
    """W30: the sets of different rates are nested."""
    low, high = sorted([one, other])

    assert not sticky_share(key) < low or sticky_share(key) < high


def test_a_keys_share_is_the_same_for_ever() -> None:
    """W30: hosts and releases agree; a change here moves everybody's users."""
    assert 0.6042 == round(sticky_share(b"user-1"), 4)
    assert 0.2738 == round(sticky_share(b"user-2"), 4)


def test_keys_spread_evenly() -> None:
    """W30: chi-square over 100 bins stays far from what chance would allow."""
    bins = [0] * 100
    for number in range(100_000):
        bins[int(sticky_share(b"key-%d" % number) * 100)] += 1
    chi_square = sum((count - 1000) ** 2 / 1000 for count in bins)

    assert chi_square < 160  # 99 degrees of freedom: p = 0.0001


@pytest.mark.parametrize("rate", [0.0001, 0.01, 0.5])
def test_a_rate_lets_in_its_share_of_requests(rate: float) -> None:
    """Without a key the draw decides, down to one in ten thousand."""
    chosen = selector(rate=rate)
    draws = [n / 20_000 for n in range(20_000)]
    let_in = [d for d in draws if chosen.admit(b"/", [], {}, d) is not SKIPPED]

    assert round(rate * 20_000) == len(let_in)


@pytest.mark.parametrize(
    ("key", "headers", "context", "expected"),
    [
        ("header:X-User", [(b"x-user", b"ann")], {}, "ann"),
        ("cookie:sid", [(b"Cookie", b"a=1; sid=77; b=2")], {}, "77"),
        ("user", [], {"REMOTE_USER": "bob"}, "bob"),
        (lambda scope: scope["who"], [], {"who": "eve"}, "eve"),
        ("header:x-user", [], {}, None),
        ("cookie:sid", [(b"cookie", b"xsid=1")], {}, None),
    ],
)
def test_a_key_comes_from_where_the_setting_says(
    key: Any, headers: list[tuple[bytes, bytes]], context: dict[str, str], expected: Any
) -> None:
    """Header, cookie, user or callable."""
    assert expected == selector(key=key).admit(b"/", headers, context, 0.0)


def test_a_key_decides_and_not_the_draw() -> None:
    """W30: the same user is always in or always out."""
    chosen = selector(key="header:x-user", rate=0.5)
    headers = [(b"x-user", b"user-2")]

    answers = {chosen.admit(b"/", headers, {}, n / 50) for n in range(50)}

    assert {"user-2"} == answers


@pytest.mark.parametrize(
    ("settings", "path", "mirrored"),
    [
        ({"include": ["/api/**"]}, b"/api/x", True),
        ({"include": ["/api/**"]}, b"/health", False),
        ({"exclude": ["/health"]}, b"/health", False),
        (
            {"include": ["/api/**"], "exclude": ["/api/private/**"]},
            b"/api/private/x",
            False,
        ),
        ({"skip": lambda scope: True}, b"/", False),
        ({"skip": lambda scope: False}, b"/", True),
        ({"rate": 0.0}, b"/", False),
        ({"enabled": False}, b"/", False),
        ({"methods": ["POST"]}, b"/", False),
    ],
)
def test_what_is_not_selected_is_not_captured(
    settings: dict[str, Any], path: bytes, mirrored: bool
) -> None:
    """W28, W29: each option works, and before any copy is made."""
    live, _ = recording_live(**settings)

    assert mirrored == (begun(live, "GET", path, b"", [], context={}) is not None)


def test_only_safe_methods_are_mirrored_unless_asked() -> None:
    """No write is mirrored by default."""
    live, _ = recording_live()
    mirrored = {
        method
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
        if begun(live, method, b"/", b"", [])
    }

    assert {"GET", "HEAD", "OPTIONS"} == mirrored


@pytest.mark.parametrize(
    ("settings", "route", "mirrored"),
    [
        ({"include_routes": ["/users/{id}"]}, "/users/{id}", True),
        ({"include_routes": ["GET /users/*"]}, "/users/{id}", True),
        ({"include_routes": ["POST /users/*"]}, "/users/{id}", False),
        ({"exclude_routes": ["/users/**"]}, "/users/{id}/orders", False),
    ],
)
def test_routes_select_by_their_template(
    settings: dict[str, Any], route: str, mirrored: bool
) -> None:
    """The template is known when live has answered, and selects then."""
    live, handoff = recording_live(**settings)
    capture = begun(live, "GET", b"/users/7", b"", [])
    assert capture is not None
    capture.finish(route)

    assert mirrored == bool(handoff.captures)


@pytest.mark.parametrize(
    ("settings", "content_type", "mirrored"),
    [
        ({}, b"application/json", True),
        ({}, b"text/event-stream", False),
        ({}, b"Text/Event-Stream; charset=utf-8", False),
        ({"content_types": ["application/json"]}, b"application/json; charset=x", True),
        ({"content_types": ["application/json"]}, b"text/html", False),
        ({"content_types": ["text/*"]}, b"text/event-stream", True),
    ],
)
def test_response_types_select(
    settings: dict[str, Any], content_type: bytes, mirrored: bool
) -> None:
    """Event streams are left alone unless they are asked for."""
    live, handoff = recording_live(**settings)
    capture = begun(live, "GET", b"/", b"", [])
    assert capture is not None
    respond(capture, 200, [(b"Content-Type", content_type)])
    capture.response_chunk(b"x")
    capture.finish()

    assert mirrored == bool(handoff.captures)


@pytest.mark.parametrize(
    ("secret", "marker", "mirrored"),
    [
        ("", make_marker("a-1"), False),
        ("", b"nonsense", True),
        ("s3cret", make_marker("a-1"), True),
        ("s3cret", make_marker("a-1", secret="s3cret", at=time.time()), False),
        ("s3cret", make_marker("a-1", secret="other", at=time.time()), True),
    ],
    ids=["plain", "forged", "unsigned", "signed", "signed by another"],
)
def test_copies_are_not_copied_again(
    secret: str, marker: bytes, mirrored: bool
) -> None:
    """W17: a marked request is left alone; W27: a forged mark changes nothing."""
    live, _ = recording_live(secret=secret)
    headers = [(b"X-Shadow-Request", marker)]

    assert mirrored == (begun(live, "GET", b"/", b"", headers) is not None)


@given(
    st.sampled_from(["authorization", "cookie", "proxy-authorization", "x-api-key"]),
    st.data(),
)
def test_credentials_stay_on_this_side_of_the_wall(
    name: str, data: st.DataObject
) -> None:
    """W20, W21: in any letter case and however often, they are never captured."""
    cased = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in name)
    live, _ = recording_live()
    secret = (cased.encode(), b"hunter2")
    capture = begun(live, "GET", b"/", b"", [secret, (b"accept", b"*/*"), secret])

    assert capture is not None
    assert [(b"accept", b"*/*")] == list(capture.headers)


def test_a_callable_that_raises_costs_a_count() -> None:
    """W5, W46: live goes on, the exchange is not mirrored, the fault is counted."""

    def broken(scope: object) -> bool:
        raise RuntimeError

    live, _ = recording_live(skip=broken)

    assert begun(live, "GET", b"/", b"", []) is None
    assert {"selection": 1} == live.faults


def test_credentials_stay_at_home_the_second_time_as_well() -> None:
    """W20: what is remembered of names leaves nothing in, whatever comes with them."""
    live, handoff = recording_live()
    cookie, accept = (b"cookie", b"sid=1"), (b"accept", b"*/*")
    for headers in (
        [cookie, accept],
        [accept, cookie],
        [accept, cookie, (b"x-new", b"1")],
        [accept, cookie, (b"authorization", b"x")],
        [accept, cookie, (b"X-Shadow-Request", b"forged")],
        [accept, cookie, (b"content-length", b"0")],
        [accept],
        [cookie, accept, cookie],
    ):
        for _ in range(2):
            capture = begun(live, "GET", b"/", b"", headers)
            assert capture is not None
            capture.finish()

    sent = [dict(capture.headers) for capture in handoff.captures]
    assert {b"accept", b"x-new", b"X-Shadow-Request", b"content-length"} == set().union(
        *sent
    )
    noted = [(capture.odd or {}).get("withheld") for capture in handoff.captures]
    both = ("authorization", "cookie")
    assert [("cookie",)] * 6 + [both] * 2 + [("cookie",)] * 4 + [None] * 2 + [
        ("cookie",)
    ] * 2 == noted


def test_a_copy_is_known_beside_a_cookie() -> None:
    """W17: what is remembered of the cookie does not hide the mark."""
    live, _ = recording_live()
    cookie, mark = (b"cookie", b"sid=1"), (b"X-Shadow-Request", make_marker("a-1"))
    for _ in range(2):
        assert begun(live, "GET", b"/", b"", [cookie]) is not None
        assert begun(live, "GET", b"/", b"", [cookie, mark]) is None
