"""What nobody should write into a log: counted and shown, never fatal, never slow."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.importers.formats import ABOUT, detected, reader_of
from shadow_middleware.traffic.importers.lines import lines
from shadow_middleware.traffic.importers.options import Options
from shadow_middleware.traffic.importers.unpacking import Unpacked
from shadow_middleware.traffic.ndjson import decode, encode
from shadow_middleware.traffic.recorded import BadRecord, Recorded
from tests.traffic.importers.reading import FIXTURES, bad, exchanges, read

SEEDS = {
    "common": "apache_common.log",
    "combined": "nginx_combined.log",
    "vhost_combined": "apache_vhost_combined.log",
    "nginx": "nginx_recommended.log",
    "apache": "apache_recommended.log",
    "haproxy": "haproxy.log",
    "tshark": "packets.ek",
    "har": "browser.har",
}
ALB = (
    b"https 2018-07-02T22:23:00.186641Z app/lb/50dc6c495c0c9188 192.168.131.39:2817 "
    b'10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/a?b '
    b'HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:tg/1 '
    b'"Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm" 1 '
    b'2018-07-02T22:22:48.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" '
    b'"-" "-" TID_1234\n'
)
GOR = (
    b"1 aa 1439818824000000000\nGET / HTTP/1.1\r\nHost: s\r\n\r\n\n"
    + "🐵🙈🙉\n".encode()
)
OTLP = (
    b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"17","attributes":'
    b'[{"key":"http.request.method","value":{"stringValue":"GET"}},'
    b'{"key":"url.path","value":{"stringValue":"/a"}}]}]}]}]}\n'
)


def seed(form: str) -> bytes:
    """Return bytes that the format is made of."""
    if form in SEEDS:
        return (FIXTURES / SEEDS[form]).read_bytes()
    return {"alb": ALB, "goreplay": GOR, "otlp": OTLP}[form]


@settings(max_examples=20)
@given(data=st.data())
@pytest.mark.parametrize("form", ABOUT)
def test_flipped_cut_and_mixed_bytes_never_stop_an_import(
    form: str, data: st.DataObject
) -> None:
    """Whatever is damaged, all that is read can be written, and nothing is raised."""
    whole = bytearray(seed(form)[:2000])
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[at] = data.draw(st.integers(0, 255))
    start = data.draw(st.integers(0, 200))
    extra = data.draw(st.binary(max_size=30))
    for each in read(form, bytes(whole[start:]) + extra + seed(form)[:500]):
        if isinstance(each, Recorded):
            assert encode(each) == encode(decode(encode(each)))
        else:
            assert each.reason
            assert len(each.sample) <= 80
            assert each.sample.isprintable()


@given(head=st.binary(max_size=300))
def test_detection_answers_or_refuses(head: bytes) -> None:
    """No bytes are a crash."""
    for data in (head, b"{" + head, b"[" + head):
        with suppress(ConfigurationError):
            assert detected(data, whole=True, options=Options()) in ABOUT


@pytest.mark.parametrize("form", ABOUT)
def test_a_line_of_a_hundred_megabytes_is_neither_held_nor_slow(form: str) -> None:
    """It passes in pieces; the exchanges before it are there."""
    good = seed(form)
    piece = b'x" {[\\' * (1024 * 1024 // 6)
    if form == "har":
        entry = json.dumps(json.loads(good)["log"]["entries"][0]).encode()
        good, piece = b'{"log":{"entries":[%s,{"x":"' % entry, b"x" * len(piece)

    def pieces() -> Iterator[bytes]:
        yield good
        for _ in range(100):
            yield piece
        yield b"\n"

    options = Options(source="log", max_record=1024 * 1024)
    begun = time.process_time()
    found = list(reader_of(form, options)(pieces(), options))

    assert 10.0 > time.process_time() - begun
    assert exchanges(found)
    assert bad(found)


def test_zero_bytes_and_a_torn_last_line_say_what_they_are() -> None:
    """A crash leaves zeros; a copy in the middle of a write leaves half a line."""
    line = (FIXTURES / "nginx_combined.log").read_bytes().splitlines()[0]
    data = b"\x00" * 512 + b"\n" + line + b"\n\n" + line[:90]
    found = read("combined", data)

    assert [
        ("log:1", "there are NUL bytes in it, as a crash leaves them"),
        ("log:4", "the file ends within this line"),
    ] == [(each.place, each.reason) for each in found if isinstance(each, BadRecord)]
    assert 1 == len(exchanges(found))


def test_a_log_in_another_encoding_keeps_its_bytes() -> None:
    """What is no UTF-8 goes through as it is."""
    line = (FIXTURES / "apache_common.log").read_bytes().splitlines()[0]
    (exchange,) = exchanges(read("common", line.replace(b"/page", b"/caf\xe9")))

    assert b"/caf\xe9" == exchange.request.path


def test_secrets_in_a_bad_line_are_not_shown() -> None:
    """Even what cannot be read is redacted before anybody sees it."""
    (line,) = bad(read("common", b"Authorization: Bearer abcdefghij0123456789 oops"))

    assert "abcdefghij" not in line.sample


@given(
    data=st.lists(st.sampled_from([b"\n", b"\r\n", b"ab", b"\r", b""]), max_size=20),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    limit=st.integers(1, 10),
)
def test_lines_are_the_same_however_they_arrive(
    data: list[bytes], cuts: list[int], limit: int
) -> None:
    """Numbers, lengths and beginnings do not depend on buffers."""
    whole = b"".join(data)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(edges)]
    found = list(lines(pieces, limit))

    assert list(lines([whole], limit)) == found
    assert [
        (at, line[:-1] if line.endswith(b"\r") else line)
        for at, line in enumerate(whole.removesuffix(b"\n").split(b"\n"), start=1)
        if whole
    ] == [(each.number, each.data) for each in lines(pieces, 1000)]


def test_a_bomb_unpacks_in_pieces() -> None:
    """Few packed bytes that hold many never stand in memory at once."""
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(64))
    zeros = zstandard.compress(bytes(64 * 1024 * 1024))

    for bomb in (packed + packer.flush(), zeros):
        assert 1024 * 1024 >= max(len(piece) for piece in Unpacked([bomb]))


def test_a_load_balancers_line_says_when_it_began_and_for_whom() -> None:
    """The request's time, not the answer's; the host without its usual port."""
    (exchange,) = exchanges(read("alb", ALB))

    assert 1530570168.364 == exchange.at
    assert ("https", b"/a", b"b") == (
        exchange.request.scheme,
        exchange.request.path,
        exchange.request.query,
    )
    assert [(b"host", b"www.example.com"), (b"user-agent", b"curl/7.46.0")] == (
        exchange.request.headers
    )
    assert (134.0, 171.0) == (exchange.timing.first_byte_ms, exchange.timing.total_ms)
    assert ["a WebSocket is no request with an answer"] == [
        each.reason for each in bad(read("alb", ALB.replace(b"https 2", b"wss 2", 1)))
    ]
    assert (
        1530570180.015641 == exchanges(read("alb", ALB[: ALB.index(b" ECDHE")]))[0].at
    )
