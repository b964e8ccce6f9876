"""The steps of `transform`: what each does to a copy, and what it never does."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.exchange import Body, Request
from shadow_middleware.settings import load
from shadow_middleware.transform.editing import NotThere
from shadow_middleware.transform.planted import without
from shadow_middleware.transform.steps import (
    Call,
    Occasion,
    Steps,
    moved,
    planted_in,
    steps_of,
)

JSON = (b"Content-Type", b"application/json")
FORM = (b"Content-Type", b"application/x-www-form-urlencoded")
OCCASION = Occasion("shadow", "/items/{id}", "alice", at=1_000.0, now=87_400.0)
REQUEST = Request(
    "POST",
    b"/v1/items/7",
    b"a=1&b=%202&a=3",
    [
        (b"Host", b"shadow"),
        (b"X-One", b"1"),
        (b"x-one", b"2"),
        (b"Cookie", b"s=1; t=2"),
    ],
)


def with_body(data: bytes, *headers: tuple[bytes, bytes]) -> Request:
    """Return a request with a body."""
    return Request("POST", b"/x", b"", headers, Body(data, len(data)))


def no_function(path: str) -> Callable[..., Any]:
    """Stand in for functions that no step here has."""
    raise AssertionError(path)


def steps(*tables: Any) -> Steps:
    """Return compiled steps."""
    settings = load({"shadow_url": "http://shadow", "transform": [*tables]}, environ={})
    return steps_of(settings.all_targets[0], settings, no_function)


def run(request: Request, *tables: Any, route: str = "/items/{id}") -> Request:
    """Return what the steps make of a request."""
    for step in steps(*tables).for_route(request.method, route):
        made = step(request, OCCASION)
        assert isinstance(made, Request)
        request = made
    return request


HEADERS: list[tuple[dict[str, Any], list[tuple[bytes, bytes]]]] = [
    (
        {"action": "set_header", "name": "X-ONE", "value": "9"},
        [(b"Host", b"shadow"), (b"X-One", b"9"), (b"Cookie", b"s=1; t=2")],
    ),
    (
        {"action": "drop_header", "name": "x-one"},
        [(b"Host", b"shadow"), (b"Cookie", b"s=1; t=2")],
    ),
    (
        {"action": "rename_header", "name": "x-one", "value": "X-Two"},
        [
            (b"Host", b"shadow"),
            (b"X-Two", b"1"),
            (b"X-Two", b"2"),
            (b"Cookie", b"s=1; t=2"),
        ],
    ),
    (
        {"action": "set_host", "value": "other"},
        [(b"Host", b"other"), *REQUEST.headers[1:]],
    ),
    (
        {"action": "set_cookie", "name": "s", "value": "9"},
        [*REQUEST.headers[:3], (b"Cookie", b"s=9; t=2")],
    ),
    (
        {"action": "set_cookie", "name": "u", "value": "3"},
        [*REQUEST.headers[:3], (b"Cookie", b"s=1; t=2; u=3")],
    ),
    (
        {"action": "drop_cookie", "name": "s"},
        [*REQUEST.headers[:3], (b"Cookie", b"t=2")],
    ),
    (
        {"action": "token", "value": "abc"},
        [*REQUEST.headers, (b"Authorization", b"Bearer abc")],
    ),
    (
        {"action": "token", "value": "abc", "scheme": "", "name": "X-Api-Key"},
        [*REQUEST.headers, (b"X-Api-Key", b"abc")],
    ),
]


@pytest.mark.parametrize(("table", "expected"), HEADERS)
def test_headers_and_cookies(
    table: dict[str, Any], expected: list[tuple[bytes, bytes]]
) -> None:
    """One header is changed, and all others stay in their order and case."""
    before = list(REQUEST.headers)

    assert expected == run(REQUEST, table).headers
    assert before == list(REQUEST.headers)


@pytest.mark.parametrize(
    ("table", "path", "query"),
    [
        (
            {"action": "rewrite_path", "pattern": "^/v1/(.*)", "value": "/v2/\\1"},
            b"/v2/items/7",
            b"a=1&b=%202&a=3",
        ),
        (
            {"action": "set_query", "name": "a", "value": "x y"},
            b"/v1/items/7",
            b"a=x+y&b=%202",
        ),
        (
            {"action": "set_query", "name": "c", "value": "1"},
            b"/v1/items/7",
            b"a=1&b=%202&a=3&c=1",
        ),
        ({"action": "drop_query", "name": "a"}, b"/v1/items/7", b"b=%202"),
    ],
)
def test_path_and_query(table: dict[str, Any], path: bytes, query: bytes) -> None:
    """Other fields keep the escapes that they had."""
    made = run(REQUEST, table)

    assert (path, query) == (made.path, made.query)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            {"action": "set_json", "name": "/a/b", "value": [1]},
            b'{"a":{"b":[1]},"l":[1]}',
        ),
        (
            {"action": "set_json", "name": "/a/c", "value": 2},
            b'{"a":{"b":1,"c":2},"l":[1]}',
        ),
        (
            {"action": "set_json", "name": "/l/-", "value": "x"},
            b'{"a":{"b":1},"l":[1,"x"]}',
        ),
        (
            {"action": "replace_json", "name": "/l/0", "value": True},
            b'{"a":{"b":1},"l":[true]}',
        ),
        ({"action": "remove_json", "name": "/a"}, b'{"l":[1]}'),
    ],
)
def test_json_by_pointer(table: dict[str, Any], expected: bytes) -> None:
    """RFC 6901; what is not named stays."""
    assert (
        expected == run(with_body(b'{"a": {"b": 1}, "l": [1]}', JSON), table).body.data
    )


@pytest.mark.parametrize(
    "table",
    [
        {"action": "replace_json", "name": "/nope", "value": 1},
        {"action": "remove_json", "name": "/l/7"},
        {"action": "set_field", "name": "a", "value": "1"},
        {"action": "shift_time", "name": "/a"},
    ],
)
def test_what_is_not_there_is_an_error(table: dict[str, Any]) -> None:
    """A step that cannot do its work ends the replay rather than sending half of it."""
    with pytest.raises(NotThere):
        run(with_body(b'{"a": {"b": 1}, "l": [1]}', JSON), table)


def test_forms() -> None:
    """One field, and the others as they were."""
    form = with_body(b"a=1&b=%202", FORM)

    assert (
        b"a=9&b=%202"
        == run(form, {"action": "set_field", "name": "a", "value": "9"}).body.data
    )
    assert b"b=%202" == run(form, {"action": "drop_field", "name": "a"}).body.data


def test_a_compressed_body_is_edited_and_sent_plain() -> None:
    """Its Content-Encoding goes with the coding."""
    import gzip

    packed = with_body(gzip.compress(b'{"a":1}'), JSON, (b"Content-Encoding", b"gzip"))

    made = run(packed, {"action": "set_json", "name": "/a", "value": 2})

    assert (b'{"a":2}', [JSON]) == (made.body.data, made.headers)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2024-05-01", "2024-05-02"),
        ("2024-05-01T10:00:00Z", "2024-05-02T10:00:00Z"),
        ("2024-05-01 10:00:00.250+02:00", "2024-05-02 10:00:00.250+02:00"),
        ("Wed, 01 May 2024 10:00:00 GMT", "Thu, 02 May 2024 10:00:00 GMT"),
        ("1714557600", "1714644000"),
        (1714557600000, 1714644000000),
        (1714557600.5, 1714644000.5),
    ],
)
def test_a_time_is_shifted_in_the_form_that_it_has(before: Any, after: Any) -> None:
    """ISO 8601, HTTP dates, and epochs in seconds and milliseconds."""
    assert after == moved(before, 86_400.0)


def test_a_time_moves_by_the_age_of_the_exchange() -> None:
    """Recorded traffic asks for `today` again."""
    request = Request("GET", b"/", b"from=2024-05-01&to=x")

    made = run(request, {"action": "shift_time", "name": "query:from"})

    assert b"from=2024-05-02&to=x" == made.query


def test_a_time_moves_in_a_form_whatever_its_coding_and_nowhere_else() -> None:
    """A body that is no form is left as it is, and keeps its coding."""
    step = {"action": "shift_time", "name": "field:from"}
    coded = (b"Content-Encoding", b"gzip")
    data, picture = gzip.compress(b"from=2024-05-01&to=x"), b"\x89PNG\xff&from=1"
    form = Request("POST", b"/", headers=[FORM, coded], body=Body(data, len(data)))
    other = Request("POST", b"/", headers=[coded], body=Body(picture, len(picture)))

    assert b"from=2024-05-02&to=x" == run(form, step).body.data
    assert other == run(other, step)


def test_steps_are_for_their_routes_and_run_in_order() -> None:
    """The target's own come after those of the whole."""
    one = {"action": "set_header", "name": "X-A", "value": "1"}
    settings = load(
        {
            "targets": [
                {
                    "url": "http://shadow",
                    "name": "b",
                    "transform": [{**one, "value": "2", "route": "GET /items/*"}],
                }
            ],
            "transform": [one],
        },
        environ={},
    )
    made = steps_of(settings.targets[0], settings, no_function)

    assert [2, 1, 1] == [
        len(made.for_route(method, route))
        for method, route in (("GET", "/items/7"), ("POST", "/items/7"), ("GET", "/x"))
    ]


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_tokens_by_user_come_from_a_file(tmp_path: Path, suffix: str) -> None:
    """A user without a token is an error; a request of nobody stays as it is."""
    file = tmp_path / f"tokens{suffix}"
    file.write_text('alice = "t1"' if suffix == ".toml" else '{"alice": "t1"}')
    [step] = steps({"action": "token_by_user", "file": str(file)}).for_route("GET", "/")

    made = step(REQUEST, OCCASION)
    nobody = step(REQUEST, Occasion("shadow", "/", None, 0.0, 0.0))

    assert isinstance(made, Request)
    assert (b"Authorization", b"Bearer t1") == made.headers[-1]
    assert REQUEST is nobody
    with pytest.raises(NotThere):
        step(REQUEST, Occasion("shadow", "/", "bob", 0.0, 0.0))


def test_a_function_is_handed_out_and_its_answer_checked() -> None:
    """Whoever runs it bounds its time."""
    settings = load({"shadow_url": "http://s", "transform": ["a:b"]}, environ={})
    made = steps_of(settings.all_targets[0], settings, lambda path: len)
    [step] = made.for_route("GET", "/")

    call = step(REQUEST, OCCASION)

    assert isinstance(call, Call)
    assert (len, (REQUEST, OCCASION)) == (call.function, call.arguments)
    with pytest.raises(TypeError):
        call.finish("no request")


def test_what_steps_have_added_is_known_as_secret() -> None:
    """Tokens, cookies, and secret fields; nothing that was there before."""
    before = with_body(b'{"password":"old-secret"}', JSON, (b"Cookie", b"a=kept-value"))
    after = run(
        before,
        {"action": "token", "value": "tok-12345"},
        {"action": "set_cookie", "name": "b", "value": "new-cookie"},
        {"action": "set_query", "name": "signature", "value": "sig-12345"},
        {"action": "set_json", "name": "/password", "value": "new-secret"},
    )

    found = set(planted_in(before, after))

    assert {"tok-12345", "new-cookie", "sig-12345", "new-secret"} <= found
    assert not {"kept-value", "old-secret"} & found


def test_what_was_planted_is_taken_out_of_an_answer_in_any_form() -> None:
    """As it is, percent-encoded, and in JSON."""
    from shadow_middleware.exchange import Response

    data = b'plain a"b/c form a%22b%2Fc json "a\\"b/c"'
    clean = without(
        Response(200, [(b"X-Echo", b'a"b/c')], Body(data, len(data))), ['a"b/c']
    )

    assert b'plain [redacted] form [redacted] json "[redacted]"' == clean.body.data
    assert [(b"X-Echo", b"[redacted]")] == clean.headers


def local(request: Request, occasion: Occasion) -> Request:
    """Be a function that can be imported."""
    return request


WRONG: list[tuple[Any, str]] = [
    (
        [{"action": "tokn"}],
        "transform[0].action: unknown value 'tokn' (keyword argument); did you mean "
        "'token'?",
    ),
    (
        [{"action": "token"}],
        "transform[0]: 'token' needs 'value' (keyword argument); give value",
    ),
    (
        [{"action": "token", "value": "secret-1", "pattern": "x"}],
        "transform[0].pattern: has no effect with 'token' (keyword argument)",
    ),
    (
        [{"action": "set_json", "name": "a", "value": 1}],
        "transform[0].name: 'a' is not a JSON pointer (keyword argument); did you mean "
        "'/a'?",
    ),
    (
        [{"action": "set_header", "name": "a b", "value": "x"}],
        "transform[0].name: 'a b' is not a header name (keyword argument)",
    ),
    (
        [{"action": "set_header", "name": "a", "value": "x\ny"}],
        "transform[0].value: has a line break or a NUL (keyword argument)",
    ),
    (
        [{"action": "set_header", "name": "a", "value": 7}],
        "transform[0].value: is not a string (keyword argument)",
    ),
    (
        [{"action": "token_by_user"}],
        "transform[0]: needs either 'function' or 'file' (keyword argument); name one "
        "of them",
    ),
    (
        [{"action": "token_by_user", "file": "/nope.toml"}],
        "transform[0].file: '/nope.toml' cannot be read: No such file or directory "
        "(keyword argument)",
    ),
    (
        [{"action": "shift_time", "name": "from"}],
        "transform[0].name: 'from' is no place of a time (keyword argument); write "
        "'query:NAME', 'header:NAME', 'field:NAME' or a JSON pointer",
    ),
    (
        [lambda request, occasion: request],
        "transform[0].function: a lambda cannot be imported by the agent (keyword "
        "argument); move it to a module, and give it as 'module:function'",
    ),
    (
        ["nope"],
        "transform[0].function: 'nope' is neither a table nor 'module:function' "
        "(keyword argument); name an action, or a function of yours by its import path",
    ),
]


@pytest.mark.parametrize(("tables", "message"), WRONG)
def test_a_bad_step_is_refused_by_its_key(tables: Any, message: str) -> None:
    """At start-up, with what would be right, and without any value of a token."""
    with pytest.raises(ConfigurationError) as error:
        load({"shadow_url": "http://shadow", "transform": tables}, environ={})

    assert message == str(error.value)


def test_a_function_may_be_given_as_it_is() -> None:
    """By itself, or as its import path: both are the same settings."""
    given = [
        load({"shadow_url": "http://shadow", "transform": [one]}, environ={})
        for one in (local, f"{__name__}:local", {"function": local})
    ]

    assert given[0] == given[1] == given[2]
    assert f"{__name__}:local" == given[0].transform[0].function


def test_settings_never_show_a_token() -> None:
    """Their text may be logged."""
    tokens = [{"action": "token", "value": "tok-123"}]
    target = {"url": "http://s", "name": "s", "transform": tokens}
    settings = load({"targets": [target], "transform": tokens}, environ={})

    assert "tok-123" not in repr(settings)
