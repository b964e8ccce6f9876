"""Which exchanges are one session, also while live changes what it is called."""

from __future__ import annotations

from typing import Any

from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.transform.continuity import Continuity
from shadow_middleware.transform.pseudonym import pseudonym

ONE, TWO, THREE = "1" * 20, "2" * 20, "3" * 20


def exchange(
    key: str | None = None, *cookies: str, sent: tuple[str, ...] = (), body: bytes = b""
) -> Exchange:
    """Return an exchange whose live answer sets these cookies."""
    headers = [(b"Set-Cookie", f"{cookie}; Path=/".encode()) for cookie in cookies]
    return Exchange(
        id="live-1",
        at=0.0,
        request=Request("GET", b"/"),
        response=Response(200, headers, Body(body, len(body))),
        timing=Timing(0, 0, 0),
        key=key,
        visitor=tuple(map(pseudonym, sent)),
    )


def sessions(setting: str, *exchanges: Exchange) -> list[str | None]:
    """Return the session of each, as the letters of who came first."""
    known = Continuity(setting)
    found = [known.place(one).key for one in exchanges]
    names: dict[str, str] = {}
    return [x and names.setdefault(x, "abcdef"[len(names)]) for x in found]


def test_a_login_belongs_to_the_session_that_it_begins() -> None:
    """The request that logs in has no key; live's answer has."""
    login, after = exchange(None, f"sid={ONE}"), exchange(ONE)

    assert ["a", "a"] == sessions("cookie:sid", login, after)


def test_a_rotated_key_is_the_same_session() -> None:
    """As Django and Flask change it at each login."""
    rotating, after = exchange(ONE, f"sid={TWO}"), exchange(TWO, f"sid={THREE}")

    assert ["a", "a", "a"] == sessions("cookie:sid", rotating, after, exchange(THREE))


def test_a_form_before_the_login_is_the_same_session() -> None:
    """Its CSRF cookie tells, by a pseudonym that the live side gave it."""
    form = exchange(None, f"csrftoken={ONE}")
    login = exchange(None, f"sid={TWO}", f"csrftoken={THREE}", sent=(ONE,))

    assert ["a", "a", "a"] == sessions("cookie:sid", form, login, exchange(TWO))


def test_two_users_are_two_sessions() -> None:
    """Whatever order they come in."""
    logins = exchange(None, f"sid={ONE}"), exchange(None, f"sid={TWO}")

    assert ["a", "b", "b", "a"] == sessions(
        "cookie:sid", *logins, exchange(TWO), exchange(ONE)
    )


def test_a_value_that_two_were_given_names_neither() -> None:
    """Two visitors whose first cookies are the same bytes never share a session."""
    first, second = exchange(None, f"sid={ONE}"), exchange(None, f"sid={ONE}")
    grown = exchange(ONE, f"sid={TWO}"), exchange(ONE, f"sid={THREE}")

    found = sessions(
        "cookie:sid", first, second, *grown, exchange(TWO), exchange(THREE)
    )

    assert found[4] != found[5]
    assert None not in found[4:]


def test_what_is_heard_late_joins_what_came_after_it() -> None:
    """Two processes of one host may tell of a login after its first request."""
    assert ["a", "a"] == sessions(
        "cookie:sid", exchange(ONE), exchange(None, f"sid={ONE}")
    )


def test_a_short_cookie_names_nobody() -> None:
    """`theme=dark` is what many have."""
    assert [None, None] == sessions(
        "cookie:sid", exchange(None, "theme=dark"), exchange(None, "theme=dark")
    )


def test_a_token_in_an_answer_is_the_key_of_what_follows() -> None:
    """APIs hand it out in JSON, and get it back in a header."""
    login = exchange(None, body=b'{"access_token":"%b"}' % ONE.encode())

    assert ["a", "a"] == sessions(
        "header:authorization", login, exchange(f"Bearer {ONE}")
    )


def test_the_user_is_kept_beside_the_session() -> None:
    """Tokens by user ask for the key as the settings mean it."""
    placed: Any = Continuity("header:x-user").place(exchange("alice"))

    assert ("alice", True) == (placed.user, placed.key.startswith("s-"))


def test_what_is_known_is_bounded() -> None:
    """The oldest keys are forgotten first."""
    known = Continuity("cookie:sid", most=2)
    first = known.place(exchange(None, f"sid={ONE}")).key
    for value in ("4" * 20, "5" * 20, "6" * 20):
        known.place(exchange(value))

    assert first == pseudonym(ONE) == known.place(exchange(ONE)).key
    assert len(known._known) <= 2
