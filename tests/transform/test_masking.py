"""Exchanges without their secrets, and otherwise as they were."""

from __future__ import annotations

import gzip
import json
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.exchange import (
    Body,
    Exchange,
    Headers,
    Request,
    Response,
    Timing,
)
from shadow_middleware.settings import Settings
from shadow_middleware.transform.continuity import Continuity
from shadow_middleware.transform.masking import MARK, Marks, Masked, Masker
from shadow_middleware.transform.pseudonym import pseudonym

SECRET = "s3cr3t-V4lue-0f-Ann"
MASKER = Masker(Settings(), Marks(b"key"))
MARKED = Marks(b"key")(SECRET)
JSON: Headers = [(b"Content-Type", b"application/json")]


def masked(
    request: Request | None = None, response: Response | None = None, **more: str
) -> Masked:
    """Return what is left of an exchange."""
    request = request or Request("GET", b"/")
    return MASKER(Exchange("a-1", 0.0, request, response, Timing(0, 0, 0), **more))  # type: ignore[arg-type]


def body_of(data: bytes, headers: Headers) -> bytes:
    """Return what is left of a request's body."""
    request = Request("POST", b"/", headers=headers, body=Body(data, len(data)))
    return masked(request).exchange.request.body.data


def test_one_secret_is_one_mark_wherever_it_stands() -> None:
    """What the login gave and later requests bring can still be told to be the same."""
    quoted = SECRET.encode()
    login = Response(
        200,
        [(b"Set-Cookie", b"sid=%b; Path=/; HttpOnly" % quoted)],
        Body(b'{"token": "%b"}' % quoted, len(SECRET) + 13),
    )
    request = Request(
        "POST",
        b"/token/" + quoted,
        b"token=%b&page=2" % quoted,
        [
            (b"Cookie", b"theme=%b; sid=%b" % (quoted, quoted)),
            (b"Authorization", b"Bearer " + quoted),
            (b"X-Api-Key", quoted),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
        ],
        Body(b"csrfmiddlewaretoken=%b&name=ann" % quoted, len(SECRET) + 29),
    )
    left = masked(request, login, key=SECRET)
    shown = left.exchange

    mark = MARKED.encode()
    assert mark.decode() == shown.key
    assert b"/token/" + mark == shown.request.path
    assert b"token=%b&page=2" % mark == shown.request.query
    values = dict(shown.request.headers)
    assert b"theme=%b; sid=%b" % (mark, mark) == values[b"Cookie"]
    assert b"Bearer " + mark == values[b"Authorization"]
    assert mark == values[b"X-Api-Key"]
    assert b"csrfmiddlewaretoken=%b&name=ann" % mark == shown.request.body.data
    assert shown.response is not None
    assert [
        (b"Set-Cookie", b"sid=%b; Path=/; HttpOnly" % mark)
    ] == shown.response.headers
    assert b'{"token": "%b"}' % mark == shown.response.body.data
    assert shown.response.body.complete
    assert (
        *("request.path", "request.query", "request.headers", "request.body"),
        *("response.headers", "response.body"),
    ) == left.changed


def test_a_field_of_a_page_has_the_mark_that_the_form_sends() -> None:
    """A CSRF token in HTML and in the form that follows are one."""
    page = b'<input type="hidden" name="csrf_token" value="%b">' % SECRET.encode()

    assert MARKED.encode() in body_of(page, [(b"Content-Type", b"text/html")])


def test_marks_of_another_key_are_others() -> None:
    """Nobody can find a secret by its mark, or tell it again, without the key."""
    assert Marks(b"key")("a") == Marks(b"key")("a")
    assert Marks(b"key")("a") != Marks(b"other")("a")
    assert MARK.fullmatch(MARKED)


@given(st.text(max_size=60))
def test_what_is_masked_stays_as_it_is_when_it_is_masked_again(secret: str) -> None:
    """A file may be redacted as often as one likes; marks stay equal."""
    request = Request(
        "POST",
        b"/",
        b"password=" + secret.encode(),
        [(b"Cookie", b"a=" + secret.encode("ascii", "replace"))],
        Body(json.dumps({"password": secret}).encode(), len(json.dumps(secret)) + 14),
    )
    once = masked(request).exchange

    assert once == MASKER(once).exchange


@given(st.binary(max_size=200), st.sampled_from([b"", b"image/png", b"text/plain"]))
def test_a_body_is_kept_byte_for_byte_or_left_out_or_changed_and_told(
    data: bytes, kind: bytes
) -> None:
    """Nothing is ever altered in silence."""
    request = Request(
        "POST", b"/", b"", [(b"Content-Type", kind)], Body(data, len(data))
    )
    left = masked(request)

    same = left.exchange.request.body.data == data
    assert same is not bool(left.changed or left.left_out)


@pytest.mark.parametrize(
    ("coding", "pack", "unpack"),
    [
        (b"gzip", gzip.compress, gzip.decompress),
        (b"deflate", zlib.compress, zlib.decompress),
        (b"br", brotli.compress, brotli.decompress),
        (b"zstd", zstandard.compress, zstandard.decompress),
    ],
)
def test_a_compressed_body_is_masked_and_compressed_again(
    coding: bytes, pack: object, unpack: object
) -> None:
    """It is still what its header says."""
    assert callable(pack)
    assert callable(unpack)
    headers = [*JSON, (b"Content-Encoding", coding)]
    secret = pack(b'{"pin": "%b"}' % SECRET.encode())
    plain = pack(b'{"name": "ann"}')

    assert b'{"pin": "%b"}' % MARKED.encode() == unpack(body_of(secret, headers))
    assert plain == body_of(plain, headers)


def test_what_cannot_be_looked_into_is_left_out() -> None:
    """A broken coding, and bytes with a secret among them: only the length rests."""
    broken = Request(
        "POST", b"/", b"", [(b"Content-Encoding", b"gzip")], Body(b"no gzip", 7)
    )
    wide = "password=hunter2".encode("utf-16-le")
    hidden = Request("POST", b"/", b"", [], Body(wide, len(wide)))
    for request in (broken, hidden):
        left = masked(request)

        assert ("request.body",) == left.left_out
        assert Body(b"", request.body.length) == left.exchange.request.body


def test_a_visitor_whose_cookie_stayed_at_home_is_known_by_what_login_gave() -> None:
    """The cookie never crossed the wall; its name leads to the mark in `Set-Cookie`."""
    login = Response(200, [(b"Set-Cookie", b"sid=%b; Path=/" % SECRET.encode())])
    request = Request("GET", b"/")
    known = Exchange(
        *("a-1", 0.0, request, login, Timing(0, 0, 0)),
        key=f"Bearer {SECRET}",
        user="ann",
        visitor=(pseudonym(SECRET),),
    )
    left = MASKER(known).exchange

    assert (pseudonym(MARKED),) == left.visitor
    assert f"Bearer {MARKED}" == left.key
    assert Marks(b"key")("ann") == left.user


def test_sessions_are_told_from_masked_exchanges_as_from_live_ones() -> None:
    """Login without a key, then a cookie that was dropped, then the key: one session."""
    login = Response(200, [(b"Set-Cookie", b"sid=%b; Path=/" % SECRET.encode())])
    steps: list[tuple[Response, dict[str, object]]] = [
        (login, {}),
        (Response(200), {"visitor": (pseudonym(SECRET),)}),
        (Response(200), {"key": SECRET}),
    ]
    continuity = Continuity("cookie:sid")
    sessions = set()
    for response, more in steps:
        masked_one = masked(None, response, **more).exchange  # type: ignore[arg-type]
        sessions.add(continuity.place(masked_one).key)

    assert 1 == len(sessions)
    assert {None} != sessions


def test_a_picture_is_kept_unless_a_key_is_in_it() -> None:
    """By chance `pin=` stands in many; a provider's key does in none."""
    kind = [(b"Content-Type", b"image/png")]
    pixels = b"\x00\xff pin=1234 \x00"

    assert pixels == body_of(pixels, kind)
    assert b"" == body_of(pixels + b"AKIA" + b"Z" * 16, kind)
    assert b"" == body_of(pixels, [])


def test_a_form_of_many_parts_keeps_its_files() -> None:
    """Fields are masked by their names; a file is kept as it came."""
    image = bytes(range(256))
    data = (
        b'--xx\r\nContent-Disposition: form-data; name="password"\r\n\r\n%b\r\n'
        b'--xx\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n%b\r\n--xx--\r\n"
    )
    headers = [(b"Content-Type", b"multipart/form-data; boundary=xx")]

    shown = body_of(data % (SECRET.encode(), image), headers)

    assert data % (MARKED.encode(), image) == shown


def test_a_cut_body_stays_cut() -> None:
    """Its length and its digest are those of all that passed."""
    cut = Body(b'{"password": "hunter2", "more": "abc', 5000, b"d" * 32)
    left = masked(Request("POST", b"/", b"", JSON, cut)).exchange.request.body

    assert (5000, b"d" * 32) == (left.length, left.digest)
    assert b"hunter2" not in left.data


def test_what_settings_call_secret_is_masked() -> None:
    """Headers, places in JSON, and patterns, as for the store."""
    settings = Settings(
        redact_headers=("x-user",),
        redact_paths=("/email",),
        redact_patterns=("E[0-9]+",),
    )
    data = b'{"email": "ann@example.com", "note": "badge E123", "n": 1}'
    request = Request(
        "POST", b"/E55", b"", [*JSON, (b"X-User", b"ann")], Body(data, 58)
    )
    exchange = Exchange("a-1", 0.0, request, None, Timing(0, 0, 0))
    mark = Marks(b"key")
    shown = Masker(settings, mark)(exchange).exchange.request

    assert b"/" + mark("E55").encode() == shown.path
    assert mark("ann").encode() == dict(shown.headers)[b"X-User"]
    expected = {
        "email": mark("ann@example.com"),
        "note": f"badge {mark('E123')}",
        "n": 1,
    }
    assert expected == json.loads(shown.body.data)
