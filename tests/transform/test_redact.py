"""No secret survives redaction, wherever it is planted and however it is written."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.settings import Settings
from shadow_middleware.transform.redact import REDACTED, Redactor

REDACTOR = Redactor(Settings())
SECRET = "hunter2secret"

WORDS = [
    ["password"],
    ["user", "password"],
    ["secret"],
    ["client", "secret"],
    ["access", "token"],
    ["refresh", "token"],
    ["api", "key"],
    ["card", "number"],
    ["credit", "card"],
    ["session", "id"],
    ["csrf", "token"],
    ["cvv"],
    ["pin"],
    ["private", "key"],
    ["authorization"],
    ["ssn"],
]


def _camel(words: list[str]) -> str:
    return words[0] + "".join(word.title() for word in words[1:])


STYLES = [
    "_".join,
    "-".join,
    _camel,
    lambda words: "_".join(words).upper(),
    lambda words: "".join(word.title() for word in words),
    lambda words: " ".join(words).title(),
]

names = st.builds(
    lambda style, words: style(words), st.sampled_from(STYLES), st.sampled_from(WORDS)
)
secrets = st.text("ghjkmnpqvwxzGHJKMNPQVWXZ23456789", min_size=10, max_size=30)
"""Random enough not to be part of any text that stands around them."""

KNOWN = [
    "4111111111111111",
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "378282246310005",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1g",
    "AKIAIOSFODNN7EXAMPLE",
    "Bearer mF_9.B5f-4.1JqM",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
]
known = st.sampled_from(KNOWN)

around = st.text('abcdefilost 01"\\{[]}=:%&/\n\u00e9\ud83d\u2028', max_size=12)
"""Holds no character of a secret, and many that could upset a scanner."""
plain = st.one_of(
    st.none(), st.booleans(), st.sampled_from([0, -1, 10**20, 1.5]), around
)
json_values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(around, inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def documents(draw: Any, planted: Any) -> Any:
    """A JSON document with what is planted somewhere in it."""
    document = planted
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            document = [*draw(st.lists(json_values, max_size=2)), document]
        else:
            others = draw(st.dictionaries(around, json_values, max_size=2))
            document = {**others, draw(around): document}
    return document


@given(st.data(), names, secrets, st.booleans())
def test_no_named_secret_survives_in_json(
    data: st.DataObject, name: str, secret: str, ascii_only: bool
) -> None:
    """W57: a member whose name says so loses its value, at any depth."""
    inner = data.draw(st.sampled_from([secret, [secret], {"value": secret}]))
    document = data.draw(documents({name: inner}))
    body = json.dumps(document, ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    )

    assert secret not in REDACTOR.body(body, b"application/json; charset=utf-8")


@given(st.data(), names, secrets)
def test_no_secret_survives_in_json_that_strings_hold(
    data: st.DataObject, name: str, secret: str
) -> None:
    """W57: documents inside strings are looked into; too deep ones go whole."""
    document: Any = {name: secret}
    for _ in range(data.draw(st.integers(1, 6))):
        document = data.draw(documents(json.dumps(document)))

    assert secret not in REDACTOR.body(
        json.dumps(document).encode(), "application/json"
    )


@given(st.data(), known)
def test_no_known_form_survives_in_json(data: st.DataObject, secret: str) -> None:
    """W57: card numbers, tokens and keys go wherever they stand, names included."""
    as_name = data.draw(st.booleans())
    document = data.draw(documents({secret: 1} if as_name else f"see {secret}, please"))

    shown = REDACTOR.body(json.dumps(document).encode(), "application/json")

    assert json.dumps(secret)[1:-1] not in shown


@given(names, secrets, st.integers(0, 60))
def test_no_secret_survives_in_a_body_that_was_cut(
    name: str, secret: str, kept: int
) -> None:
    """W57: a cap in the middle of a document, or of the secret, changes nothing."""
    whole = json.dumps({"items": [1, 2], name: secret, "rest": ["x" * 60]})
    cut = whole[: whole.index(secret) + min(kept, len(secret))]

    shown = REDACTOR.body(cut.encode(), "application/json")

    assert not any(secret[:length] in shown for length in range(6, len(secret)))


@given(names, secrets, st.integers(0, 2))
def test_no_secret_survives_in_queries_and_forms(
    name: str, secret: str, encodings: int
) -> None:
    """W57: names and values are decoded before they are judged."""
    for _ in range(encodings):
        name, secret = (
            quote(name, safe=""),
            "".join(f"%{byte:02X}" for byte in secret.encode()),
        )
    query = f"page=1&{name}={secret}&sort=asc"

    shown = REDACTOR.path(b"/list", query.encode())
    form = REDACTOR.body(query.encode(), "application/x-www-form-urlencoded")

    assert secret not in shown
    assert secret not in form
    assert "/list?page=1&" in shown
    assert shown.endswith("&sort=asc")


@given(known, st.integers(0, 2))
def test_no_known_form_survives_in_a_query(secret: str, encodings: int) -> None:
    """W57: under any name, encoded once or twice."""
    value = quote_plus(secret)
    for _ in range(encodings):
        value = quote(value, safe="")

    assert secret not in unquote(
        unquote(unquote(REDACTOR.path(b"/", f"q={value}".encode())))
    )


@given(
    st.sampled_from(
        [
            "Authorization",
            "Cookie",
            "Set-Cookie",
            "X-Api-Key",
            "Proxy-Authorization",
            "X-Auth-Token",
            "X-Amz-Security-Token",
            "X-CSRFToken",
            "X-Acme-Session",
        ]
    ),
    st.sampled_from([str.lower, str.upper, str.title, str.swapcase]),
    secrets,
    st.sampled_from(
        ["{}", "Bearer {}", "a={}; b={}", "sid={}; Path=/; HttpOnly", "a={};{}"]
    ),
)
def test_no_secret_survives_in_headers(
    name: str, case: Any, secret: str, form: str
) -> None:
    """W21, W57: in any letter case, and each time that a header is repeated."""
    field = (case(name).encode(), form.replace("{}", secret).encode())

    shown = REDACTOR.headers([field, (b"X-Plain", b"kept"), field])

    assert secret not in str(shown)
    assert [case(name), "X-Plain", case(name)] == [key for key, _ in shown]
    assert ("X-Plain", "kept") in shown


@given(
    names,
    secrets,
    st.sampled_from(
        [
            "{}={}",
            "{}: {}",
            "<b>{} = '{}'</b>",
            "<{0}>{1}</{0}>",
            '<input name="{}" value="{}">',
            "GET /x?{}={} HTTP/1.1",
            '\\"{}\\":\\"{}\\"',
            "{} => {}",
        ]
    ),
)
def test_no_named_secret_survives_in_text(name: str, secret: str, form: str) -> None:
    """W57: log lines, HTML and XML name their secrets too."""
    if form.startswith("<{0}"):
        name = name.replace(" ", "")
    name = name.replace(" ", "_") if "?" in form or "input" in form else name
    text = "one\n" + form.format(name, secret) + "\nlast"

    assert secret not in REDACTOR.body(text.encode(), "text/html")


@given(names, secrets)
def test_no_secret_survives_in_multipart(name: str, secret: str) -> None:
    """W57: a field of a multipart form is judged by its name."""
    body = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{secret}\r\n'
        '--b\r\nContent-Disposition: form-data; name="city"\r\n\r\nBern\r\n--b--\r\n'
    )

    shown = REDACTOR.body(body.encode(), 'multipart/form-data; boundary="b"')

    assert secret not in shown
    assert "Bern" in shown


@given(st.data(), names, secrets)
def test_no_secret_survives_in_a_difference(
    data: st.DataObject, name: str, secret: str
) -> None:
    """W57: both values go, by the path, by the names inside, by their form."""
    path, value = data.draw(
        st.sampled_from(
            [
                (f"/a/0/{name}", secret),
                (f"/{name}/x/1", secret),
                ("/a", {"b": [{name: secret}]}),
                ("/a", f"{name}={secret}"),
                ("", json.dumps({name: secret})),
            ]
        )
    )
    found = Difference(Part.BODY, path, Kind.CHANGED, value, [value], note="n")

    assert secret not in str(REDACTOR.difference(found))


@pytest.mark.parametrize(
    "name", ["set-cookie", "set-cookie/sid", "authorization", "x-api-key"]
)
def test_a_header_difference_shows_no_secret(name: str) -> None:
    """W57: values of credential headers go, in a list or alone."""
    found = Difference(
        Part.HEADER, name, Kind.CHANGED, "sid=hunter22", ["sid=hunter22"]
    )

    assert "hunter22" not in str(REDACTOR.difference(found))


def test_a_cookie_that_differs_keeps_what_tells_why() -> None:
    """Its attributes and its state, never its value; a comma may begin another one."""
    pairs = [
        ("sid=…; httponly; path=/", "sid=…; path=/"),
        ("a value", "empty"),
        ("sid=…; expires=Thu, 01 Jan 2026 00:00:00 GMT", "sid=…; path=/, id=hunter22"),
    ]
    shown = [
        REDACTOR.difference(
            Difference(Part.HEADER, "set-cookie/sid", Kind.CHANGED, live, shadow)
        )
        for live, shadow in pairs
    ]

    hidden = "sid=[redacted]"
    assert [
        (f"{hidden}; httponly; path=/", f"{hidden}; path=/"),
        ("a value", "empty"),
        (
            f"{hidden}; expires=Thu, 01 Jan 2026 00:00:00 GMT",
            f"{hidden}; path=[redacted]",
        ),
    ] == [(one.live, one.shadow) for one in shown]


def test_what_is_no_secret_stays_as_it_is() -> None:
    """Layout, order, duplicate members, large integers and odd numbers are kept."""
    text = '{ "id": 12345678901234567890123,\n "a": [1.50, NaN, -0], "a": "x", "ok": true }'

    assert text == REDACTOR.body(text.encode(), "application/json")


def test_what_replaces_a_secret_tells_nothing_of_it() -> None:
    """Neither its length nor its type is shown; that it is missing or empty is."""
    body = '{"password": "x", "token": 123456, "secret": {"a": [1]}, "pin": null, "pwd": ""}'

    expected = (
        '{"password": "[redacted]", "token": "[redacted]", "secret": "[redacted]", '
        '"pin": null, "pwd": ""}'
    )
    assert expected == REDACTOR.body(body.encode(), "application/json")


def test_a_member_can_be_named_by_another() -> None:
    """`name` and `value` of one object belong together."""
    body = (
        '[{"name": "password", "value": "hunter2"}, {"name": "city", "value": "Bern"}]'
    )

    expected = '[{"name": "password", "value": "[redacted]"}, {"name": "city", "value": "Bern"}]'
    assert expected == REDACTOR.body(body.encode(), "application/json")


def test_cookies_keep_their_names_and_attributes() -> None:
    """What may be compared without a secret stays to be seen."""
    shown = REDACTOR.headers(
        [(b"Set-Cookie", b"sid=abc; Path=/; HttpOnly"), (b"cookie", b"a=1; b=2")]
    )

    expected = [
        ("Set-Cookie", "sid=[redacted]; Path=/; HttpOnly"),
        ("cookie", "a=[redacted]; b=[redacted]"),
    ]
    assert expected == shown


@pytest.mark.parametrize(
    ("glob", "shown"),
    [
        ("/user/name", '{"user": {"name": "[redacted]"}, "list": [{"name": "Bo"}]}'),
        (
            "/**/name",
            '{"user": {"name": "[redacted]"}, "list": [{"name": "[redacted]"}]}',
        ),
        ("/list/*/name", '{"user": {"name": "Al"}, "list": [{"name": "[redacted]"}]}'),
        ("/user", '{"user": "[redacted]", "list": [{"name": "Bo"}]}'),
        ("name", '{"user": {"name": "[redacted]"}, "list": [{"name": "[redacted]"}]}'),
    ],
)
def test_configured_paths_are_redacted(glob: str, shown: str) -> None:
    """`redact_paths`: `*` is one segment, `**` any number of them."""
    redactor = Redactor(Settings(redact_paths=(glob,)))
    body = b'{"user": {"name": "Al"}, "list": [{"name": "Bo"}]}'

    assert shown == redactor.body(body, "application/json")


def test_configured_paths_hold_in_differences_and_forms() -> None:
    """`redact_paths` apply wherever a value has a path, NDJSON lines included."""
    redactor = Redactor(Settings(redact_paths=("/user/name",)))
    found = Difference(Part.BODY, "/3/user/name", Kind.CHANGED, "Al", "Bo")

    assert (REDACTED, REDACTED) == (
        redactor.difference(found).live,
        redactor.difference(found).shadow,
    )
    assert "user[name]=[redacted]" == redactor.form("user[name]=Al")


def test_configured_headers_are_redacted() -> None:
    """`redact_headers`: names or globs, in any case."""
    redactor = Redactor(Settings(redact_headers=("X-Tenant-*",)))

    assert REDACTED == redactor.header(b"x-tenant-ID", b"acme")
    assert "acme" == redactor.header(b"x-other", b"acme")


def test_configured_patterns_are_redacted_everywhere() -> None:
    """`redact_patterns`: in values, names, headers, paths and text."""
    redactor = Redactor(Settings(redact_patterns=(r"ACME-\d+",)))
    found = Difference(
        Part.BODY, "/ACME-7", Kind.CHANGED, "x ACME-12", {"ACME-1": "ACME-2"}
    )
    shown = [
        redactor.body(b'{"a": "x ACME-12"}', "application/json"),
        redactor.body(b"plain ACME-12", "text/plain"),
        redactor.header(b"x-ref", b"ACME-12"),
        redactor.path(b"/orders/ACME-12", b"ref=ACME-12"),
        str(redactor.difference(found)),
    ]

    assert not any("ACME-1" in each or "ACME-7" in each for each in shown)


def test_binary_bodies_are_only_counted() -> None:
    """Bytes that are no text are never stored."""
    assert "[4 bytes of image/png]" == REDACTOR.body(b"\x89PN\x00", "image/png")


def test_output_is_bounded() -> None:
    """`max_stored_body` bounds what any body becomes."""
    redactor = Redactor(Settings(max_stored_body=100))
    bodies = [b'["' + b"x" * 5000 + b'"]', b"y" * 5000, b"a=1&" * 2000, b"[" * 5000]

    assert all(
        len(redactor.body(body, kind)) <= 100
        for body in bodies
        for kind in (
            "application/json",
            "text/plain",
            "application/x-www-form-urlencoded",
        )
    )


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "a:",
        "a=",
        "ey",
        "://",
        "<input ",
        "password=",
        "1 ",
        "\\",
        "%25",
        '"',
        '{"a":',
        "4",
        "=",
    ],
)
def test_no_body_holds_the_agent_up(unit: str) -> None:
    """W55: hostile repetition costs at most a bounded time, whatever its size."""
    body = unit.encode() * (1_000_000 // len(unit))
    began = time.process_time()

    for kind in ("application/json", "text/html", "application/x-www-form-urlencoded"):
        REDACTOR.body(body, kind)

    assert time.process_time() - began < 3


def test_a_bad_pattern_is_an_error_at_start_up() -> None:
    """A pattern that RE2 does not take is refused when the redactor is built."""
    with pytest.raises(ValueError, match="missing"):
        Redactor(Settings(redact_patterns=("(",)))


def test_urls_in_headers_lose_their_secrets() -> None:
    """Location and Referer carry queries."""
    shown = REDACTOR.header(b"Location", b"https://u:pw123@h/cb?code_token=abc&x=1")

    assert "https://u:[redacted]@h/cb?code_token=[redacted]&x=1" == shown


def test_a_token_in_a_path_goes() -> None:
    """What follows a segment that says *token* and looks like one is hidden."""
    assert "/reset-password/[redacted]/x" == REDACTOR.path(
        b"/reset-password/a1b2c3d4e5/x"
    )
    assert "/users/a1b2c3d4e5" == REDACTOR.path(b"/users/a1b2c3d4e5")


def test_an_urlencoded_body_keeps_what_is_plain() -> None:
    """Encoding is kept where nothing is hidden."""
    form = urlencode({"q": "a b&c", "page": "2"})

    assert form == REDACTOR.form(form)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_secret_survives_in_a_column_of_its_name(separator: str) -> None:
    """W57: whatever separates the columns, quoted or not, and where rows are cut."""
    rows = [
        ["id", "Password", "note"],
        ["1", SECRET, "kept"],
        ["2", f'"{SECRET}{separator}\n{SECRET}"', ""],
        ["3", f'"{SECRET}'],
    ]
    text = "\r\n".join(separator.join(row) for row in rows)
    media = "text/tab-separated-values" if separator == "\t" else "text/csv"

    shown = REDACTOR.body(text.encode(), media)

    assert SECRET not in shown
    assert separator.join(["1", REDACTED, "kept"]) + "\r\n" in shown


def test_columns_without_a_secret_stay_as_they_are() -> None:
    """Quotes and line ends as well."""
    text = '"id";"name"\r\n1;"tea"\r\n'

    assert text == REDACTOR.body(text.encode(), "text/csv; charset=utf-8")


def test_a_configured_path_names_a_column() -> None:
    """As it names the member of an object."""
    redactor = Redactor(Settings(redact_paths=("iban_of",)))

    assert f"id,iban_of\n1,{REDACTED}\n" == redactor.body(
        b"id,iban_of\n1,x\n", "text/csv"
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/tokens/a1b2c3d4e5/scopes", f"/tokens/{REDACTED}/scopes"),
        ("/tokens/*/scopes", "/tokens/*/scopes"),
        ("/token/expires_at", "/token/expires_at"),
        ("/items/a1b2c3d4e5/n", "/items/a1b2c3d4e5/n"),
    ],
)
def test_a_key_that_is_a_secret_is_not_told_with_its_place(
    path: str, shown: str
) -> None:
    """W57: neither the path of a difference nor that of its group."""
    difference = Difference(Part.BODY, path, Kind.CHANGED, 1, 2, shape=path)

    clean = REDACTOR.difference(difference)

    assert (shown, shown) == (clean.path, clean.shape)
