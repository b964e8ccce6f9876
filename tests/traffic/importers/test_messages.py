"""GoReplay's files, HTTP/1.1 messages, packets, archives and OTLP, as they are written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.exchange import header_values
from shadow_middleware.traffic.importers import goreplay, tshark
from shadow_middleware.traffic.importers.formats import reader_of
from shadow_middleware.traffic.importers.message import message
from shadow_middleware.traffic.importers.options import Options, Unreadable
from shadow_middleware.traffic.recorded import Missing, Recorded
from tests.traffic.importers.reading import bad, exchanges, one, read

SEPARATOR = goreplay.SEPARATOR
POST = (
    b"1 8e091765ae902fef8a2b7d9dd960e9d52222bd8c 1439818823587996305 0\n"
    b"POST /items?a=%20 HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nX-A: 2\r\n"
    b"Content-Length: 4\r\n\r\n\x00\n\xffz"
)
ANSWER = (
    b"2 8e091765ae902fef8a2b7d9dd960e9d52222bd8c 1439818823588096305 2782013\n"
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
)
REPLAYED = ANSWER.replace(b"2 8e", b"3 8e", 1).replace(b"201 Created", b"500 Oh no")
GET = b"1 aa 1439818824000000000\nGET / HTTP/1.1\r\nHost: shop\r\n\r\n"


def gor(*payloads: bytes, **options: object) -> list[object]:
    """Return what a file of GoReplay with these payloads holds."""
    return list(
        read("goreplay", b"".join(each + SEPARATOR for each in payloads), **options)
    )


def test_a_request_and_its_answer_are_one_exchange() -> None:
    """Whatever stands between them; bytes, duplicates and times as they were."""
    post, get = exchanges(gor(POST, GET, ANSWER, REPLAYED))  # type: ignore[arg-type]

    assert ("POST", b"/items", b"a=%20", b"\x00\n\xffz") == (
        post.request.method,
        post.request.path,
        post.request.query,
        post.request.body.data,
    )
    assert [b"1", b"2"] == header_values(post.request.headers, b"x-a")
    assert 1439818823.587996 == post.at
    assert post.response is not None
    assert (201, b"abc") == (post.response.status, post.response.body.data)
    assert 2.782013 == post.timing.total_ms
    assert get.response is None


def test_what_goreplays_target_answered_is_taken_only_when_asked_for() -> None:
    """Kind 3 is not live's answer."""
    (found,) = exchanges(gor(POST, ANSWER, REPLAYED, replayed=True))  # type: ignore[arg-type]

    assert found.response is not None
    assert 500 == found.response.status


@given(size=st.integers(1, 50))
def test_goreplay_files_may_be_cut_anywhere(size: int) -> None:
    """A separator that two pieces share is one."""
    data = POST + SEPARATOR + ANSWER + SEPARATOR + GET
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    options = Options(source="log")

    assert read("goreplay", data) == list(goreplay.read(pieces, options))


def test_payloads_that_are_damaged_are_counted_and_the_rest_is_read() -> None:
    """Lost packets leave half heads, answers without requests, and cut bodies."""
    found = gor(
        b"rubbish", b"1 aa", b"2 none 1 2\nHTTP/1.1 200 OK\r\n\r\n", GET, POST[:-2]
    )

    assert ["log:1", "log:2", "log:3"] == [each.place for each in bad(found)]  # type: ignore[arg-type]
    get, post = [each for each in found if isinstance(each, Recorded)]
    assert Missing.REQUEST_BODY not in get.missing
    assert Missing.REQUEST_BODY in post.missing
    assert not post.exchange.request.body.complete


def test_a_payload_over_the_limit_is_held_nowhere() -> None:
    """Its length is told, and the next one is read."""
    big = GET[:-2] + b"x" * 5000
    found = gor(big, GET, max_record=1000)

    assert [f"a payload of {len(big)} bytes, more than is read"] == [
        each.reason
        for each in bad(found)  # type: ignore[arg-type]
    ]
    assert 1 == len(exchanges(found))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "asked_by", "body", "length", "rest"),
    [
        (b"GET / HTTP/1.1\r\n\r\nnext", None, b"", 0, b"next"),
        (b"PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabc", None, b"ab", 2, b"c"),
        (b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", None, b"abc", 9, b""),
        (b"HTTP/1.1 200 OK\r\n\r\nall of it", "GET", b"all of it", 9, b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", b"", 0, b""),
        (b"HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\nHTTP", "GET", b"", 0, b"HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
            b"2;x=y\r\nab\r\n1\r\nc\r\n0\r\nX-T: 1\r\n\r\nrest",
            "GET",
            b"abc",
            3,
            b"rest",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "GET",
            b"ab",
            5,
            b"",
        ),
        (b"GET / HTTP/1.1\nA: b\n c\n\n", None, b"", 0, b""),
    ],
)
def test_the_body_of_a_message(
    data: bytes, asked_by: str | None, body: bytes, length: int, rest: bytes
) -> None:
    """RFC 9112, 6.3: where a body ends, and what follows it."""
    found = message(data, asked_by=asked_by)

    assert (body, length, rest) == (found.body.data, found.body.length, found.rest)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_half_a_head_is_no_message(data: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(Unreadable):
        message(data)


@given(data=st.binary(max_size=300), asked_by=st.sampled_from([None, "GET", "HEAD"]))
def test_any_bytes_are_a_message_or_unreadable(
    data: bytes, asked_by: str | None
) -> None:
    """Nothing else is raised, whatever came over the wire."""
    for head in (b"", b"HTTP/1.1 200 OK\r\n", b"GET / HTTP/1.1\r\nA: b\r\n\r\n"):
        try:
            message(head + data, asked_by=asked_by)
        except Unreadable:
            continue


def entry(**changes: object) -> dict[str, object]:
    """Return an entry of an archive."""
    made: dict[str, object] = {
        "startedDateTime": "2026-01-31T12:00:00.500+01:00",
        "time": 12.5,
        "request": {
            "method": "POST",
            "url": "https://shop.test/a%20b?c=d#frag",
            "httpVersion": "h2",
            "headers": [
                {"name": ":authority", "value": "shop.test"},
                {"name": "x-a", "value": "é"},
            ],
            "postData": {"mimeType": "text/plain; charset=latin1", "text": "é"},
        },
        "response": {
            "status": 200,
            "headers": [
                {"name": "content-encoding", "value": "br"},
                {"name": "content-length", "value": "5"},
                {"name": "content-type", "value": "application/json"},
            ],
            "content": {"size": 9, "mimeType": "application/json", "text": '{"a":"b"}'},
        },
        "timings": {"send": 0, "wait": 10, "receive": 2.5},
    }
    return {**made, **changes}


def har(*entries: object) -> bytes:
    """Return an archive of the entries."""
    log = {"version": "1.2", "pages": [{"entries": [{}]}], "entries": list(entries)}
    return json.dumps({"log": log}).encode()


def test_an_archive_says_what_a_browser_saw() -> None:
    """HTTP/2's names, the charset of a body, and no header that is not true any more."""
    found = one(read("har", har(entry())))
    exchange = found.exchange

    assert 1769857200.5 == exchange.at
    assert ("2", "https", b"/a%20b", b"c=d") == (
        exchange.request.http_version,
        exchange.request.scheme,
        exchange.request.path,
        exchange.request.query,
    )
    assert [(b"host", b"shop.test"), (b"x-a", b"\xe9")] == exchange.request.headers
    assert b"\xe9" == exchange.request.body.data
    assert exchange.response is not None
    assert [(b"content-type", b"application/json")] == exchange.response.headers
    assert b'{"a":"b"}' == exchange.response.body.data
    assert (10.0, 12.5) == (exchange.timing.first_byte_ms, exchange.timing.total_ms)
    assert {Missing.RESPONSE_HEADERS} == found.missing


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"startedDateTime": "yesterday"}, "'yesterday' is no time"),
        ({"request": {"method": "GET", "url": "data:text/plain,x"}}, "neither a path"),
        ({"request": {"method": "GET", "url": "ws://shop/"}}, "a URL of ws: is no"),
        ({"request": None}, "no entry of an HTTP Archive"),
        (
            {
                "response": {
                    "status": 200,
                    "content": {"text": "?", "encoding": "base64"},
                }
            },
            "said to be base64",
        ),
    ],
)
def test_an_entry_that_is_no_exchange_is_counted(
    changes: dict[str, object], reason: str
) -> None:
    """The entries around it are read."""
    found = read("har", har(entry(), entry(**changes), entry()))

    assert 2 == len(exchanges(found))
    (line,) = bad(found)
    assert "log:2" == line.place
    assert reason in line.reason


@given(size=st.integers(1, 40), spaces=st.sampled_from([None, 1]))
def test_archives_may_be_cut_anywhere(size: int, spaces: int | None) -> None:
    """Strings with quotes and brackets in them, cut in any byte."""
    odd = entry(comment='"entries":[{\\"}]')
    whole = json.dumps(json.loads(har(odd, entry())), indent=spaces).encode()
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    options = Options(source="log")

    assert 2 == len(exchanges(read("har", whole)))
    assert read("har", whole) == list(reader_of("har", options)(pieces, options))


def test_a_torn_archive_loses_its_last_entry_only() -> None:
    """It is said where it ends."""
    whole = har(entry(), entry())
    found = read("har", whole[:-60])

    assert 1 == len(exchanges(found))
    assert ["the file ends within this entry"] == [each.reason for each in bad(found)]


def test_an_entry_over_the_limit_is_held_nowhere() -> None:
    """Its length is told, and the next one is read."""
    big = entry(comment="x" * 5000)
    options = Options(source="log", max_record=2000)
    whole = har(big, entry())
    pieces = [whole[at : at + 500] for at in range(0, len(whole), 500)]
    found = list(reader_of("har", options)(pieces, options))

    assert 1 == len(exchanges(found))
    assert f"{len(json.dumps(big))} bytes" in bad(found)[0].reason


def test_what_is_no_archive_says_so() -> None:
    """A web page, or the JSON of something else."""
    for data in (b"<html>", b'{"entries":[{}]}', b"[1,2]"):
        (line,) = bad(read("har", data))
        assert "no log.entries is found" in line.reason


def otlp(**attributes: object) -> bytes:
    """Return a line with one log record."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}

    def value(of: object) -> dict[str, object]:
        if isinstance(of, list):
            return {"arrayValue": {"values": [value(each) for each in of]}}
        return {kinds[type(of)]: str(of) if type(of) is int else of}

    listed = [{"key": key, "value": value(each)} for key, each in attributes.items()]
    record = {"timeUnixNano": "1700000000500000000", "attributes": listed}
    logs = [{"scopeLogs": [{"logRecords": [record]}]}]
    return json.dumps({"resourceLogs": logs}).encode()


def test_a_log_record_of_opentelemetry_is_an_exchange() -> None:
    """The semantic conventions for HTTP, with captured headers and the route."""
    line = otlp(
        **{
            "http.request.method": "GET",
            "url.path": "/items/7",
            "url.query": "a=b",
            "url.scheme": "https",
            "server.address": "shop.test",
            "server.port": 8443,
            "http.route": "/items/{id}",
            "http.response.status_code": 200,
            "http.request.header.x-a": ["1", "2"],
            "http.server.request.duration": 0.25,
            "client.address": "192.0.2.7",
            "user_agent.original": "tea/1",
        }
    )
    exchange = one(read("otlp", line)).exchange

    assert (1700000000.25, 250.0) == (exchange.at, exchange.timing.total_ms)
    assert "GET /items/{id}" == exchange.endpoint
    assert [
        (b"host", b"shop.test:8443"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"user-agent", b"tea/1"),
    ] == exchange.request.headers
    assert exchange.key is not None


def test_server_spans_are_read_in_the_old_words_as_well() -> None:
    """Spans of clients and databases are passed over."""
    attributes = [
        {"key": "http.method", "value": {"stringValue": "GET"}},
        {"key": "http.target", "value": {"stringValue": "/a?b"}},
        {"key": "http.status_code", "value": {"intValue": "404"}},
    ]
    times = {"startTimeUnixNano": "1000000000", "endTimeUnixNano": "1500000000"}
    spans = [
        {"kind": 2, **times, "attributes": attributes},
        {"kind": 3, **times, "attributes": attributes},
        {"kind": 2, **times, "attributes": []},
    ]
    line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    exchange = one(read("otlp", line.encode())).exchange

    assert (1.0, 500.0, b"/a", b"b") == (
        exchange.at,
        exchange.timing.total_ms,
        exchange.request.path,
        exchange.request.query,
    )


def test_packets_without_the_fields_that_are_needed_say_which() -> None:
    """Whoever exported something else learns what to export."""
    line = b'{"_index":"packets-x","_source":{"layers":{"http.host":["a"]}}}'
    (found,) = bad(read("tshark", line))

    assert "no tcp.payload and tcp.stream" in found.reason


def packet(stream: int, field: str, value: str, message: bytes) -> bytes:
    """Return a packet in which a message ends, as tshark writes it."""
    layers = {
        "tcp_stream": [str(stream)],
        "frame_time_epoch": [f"{stream}.5"],
        field: [value],
        "tcp_payload": [message.hex()],
    }
    return json.dumps({"layers": layers}).encode() + b"\n"


def test_uploads_that_nobody_answers_are_held_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The oldest is given out without an answer, as soon as too much waits."""
    monkeypatch.setattr(tshark, "_WAITING_BYTES", 1_000)
    body = bytes(400)
    asked = [
        packet(
            number,
            "http_request_method",
            "POST",
            b"POST /%d HTTP/1.1\r\nContent-Length: 400\r\n\r\n" % number + body,
        )
        for number in range(3)
    ]
    done = b"HTTP/1.1 204 No Content\r\n\r\n"
    answered = [packet(n, "http_response_code", "204", done) for n in (1, 2)]
    found = exchanges(read("tshark", b"".join([*asked, *answered])))

    assert [(b"/0", None), (b"/1", 204), (b"/2", 204)] == [
        (one.request.path, one.response and one.response.status) for one in found
    ]
