"""Log formats: what they say, what they cannot, and that parsing is rendering's inverse."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.exchange import header_values
from shadow_middleware.traffic.importers import apache, formats, nginx
from shadow_middleware.traffic.importers.log_formats import found_in, log_format_of
from shadow_middleware.traffic.importers.options import Options
from shadow_middleware.traffic.importers.patterns import (
    Escape,
    Field,
    Kind,
    Piece,
    quick,
    right,
)
from shadow_middleware.traffic.recorded import Missing
from tests.traffic.importers.reading import bad, exchanges, one, read

COMBINED = (
    b'192.0.2.7 - alice [10/Oct/2000:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 200 2326 '
    b'"-" "tea/1"'
)


def rendered_by_nginx(value: bytes, escape: Escape) -> bytes:
    """Return a variable as nginx writes it (ngx_http_log_escape and its JSON twin)."""
    if escape is Escape.BACKSLASH:
        return b"".join(
            b"\\x%02X" % byte
            if byte < 32 or byte > 126 or byte in b'"\\'
            else bytes((byte,))
            for byte in value
        )
    named = {8: b"\\b", 9: b"\\t", 10: b"\\n", 12: b"\\f", 13: b"\\r"}
    return b"".join(
        named.get(byte)
        or (
            b"\\u%04X" % byte
            if byte < 32
            else b"\\" + bytes((byte,))
            if byte in b'"\\'
            else bytes((byte,))
        )
        for byte in value
    )


@given(
    escape=st.sampled_from([Escape.BACKSLASH, Escape.JSON]),
    agent=st.binary(max_size=40),
    note=st.binary(max_size=40),
    body=st.binary(max_size=80),
    status=st.integers(100, 599),
    took=st.integers(0, 99_999),
    query=st.text("abc=&%20+-._~[]{}\"'\\", max_size=20),
)
def test_what_nginx_renders_is_read_back_byte_for_byte(
    escape: Escape,
    agent: bytes,
    note: bytes,
    body: bytes,
    status: int,
    took: int,
    query: str,
) -> None:
    """Any bytes in headers and bodies survive the log, in both ways of escaping."""
    absent = b"-" if escape is Escape.BACKSLASH else b""
    assume(absent not in (agent, note, body) or absent == b"")
    target = b"/x" + (b"?" + query.encode() if query else b"")
    name = "default" if escape is Escape.BACKSLASH else "json"
    form = (
        f'log_format it escape={name} \'$msec|$request_time|"$request"|$status|'
        '"$http_user_agent" "$request_body" <$http_x_note>\';'
    )
    shown = [rendered_by_nginx(each, escape) or absent for each in (agent, body, note)]
    assume(b">" not in shown[2] and b'"' not in note)
    line = b"".join(
        (
            f"1700000000.250|{took // 1000}.{took % 1000:03d}|".encode(),
            b'"POST ' + rendered_by_nginx(target, escape) + b' HTTP/1.1"|',
            f"{status}|".encode(),
            b'"%s" "%s" <%s>' % (shown[0], shown[1], shown[2]),
        )
    )
    found = exchanges(read("nginx", line + b"\n", log_format=form))[0]

    assert body == found.request.body.data
    assert ([agent] if agent else []) == header_values(
        found.request.headers, b"user-agent"
    )
    assert ([note] if note else []) == header_values(found.request.headers, b"x-note")
    assert target == found.request.path + (b"?" + found.request.query if query else b"")
    assert took == round(found.timing.total_ms)
    assert status == (found.response.status if found.response else 499)


def _line() -> st.SearchStrategy[bytes]:
    words = (
        *(b'"', b" ", b"[", b"]", b"-", b"\\", b'\\"', b"GET /", b" HTTP/1.1", b"200"),
        *(b"10/Oct/2000:13:55:36 +0000", b"\x00", b"\xff", b"a b", b"::1", b"x:80"),
    )
    pieces = st.sampled_from(words)
    return st.lists(pieces, max_size=30).map(b"".join)


@given(line=_line())
@pytest.mark.parametrize("text", [apache.COMBINED, apache.COMMON, apache.RECOMMENDED])
def test_the_quick_pattern_says_what_the_right_one_says(text: str, line: bytes) -> None:
    """Speed changes no value, on lines that nearly fit as on those that do."""
    pieces = apache.pieces_of(text)
    fast = quick(pieces, Escape.BACKSLASH)
    assert fast is not None
    exact = right(pieces, Escape.BACKSLASH)
    for each in (line, COMBINED[:10] + line + COMBINED[10:]):
        found = fast.fullmatch(each)
        if found is not None:
            assert exact.fullmatch(each).groups() == found.groups()


@given(cuts=st.lists(st.integers(0, 400), max_size=8))
def test_any_division_into_pieces_gives_the_same(cuts: list[int]) -> None:
    """Where a buffer ends means nothing."""
    data = COMBINED + b"\r\n\n" + b"rubbish\n" + COMBINED
    options = Options(source="log")
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]

    assert read("combined", data) == list(
        formats.reader_of("combined", options)(pieces, options)
    )


def test_a_combined_line_says_so_much_and_no_more() -> None:
    """Every field lands in its place, and what a log cannot know is marked."""
    found = one(read("combined", COMBINED + b"\n"))
    exchange = found.exchange

    assert 971211336.0 == exchange.at
    assert ("GET", b"/a", b"b=c", "1.1") == (
        exchange.request.method,
        exchange.request.path,
        exchange.request.query,
        exchange.request.http_version,
    )
    assert [(b"user-agent", b"tea/1")] == exchange.request.headers
    assert exchange.response is not None
    assert 200 == exchange.response.status
    assert {
        Missing.REQUEST_HEADERS,
        Missing.RESPONSE_HEADERS,
        Missing.RESPONSE_BODY,
        Missing.TIMING,
    } == found.missing
    assert "log:1" == found.place


def test_users_agents_and_addresses_tell_sessions_apart() -> None:
    """A named user is one session on any device; without a name, device and address."""
    lines = [
        COMBINED,
        COMBINED.replace(b"tea/1", b"tea/2"),
        COMBINED.replace(b"alice", b"-"),
        COMBINED.replace(b"alice", b"-").replace(b"tea/1", b"tea/2"),
        COMBINED.replace(b"alice", b"-").replace(b".7", b".8"),
    ]
    first, same, device, other, place = (
        each.key for each in exchanges(read("combined", b"\n".join(lines)))
    )

    assert first == same
    assert 4 == len({first, device, other, place})
    assert b"alice" not in (first or "").encode()


def test_a_name_with_blanks_is_read_where_only_one_reading_fits() -> None:
    """RE2 finds what the quick pattern does not."""
    odd = COMBINED.replace(b"alice", b"alice de [la] luz")

    assert 1 == len(exchanges(read("combined", odd)))


@pytest.mark.parametrize(
    ("status", "answered"), [(b"499", False), (b"000", False), (b"204", True)]
)
def test_a_client_that_went_away_has_no_answer(status: bytes, answered: bool) -> None:
    """nginx's own 499 is no status that a shadow could give."""
    found = one(read("combined", COMBINED.replace(b" 200 ", b" %s " % status)))

    assert answered == (found.exchange.response is not None)
    assert answered == (Missing.RESPONSE not in found.missing)


@pytest.mark.parametrize(
    ("log_format", "line", "at"),
    [
        ("$msec $request_time $request", b"100.250 0.050 GET / HTTP/1.1", 100.2),
        ("$time_iso8601 $request", b"1970-01-01T01:01:40+01:00 GET / HTTP/1.1", 100.0),
        # A whole second is too coarse to take milliseconds off: order would suffer.
        (
            "$time_iso8601 $request_time $request",
            b"1970-01-01T00:01:40+00:00 0.900 GET / HTTP/1.1",
            100.0,
        ),
    ],
)
def test_times_of_nginx(log_format: str, line: bytes, at: float) -> None:
    """The beginning is the end less what it took, where the end is known well enough."""
    assert at == one(read("nginx", line, log_format=log_format)).exchange.at


@pytest.mark.parametrize(
    ("log_format", "line", "at", "ms"),
    [
        ("%{usec}t %D %r", b"100250000 1500 GET / HTTP/1.1", 100.25, 1.5),
        ("%{end:msec}t %{ms}T %r", b"100250 50 GET / HTTP/1.1", 100.2, 50.0),
        ("%{sec}t.%{msec_frac}t %T %r", b"100.250 2 GET / HTTP/1.1", 100.0, 2000.0),
        ("%t %r", b"[01/Jan/1970:00:01:40 +0000] GET / HTTP/1.1", 100.0, 0.0),
    ],
)
def test_times_of_apache(log_format: str, line: bytes, at: float, ms: float) -> None:
    """All of mod_log_config's clocks, beginning and end, in their units."""
    found = one(read("apache", line, log_format=log_format)).exchange

    assert (at, ms) == (found.at, found.timing.total_ms)


def test_apaches_dash_for_no_bytes_is_an_empty_body() -> None:
    """`%b` writes a dash for none, which is known to be nothing."""
    line = COMBINED.replace(b" 200 2326", b" 304 -")

    assert Missing.RESPONSE_BODY not in one(read("combined", line)).missing


def test_a_body_that_was_cut_by_the_log_is_not_taken_for_whole() -> None:
    """nginx logs only what it held in memory; the declared length tells."""
    found = one(
        read(
            "nginx",
            b'1.5 "POST / HTTP/1.1" 9 "abc"',
            log_format='$msec "$request" $content_length "$request_body"',
        )
    )

    assert Missing.REQUEST_BODY in found.missing
    assert not found.exchange.request.body.complete


@pytest.mark.parametrize(
    ("form", "text", "says"),
    [
        ("nginx", "$http_a$http_b $msec $request", r"\$http_a and \$http_b touch"),
        ("nginx", "$msec $status", "no request"),
        ("nginx", "$request", "no time"),
        ("nginx", "log_format it escape=xml '$request';", "no log_format directive"),
        ("apache", 'LogFormat "%r', "no LogFormat directive"),
        ("iis", "", "no format; there are: auto, common"),
    ],
)
def test_a_format_that_cannot_be_read_is_refused_with_the_reason(
    form: str, text: str, says: str
) -> None:
    """The message names what is wrong and what would be right."""
    with pytest.raises(ConfigurationError, match=says):
        read(form, b"", log_format=text)


def test_formats_are_found_in_the_servers_own_configuration(tmp_path: Path) -> None:
    """`@FILE#NAME` reads the very text that the server reads."""
    config = f"http {{\n  log_format a '$request';\n  {nginx.RECOMMENDED}}}\n"
    path = tmp_path / "nginx.conf"
    path.write_text(config, encoding="utf-8")

    assert nginx.RECOMMENDED.strip() == log_format_of(f"@{path}#shadow")
    assert "log_format a '$request';" == found_in(config, "a")
    assert apache.RECOMMENDED == found_in(apache.RECOMMENDED, "")
    with pytest.raises(ConfigurationError, match="one of a, shadow"):
        log_format_of(f"@{path}")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        log_format_of(f"@{tmp_path / 'none'}")


def test_hostile_lines_cost_no_more_than_their_length() -> None:
    """No line makes a pattern try again and again: twice as long, twice the time."""
    layouts = [formats.layout_of(name, "") for name in ("combined", "nginx", "apache")]
    layouts.append(
        nginx.layout_of("$remote_user $http_a [$http_b] $http_c $msec $request")
    )
    for layout in layouts:
        for piece in (b'"\\', b"- ", b"[ ", b'" "', b"\\x22", b"a [b] "):
            line = piece * (200_000 // len(piece))
            begun = time.process_time()
            layout(line)

            assert 3.0 > time.process_time() - begun


def test_a_kind_that_may_hold_what_follows_has_no_quick_pattern() -> None:
    """Speed is for where nothing can be read two ways."""
    pieces: list[Piece] = [
        Field("client", "$remote_addr", Kind.WORD),
        b":",
        Field("x", "$x"),
    ]

    assert quick(pieces, Escape.BACKSLASH) is None
    found = right(pieces, Escape.BACKSLASH).fullmatch(b"::1:80")
    assert (b"::1", b"80") == found.groups()


def test_lines_of_another_format_are_counted_among_those_that_fit() -> None:
    """A file in which two formats are mixed loses only the other's lines."""
    found = read("common", COMBINED.rpartition(b' "-"')[0] + b"\n" + COMBINED + b"\n")

    assert 1 == len(exchanges(found))
    assert ["it does not fit the common format"] == [each.reason for each in bad(found)]
