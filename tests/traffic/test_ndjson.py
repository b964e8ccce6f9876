"""One exchange as one line of JSON, and back."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.errors import DecodeError
from shadow_middleware.exchange import Request
from shadow_middleware.traffic.ndjson import (
    Account,
    Head,
    decode,
    encode,
    encode_plain,
    sample_of,
)
from shadow_middleware.traffic.recorded import Missing, Recorded
from tests.traffic.making import a_record, any_record


@given(any_record)
def test_what_was_captured_is_what_is_read_back(record: Recorded) -> None:
    """Any method, target, header multiset and body come back byte for byte."""
    assert record == decode(encode(record))
    assert record == decode(encode_plain(record))


@given(any_record)
def test_a_record_is_one_line_of_json(record: Recorded) -> None:
    """Whatever is in it, other tools can read it, and it holds one line feed."""
    line = encode(record)

    assert 1 == line.count(b"\n")
    assert record.exchange.id == json.loads(line)["id"]


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_record_or_a_decode_error(line: bytes) -> None:
    """Nothing that a line may hold raises anything else."""
    with suppress(DecodeError):
        decode(line)


@given(any_record, st.data())
def test_one_changed_byte_never_gives_another_record(
    record: Recorded, data: st.DataObject
) -> None:
    """A sealed line is read as it was written, or not at all."""
    line = bytearray(encode(record).rstrip(b"\n"))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    try:
        read = decode(bytes(line))
    except DecodeError:
        return
    # Of the seal itself a flip makes a member that is not known.
    assert at >= len(line) - 18
    assert record == read


def test_text_stands_as_text_and_other_bytes_as_base64() -> None:
    """A person can read what is readable; a body of bytes is there all the same."""
    request = Request(
        "GET", "/café".encode(), b"\xff", [(b"X-A", b"1"), (b"X-A", b"2")]
    )
    shown = json.loads(encode(a_record(request=request)))

    assert "/café" == shown["request"]["path"]
    assert {"base64": "/w=="} == shown["request"]["query"]
    assert [["X-A", "1"], ["X-A", "2"]] == shown["request"]["headers"]
    assert '[{"id": 1, "name": "tea"}]' == shown["response"]["body"]


def test_members_of_a_later_version_are_passed_over() -> None:
    """A field that was added does not make a file unreadable."""
    line = encode_plain(a_record())
    later = line.replace(b'{"id"', b'{"later":{"deep":[1]},"id"', 1)
    missing = line.replace(b'{"id"', b'{"missing":["smell","timing"],"id"', 1)

    assert a_record() == decode(later)
    read = decode(missing)
    assert isinstance(read, Recorded)
    assert frozenset({Missing.TIMING}) == read.missing


def test_head_and_account_come_back() -> None:
    """What is no exchange is told apart from one."""
    for line in (
        Head(1, "shadow_middleware 1", 17.5, "web-1", "feed", 3),
        Account(5, 3, {"buffer_full": 2}, closed=True),
    ):
        assert line == decode(encode(line))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "truncated"),
        (b"GET / HTTP/1.1", "malformed"),
        (b"{}", "no request"),
        (b'{"request":{"method":"GET","path":"/"}}', "no id"),
        (b'{"id":"a","request":{"method":"","path":"/"}}', "no method"),
        (b'{"id":"a","request":{"path":"/"}}', "method"),
        (b'{"capture":2}', "version 2 of the format, and this reads up to 1; upgrade"),
        (b'{"capture":0}', "there is none"),
        (b'{"x":' + b"[" * 100_000, "nested too deeply"),
        (b'{"id":"a","at":1e999,"request":{"method":"G","path":"/"}}', "out of range"),
        (
            b'{"id":"a","request":{"method":"G","path":"/","body":'
            b'{"text":"four","length":3}}}',
            "4 bytes that claims 3",
        ),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line: bytes, said: str) -> None:
    """Each way to be wrong has its sentence."""
    with pytest.raises(DecodeError, match=said):
        decode(line)


def test_an_edited_line_says_what_to_do() -> None:
    """Whoever edits a sealed line is told to take off the seal."""
    line = encode(a_record()).replace(b"/items/1", b"/items/2")

    with pytest.raises(DecodeError, match='must lose its "crc"'):
        decode(line)


def test_the_sample_of_a_bad_line_tells_no_secret() -> None:
    """It is shown to people, so it is redacted, printable and short."""
    sample = sample_of(b'{"password": "hunter2", "x":"\x1b[31m' + b"y" * 500)

    assert "hunter2" not in sample
    assert "\x1b" not in sample
    assert 80 == len(sample)
