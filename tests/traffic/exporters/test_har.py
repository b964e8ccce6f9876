"""Archives are valid by the specification, and say what cannot be said in bytes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.exchange import Body, Request, Response, Timing
from shadow_middleware.traffic.exporters import har
from shadow_middleware.traffic.importers.formats import reader_of
from shadow_middleware.traffic.importers.options import Options
from shadow_middleware.traffic.recorded import Missing, Recorded
from tests.traffic.making import a_record

PAIRS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "value"],
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    },
}
MESSAGE = {
    "httpVersion": {"type": "string"},
    "cookies": {"type": "array"},
    "headers": PAIRS,
    "headersSize": {"type": "integer"},
    "bodySize": {"type": "integer"},
}
TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["log"],
    "properties": {
        "log": {
            "type": "object",
            "required": ["version", "creator", "entries"],
            "properties": {
                "version": {"const": "1.2"},
                "creator": {"type": "object", "required": ["name", "version"]},
                "entries": {"type": "array", "items": {"$ref": "#/definitions/entry"}},
            },
        }
    },
    "definitions": {
        "entry": {
            "type": "object",
            "required": [
                "startedDateTime",
                "time",
                "request",
                "response",
                "cache",
                "timings",
            ],
            "properties": {
                "startedDateTime": {
                    "type": "string",
                    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
                },
                "time": {"type": "number", "minimum": 0},
                "request": {
                    "type": "object",
                    "required": ["method", "url", "queryString", *MESSAGE],
                    "properties": {
                        **MESSAGE,
                        "method": TEXT,
                        "url": {"type": "string", "pattern": "^https?://"},
                        "queryString": PAIRS,
                        "postData": {
                            "type": "object",
                            "required": ["mimeType"],
                            "properties": {"mimeType": TEXT, "text": TEXT},
                        },
                    },
                },
                "response": {
                    "type": "object",
                    "required": [
                        *("status", "statusText", "content", "redirectURL"),
                        *MESSAGE,
                    ],
                    "properties": {
                        **MESSAGE,
                        "status": {"type": "integer"},
                        "statusText": TEXT,
                        "redirectURL": TEXT,
                        "content": {
                            "type": "object",
                            "required": ["size", "mimeType"],
                            "properties": {
                                "size": {"type": "integer"},
                                "mimeType": TEXT,
                                "text": TEXT,
                                "encoding": {"const": "base64"},
                            },
                        },
                    },
                },
                "timings": {"type": "object", "required": ["send", "wait", "receive"]},
            },
        }
    },
}


def archived(*records: Recorded) -> dict[str, Any]:
    """Return the archive of the records, once it is found to be one."""
    text = "".join(har.exported(records, "1"))
    found: dict[str, Any] = json.loads(text)
    jsonschema_rs.validate(SCHEMA, found)
    return found


def back(archive: dict[str, Any]) -> list[Recorded]:
    """Return the records that an archive is read as."""
    options = Options(source="x.har")
    found = reader_of("har", options)([json.dumps(archive).encode()], options)
    return [each for each in found if isinstance(each, Recorded)]


_visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=20)
_names = st.text("abcdefX-", min_size=1, max_size=8).filter(
    lambda name: name.lower() not in ("host", "content-type", "content-encoding")
)
_headers = st.lists(
    st.tuples(
        _names.map(str.encode), _visible.map(lambda text: text.encode("latin-1"))
    ),
    max_size=4,
)


@given(
    request_headers=_headers,
    response_headers=_headers,
    body=st.binary(max_size=60),
    answer=st.binary(min_size=1, max_size=60),
    kind=st.sampled_from([b"text/plain", b"text/html; charset=latin1", b"image/png"]),
    query=st.text("ab=&%+[]", max_size=10),
)
def test_what_goes_out_comes_back_byte_for_byte(
    request_headers: list[tuple[bytes, bytes]],
    response_headers: list[tuple[bytes, bytes]],
    body: bytes,
    answer: bytes,
    kind: bytes,
    query: str,
) -> None:
    """Any bytes, whatever they are said to be; the archive is valid."""
    typed = [(b"Host", b"shop.test"), (b"Content-Type", kind)]
    record = a_record(
        request=Request(
            *("POST", b"/a%20b", query.encode()),
            [*typed, *request_headers],
            Body(body, len(body)),
        ),
        response=Response(
            200, [(b"Content-Type", kind), *response_headers], Body(answer, len(answer))
        ),
        timing=Timing(0, 1_500_000, 2_000_000),
    )
    (found,) = back(archived(record))

    assert record.exchange.request == found.exchange.request
    assert record.exchange.response == found.exchange.response
    assert record.exchange.timing == found.exchange.timing


def test_what_is_not_known_stays_not_known() -> None:
    """No answer, no times, an answer of which only the length is known, half a body."""
    silent = Recorded(
        a_record(response=None, timing=Timing(0, 0, 0)).exchange,
        frozenset({Missing.RESPONSE, Missing.TIMING}),
    )
    unread = Recorded(
        a_record(response=Response(200, [], Body(b"", 0))).exchange,
        frozenset({Missing.RESPONSE_BODY, Missing.RESPONSE_HEADERS}),
    )
    half = a_record(response=Response(200, [(b"A", b"b")], Body(b"ha", 9)))
    found = back(archived(silent, unread, half))

    assert [silent.missing, unread.missing, {Missing.RESPONSE_BODY}] == [
        each.missing for each in found
    ]
    assert found[0].exchange.response is None
    assert found[2].exchange.response is not None
    assert 9 == found[2].exchange.response.body.length


def test_nothing_is_an_archive_too() -> None:
    """An empty capture is an empty list of entries."""
    assert [] == archived()["log"]["entries"]
