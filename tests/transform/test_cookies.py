"""The jar of one session: what a client would keep and send by RFC 6265."""

from __future__ import annotations

import pytest

from shadow_middleware.transform.cookies import Jar, Visit

NOW = 1_700_000_000.0
VISIT = Visit(("shadow.test", "app.example"), ("/notes/1",), secure=False, now=NOW)


def jar(*lines: bytes, visit: Visit = VISIT) -> Jar:
    """Return a jar that has seen these Set-Cookie lines."""
    made = Jar()
    made.take([(b"Set-Cookie", line) for line in lines], visit)
    return made


def sent(found: Jar, **changes: object) -> list[str]:
    """Return names and values that a request gets."""
    visit = VISIT._replace(**changes)  # type: ignore[arg-type]
    return [f"{cookie.name}={cookie.value}" for cookie in found.cookies(visit)]


def test_a_cookie_goes_back_to_where_it_came_from() -> None:
    """The plainest cookie there is."""
    assert ["a=1"] == sent(jar(b"a=1; Path=/"))


@pytest.mark.parametrize(
    ("cookie", "path", "goes"),
    [
        ("/notes", "/notes", True),
        ("/notes", "/notes/1", True),
        ("/notes/", "/notes/1", True),
        ("/notes", "/notesy", False),
        ("/other", "/notes/1", False),
        ("", "/notes/2", True),
        ("", "/", False),
    ],
)
def test_a_path_keeps_a_cookie_within_it(cookie: str, path: str, goes: bool) -> None:
    """RFC 6265, 5.1.4; without a path it is the folder of the request."""
    line = f"a=1; Path={cookie}" if cookie else "a=1"

    assert (["a=1"] if goes else []) == sent(jar(line.encode()), paths=(path,))


@pytest.mark.parametrize(
    ("domain", "host", "goes"),
    [
        (b"app.example", "app.example", True),
        (b".app.example", "www.app.example", True),
        (b"app.example", "xapp.example", False),
        (b"", "shadow.test", True),
        (b"", "www.shadow.test", False),
    ],
)
def test_a_domain_keeps_a_cookie_within_it(
    domain: bytes, host: str, goes: bool
) -> None:
    """RFC 6265, 5.1.3; live's own name may be the domain, as clients know it by that."""
    line = b"a=1; Path=/; Domain=" + domain if domain else b"a=1; Path=/"

    assert (["a=1"] if goes else []) == sent(jar(line), hosts=(host,))


@pytest.mark.parametrize("domain", [b"other.example", b"example", b"app.example.evil"])
def test_a_cookie_for_somebody_else_is_refused(domain: bytes) -> None:
    """Neither another host nor a whole top-level domain."""
    assert [] == sent(jar(b"a=1; Path=/; Domain=" + domain))


@pytest.mark.parametrize(
    ("attributes", "after", "goes"),
    [
        (b"Max-Age=60", 59, True),
        (b"Max-Age=60", 60, False),
        (b"Max-Age=0", 0, False),
        (b"Expires=Tue, 14 Nov 2023 22:14:20 GMT", 50, True),
        (b"Expires=Tue, 14-Nov-2023 22:14:20 GMT", 61, False),
        (b"Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", 1, True),
        (b"Expires=never", 10**9, True),
    ],
)
def test_a_cookie_ends_when_it_says(attributes: bytes, after: int, goes: bool) -> None:
    """Max-Age goes before Expires; a date that cannot be read is none."""
    found = jar(b"a=1; Path=/; " + attributes)

    assert (["a=1"] if goes else []) == sent(found, now=NOW + after)


def test_a_secure_cookie_waits_for_a_secure_connection() -> None:
    """What is held back is told by name."""
    found = jar(b"a=1; Path=/; Secure", b"b=2; Path=/")

    assert ["b=2"] == sent(found)
    assert ["a"] == found.held_back(VISIT)
    assert ["a=1", "b=2"] == sent(found, secure=True)


def test_a_new_value_takes_the_place_of_the_old_one() -> None:
    """And an end is remembered, so that live's own cookie is not sent in its place."""
    found = jar(b"a=1; Path=/", b"a=2; Path=/")
    assert ["a=2"] == sent(found)

    found.take([(b"set-cookie", b"a=; Path=/; Max-Age=0")], VISIT)

    assert ([], True) == (sent(found), found.ended("a"))


def test_longer_paths_go_first() -> None:
    """RFC 6265, 5.4."""
    assert ["b=2", "a=1"] == sent(jar(b"a=1; Path=/", b"b=2; Path=/notes"))


def test_a_jar_is_bounded_in_number_and_bytes() -> None:
    """A shadow that sets cookies without end takes no memory without end."""
    many = jar(*(b"c%d=1; Path=/" % n for n in range(200)))
    large = jar(*(b"c%d=%b; Path=/" % (n, b"x" * 4000) for n in range(20)))

    assert 50 == len(many)
    assert large.bytes <= 16 * 1024


@pytest.mark.parametrize("line", [b"", b"=", b"=1", b"a", b"\x01=2", b"a\x00=1"])
def test_what_is_no_cookie_is_passed_over(line: bytes) -> None:
    """Nothing that a shadow sets raises."""
    assert [] == sent(jar(line))
