"""Who a client is, found out on the live side before its credentials are dropped."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.exchange import Exchange
from shadow_middleware.handoff.codec import BatchFrame, decode_batch, exchange_of
from shadow_middleware.selection import reader_of
from shadow_middleware.transform.pseudonym import pseudonym
from tests.fakes import begun, recorded, recording_live, respond

COOKIE = "c" * 20


def jwt(claims: Any) -> bytes:
    """Return a token that says so, signed by nobody."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b"e30." + payload + b".sig"


def crossed(headers: list[tuple[bytes, bytes]], **settings: Any) -> Exchange:
    """Return an exchange as the agent gets it."""
    live, handoff = recording_live(**settings)
    capture = begun(live, "GET", b"/", b"", headers)
    assert capture is not None
    respond(capture, 200, [])
    capture.finish("/")
    frame = BatchFrame()
    assert frame.add(recorded(handoff.only))
    payload = bytes(frame.seal(1, {}))[5:]
    [raw] = decode_batch(payload).records
    return exchange_of(raw, "live", 0.0)


BEARER = (b"Authorization", b"Bearer " + jwt({"sub": "alice", "n": 7}))


@pytest.mark.parametrize(
    ("setting", "field", "expected"),
    [
        ("jwt:sub", BEARER, "alice"),
        ("jwt:n", BEARER, "7"),
        ("jwt:sub:cookie:t", (b"Cookie", b"a=1; t=" + jwt({"sub": "bob"})), "bob"),
        ("jwt:sub:header:x-auth-token", (b"X-Auth-Token", jwt({"sub": "eve"})), "eve"),
        ("cookie:who", (b"Cookie", b"who=carol"), "carol"),
        ("header:x-user", (b"X-User", b"dave"), "dave"),
        ("jwt:nope", BEARER, None),
        ("jwt:sub", (b"Authorization", b"Bearer nothing"), None),
        ("jwt:sub", (b"Authorization", b"Bearer a.!!!.c"), None),
        ("jwt:sub", (b"Authorization", b"Bearer " + jwt([1])), None),
        ("jwt:sub", (b"Authorization", b"Bearer " + jwt({"sub": {"a": 1}})), None),
    ],
)
def test_a_user_crosses_the_wall_and_the_token_does_not(
    setting: str, field: tuple[bytes, bytes], expected: str | None
) -> None:
    """The claim is read without any check, only to find out whose copy it is."""
    found = crossed([field, (b"Accept", b"*/*")], user=setting)

    assert expected == found.user
    names = [name for name, _ in found.request.headers]
    assert (b"X-User" == field[0]) is (field[0] in names)


def test_a_key_may_be_a_claim() -> None:
    """So that a user's requests keep their order, whatever token they come with."""
    assert "alice" == crossed([BEARER], key="jwt:sub").key


def test_a_visitor_crosses_the_wall_as_a_pseudonym() -> None:
    """The cookie stays at home; what it is called opens nothing."""
    headers = [(b"Cookie", f"theme=dark; csrftoken={COOKIE}".encode())]

    found = crossed(headers, key="cookie:sid", sessions="cookies")

    assert (pseudonym(COOKIE),) == found.visitor
    assert COOKIE.encode() not in msgspec.msgpack.encode(found)


def test_nobody_looks_where_nothing_is_asked() -> None:
    """By default no request costs anything for it."""
    found = crossed([(b"Cookie", f"csrftoken={COOKIE}".encode()), BEARER])

    assert (None, ()) == (found.user, found.visitor)
    assert recording_live()[0]._look is None


@given(st.binary(max_size=200))
def test_no_token_is_too_odd(raw: bytes) -> None:
    """Whatever a client sends, the live side does not raise."""
    read = reader_of("jwt:sub")
    assert read is not None
    read([(b"authorization", raw)], None)
    read([(b"authorization", b"Bearer a." + raw + b".c")], None)
