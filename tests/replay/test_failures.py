"""Whatever a shadow does, a send ends in an answer or in one named error, in time."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable
from typing import Any

import pytest

from shadow_middleware.errors import (
    ReplayConnectError,
    ReplayError,
    ReplayProtocolError,
    ReplayTimeout,
)
from shadow_middleware.exchange import Body, Request
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import Settings, Target
from tests.replay.raw_shadow import OK, Connection, RawShadow, read_request

TRANSPORTS = ["auto", "httpx"]
GET = Request("GET", b"/", headers=[(b"Host", b"s")])
POST = Request("POST", b"/", headers=[(b"Host", b"s")], body=Body(b"x", 1))
PUT = Request("PUT", b"/", headers=[(b"Host", b"s")])

both = pytest.mark.parametrize("transport", TRANSPORTS)


def saying(*pieces: bytes, reset: bool = False) -> Connection:
    """A shadow that reads one request, writes these pieces and goes away."""

    async def connection(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(shadow, reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if reset:
            reset_on_close(writer)

    return connection


def reset_on_close(writer: asyncio.StreamWriter) -> None:
    """Make the socket answer with RST when it is closed."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def silent(
    shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Read for ever and say nothing."""
    while data := await reader.read(65536):
        shadow.requests.append(data)


def sending(
    transport: str,
    connection: Connection | None,
    request: Request = GET,
    **settings: Any,
) -> tuple[Answer | ReplayError, RawShadow]:
    """Send one request and return what came of it."""

    async def run() -> tuple[Answer | ReplayError, RawShadow]:
        async with RawShadow(connection) as shadow:
            sender = HttpSender(
                Target(url=shadow.url), Settings(transport=transport, **settings)
            )
            try:
                return await outcome(sender.send(request)), shadow
            finally:
                await sender.aclose()

    return asyncio.run(asyncio.wait_for(run(), 90))


async def outcome(answering: Awaitable[Answer]) -> Answer | ReplayError:
    """Return the answer or the error."""
    try:
        return await answering
    except ReplayError as error:
        return error


def told(result: Answer | ReplayError) -> tuple[type[object], str]:
    """Return the kind of an outcome and its reason."""
    return type(result), getattr(result, "reason", "")


@both
def test_a_shadow_that_refuses(transport: str) -> None:
    """W13: nobody listens: a connect error, and the reason says `refused`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def run() -> Answer | ReplayError:
        target = Target(url=f"http://127.0.0.1:{port}")
        sender = HttpSender(target, Settings(transport=transport))
        try:
            return await outcome(sender.send(GET))
        finally:
            await sender.aclose()

    assert (ReplayConnectError, "refused") == told(asyncio.run(run()))


@both
def test_a_name_that_does_not_resolve(transport: str) -> None:
    """A host without an address: reason `dns`."""

    async def run() -> Answer | ReplayError:
        target = Target(url="http://shadow.invalid:1")
        sender = HttpSender(target, Settings(transport=transport))
        try:
            return await outcome(sender.send(GET))
        finally:
            await sender.aclose()

    assert (ReplayConnectError, "dns") == told(asyncio.run(run()))


@both
def test_plain_http_where_tls_was_expected(transport: str) -> None:
    """A TLS handshake that fails: reason `tls`."""

    async def hello(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def run() -> Answer | ReplayError:
        async with RawShadow(hello) as shadow:
            target = Target(url=shadow.url.replace("http:", "https:"))
            sender = HttpSender(target, Settings(transport=transport))
            try:
                return await outcome(sender.send(GET))
            finally:
                await sender.aclose()

    assert (ReplayConnectError, "tls") == told(asyncio.run(run()))


@both
def test_a_reset_before_the_answer(transport: str) -> None:
    """The connection is reset where a head was expected."""
    result, shadow = sending(transport, saying(reset=True))

    assert (ReplayProtocolError, "reset") == told(result)
    assert 1 == len(shadow.requests)


@both
def test_a_reset_in_the_middle_of_the_body(transport: str) -> None:
    """Half an answer is none."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"

    async def connection(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(shadow, reader)
        writer.write(head + b"half")
        await writer.drain()
        reset_on_close(writer)

    result, _ = sending(transport, connection)

    assert isinstance(result, ReplayProtocolError)
    assert result.reason in ("reset", "protocol")


@both
def test_a_body_shorter_than_its_length(transport: str) -> None:
    """A Content-Length that lies upwards is a protocol error."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nshort"

    assert (ReplayProtocolError, "protocol") == told(
        sending(transport, saying(answer))[0]
    )


@both
def test_a_body_longer_than_its_length(transport: str) -> None:
    """A Content-Length that lies downwards: what is too much is never an answer."""

    async def run() -> list[Answer | ReplayError]:
        answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok, and more"
        async with RawShadow(answer=answer) as shadow:
            sender = HttpSender(Target(url=shadow.url), Settings(transport=transport))
            try:
                return [await outcome(sender.send(GET)) for _ in range(3)]
            finally:
                await sender.aclose()

    got = asyncio.run(run())

    # httpcore drops the rest with the connection; ours refuses the answer.
    assert [
        (Answer, "") if transport == "httpx" else (ReplayProtocolError, "protocol")
    ] * 3 == [told(each) for each in got]
    assert all(
        each.response.body.data == b"ok" for each in got if isinstance(each, Answer)
    )


@both
@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\x03 nothing of HTTP\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: minus\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
)
def test_garbage(transport: str, garbage: bytes) -> None:
    """What is not HTTP is a protocol error."""
    result, _ = sending(transport, saying(garbage))

    assert (ReplayProtocolError, "protocol") == told(result)


@both
def test_a_head_without_end(transport: str) -> None:
    """A head that never ends is cut off by a limit or by the clock."""

    async def endless(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(shadow, reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"y" * 8000 + b"\r\n")
            await writer.drain()

    result, _ = sending(transport, endless, total_timeout=2.0)

    assert isinstance(result, (ReplayProtocolError, ReplayTimeout))


@both
def test_a_shadow_that_never_answers(transport: str) -> None:
    """The total timeout ends it, and the connection is closed."""

    async def run() -> tuple[Answer | ReplayError, bool]:
        async with RawShadow(silent) as shadow:
            settings = Settings(transport=transport, total_timeout=0.1)
            sender = HttpSender(Target(url=shadow.url), settings)
            try:
                result = await outcome(sender.send(GET))
                await asyncio.wait_for(shadow.closed.wait(), 60)
            finally:
                await sender.aclose()
            return result, shadow.closed.is_set()

    result, closed = asyncio.run(run())

    assert (ReplayTimeout, "total") == told(result)
    assert closed


@both
def test_the_target_can_have_a_total_timeout_of_its_own(transport: str) -> None:
    """`Target.total_timeout` goes before the one for all."""

    async def run() -> Answer | ReplayError:
        async with RawShadow(silent) as shadow:
            target = Target(url=shadow.url, total_timeout=0.1)
            sender = HttpSender(
                target, Settings(transport=transport, total_timeout=60.0)
            )
            try:
                return await outcome(sender.send(GET))
            finally:
                await sender.aclose()

    assert (ReplayTimeout, "total") == told(asyncio.run(asyncio.wait_for(run(), 90)))


@both
def test_a_shadow_that_falls_silent(transport: str) -> None:
    """The read timeout counts the seconds without a byte."""

    async def stalls(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(shadow, reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab")
        await silent(shadow, reader, writer)

    result, _ = sending(transport, stalls, read_timeout=0.1, total_timeout=15.0)

    assert (ReplayTimeout, "read") == told(result)


@both
def test_a_connection_that_is_not_accepted_in_time(transport: str) -> None:
    """The connect timeout has a reason of its own."""

    async def run() -> Answer | ReplayError:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            crowd = [socket.socket() for _ in range(8)]
            for each in crowd:
                each.setblocking(False)
                each.connect_ex(full.getsockname())
            url = f"http://127.0.0.1:{full.getsockname()[1]}"
            settings = Settings(transport=transport, connect_timeout=0.2)
            sender = HttpSender(Target(url=url), settings)
            try:
                return await outcome(sender.send(GET))
            finally:
                await sender.aclose()
                for each in crowd:
                    each.close()

    assert (ReplayTimeout, "connect") == told(asyncio.run(run()))


@both
def test_an_endless_body_is_read_to_the_cap_and_closed(transport: str) -> None:
    """W8: memory stays bounded; the body says that it is cut, and only a bound."""
    sent = 0

    async def endless(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal sent
        await read_request(shadow, reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    result, _ = sending(transport, endless, max_shadow_body=100_000)

    assert isinstance(result, Answer)
    body = result.response.body
    assert (100_000, None, False) == (len(body.data), body.digest, body.complete)
    assert 100_000 < body.length <= sent


@both
def test_a_body_of_exactly_the_cap_is_whole(transport: str) -> None:
    """The cap itself still fits."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + b"x" * 1000
    result, _ = sending(transport, saying(answer), max_shadow_body=1000)

    assert isinstance(result, Answer)
    assert Body(b"x" * 1000, 1000) == result.response.body


async def closing_on_reuse(
    shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one request; close the first connection when it is used again."""
    first = shadow.connections == 1
    await read_request(shadow, reader)
    writer.write(OK)
    while True:
        await read_request(shadow, reader)
        if first:
            return
        writer.write(OK)


def sending_twice(transport: str, second: Request) -> tuple[Answer | ReplayError, int]:
    """Use a connection that the server closes on its second request."""

    async def run() -> tuple[Answer | ReplayError, int]:
        async with RawShadow(closing_on_reuse) as shadow:
            sender = HttpSender(Target(url=shadow.url), Settings(transport=transport))
            try:
                await sender.send(GET)
                return await outcome(sender.send(second)), len(shadow.requests)
            finally:
                await sender.aclose()

    return asyncio.run(asyncio.wait_for(run(), 90))


@both
def test_a_safe_request_on_a_stale_connection_is_sent_once_more(transport: str) -> None:
    """A server that closes a kept connection is no failure of the shadow."""
    result, hits = sending_twice(transport, GET)

    assert isinstance(result, Answer)
    assert 3 == hits


@both
@pytest.mark.parametrize("request_", [POST, PUT], ids=["POST", "PUT"])
def test_a_write_on_a_stale_connection_is_never_sent_again(
    transport: str, request_: Request
) -> None:
    """A write whose fate is unknown is recorded as such: at most once."""
    result, hits = sending_twice(transport, request_)

    assert isinstance(result, ReplayProtocolError)
    assert 2 == hits


@both
def test_a_fresh_connection_that_breaks_is_not_tried_again(transport: str) -> None:
    """Only a reused connection can be stale."""
    result, shadow = sending(transport, saying(b""))

    assert isinstance(result, ReplayProtocolError)
    assert 1 == len(shadow.requests)


@both
def test_time_is_taken_at_the_same_points_as_on_the_live_leg(transport: str) -> None:
    """W34: started, first byte of the body, last byte, on one monotonic clock."""
    gate = asyncio.Event()

    async def slow(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(shadow, reader)
        loop = asyncio.get_running_loop()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
        loop.call_later(0.05, writer.write, b"ab")
        loop.call_later(0.15, writer.write, b"cd")
        loop.call_later(0.2, gate.set)
        await gate.wait()

    result, _ = sending(transport, slow)

    assert isinstance(result, Answer)
    timing = result.timing
    assert 40 <= timing.first_byte_ms <= timing.total_ms - 60


@both
def test_a_bodiless_answer_has_its_first_byte_at_the_head(transport: str) -> None:
    """W34: with no body, the head counts."""
    result, _ = sending(transport, saying(b"HTTP/1.1 204 No Content\r\n\r\n"))

    assert isinstance(result, Answer)
    assert result.timing.started < result.timing.first_byte <= result.timing.ended


@both
def test_an_interim_answer_is_not_the_answer(transport: str) -> None:
    """100 and 103 come before the response and are not it."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    result, _ = sending(transport, saying(hints + OK))

    assert isinstance(result, Answer)
    assert (200, b"ok") == (result.response.status, result.response.body.data)


@both
def test_compressed_bodies_stay_compressed(transport: str) -> None:
    """The sender hands over the bytes of the wire; others decode, under a bound."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8bxx"
    result, _ = sending(transport, saying(answer))

    assert isinstance(result, Answer)
    assert b"\x1f\x8bxx" == result.response.body.data


@both
def test_the_header_fields_of_the_answer_are_as_they_came(transport: str) -> None:
    """Order, case and duplicates of what the shadow said are kept."""
    answer = b"HTTP/1.1 200 OK\r\nX-B: 1\r\nx-a: caf\xe9\r\nX-B: 2\r\ncontent-length: 0\r\n\r\n"
    result, _ = sending(transport, saying(answer))

    assert isinstance(result, Answer)
    expected = [
        (b"X-B", b"1"),
        (b"x-a", b"caf\xe9"),
        (b"X-B", b"2"),
        (b"content-length", b"0"),
    ]
    assert expected == list(result.response.headers)


@both
def test_closing_twice_is_harmless(transport: str) -> None:
    """Also for a sender that was never used."""

    async def run() -> None:
        sender = HttpSender(
            Target(url="http://127.0.0.1:9"), Settings(transport=transport)
        )
        await sender.aclose()
        await sender.aclose()

    asyncio.run(run())


@both
def test_connections_stay_within_the_replays_in_flight(transport: str) -> None:
    """W41: a pool of its own, bounded, and reused."""

    async def run() -> int:
        async with RawShadow() as shadow:
            settings = Settings(transport=transport, concurrency=4)
            sender = HttpSender(Target(url=shadow.url), settings)

            async def worker() -> None:
                for _ in range(20):
                    await sender.send(GET)

            try:
                await asyncio.gather(*(worker() for _ in range(4)))
            finally:
                await sender.aclose()
            return shadow.connections

    assert asyncio.run(run()) <= 4


@both
@pytest.mark.parametrize(
    ("method", "answer", "expected"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            b"2\r\nab\r\n1\r\nc\r\n0\r\nX-T: 1\r\n\r\n",
            b"abc",
        ),
    ],
)
def test_framing_without_a_body_and_in_chunks(
    transport: str, method: str, answer: bytes, expected: bytes
) -> None:
    """The connection stays in step, answer after answer."""

    async def run() -> tuple[list[bytes], int]:
        async with RawShadow(answer=answer) as shadow:
            sender = HttpSender(Target(url=shadow.url), Settings(transport=transport))
            request = Request(method, b"/", headers=[(b"Host", b"s")])
            try:
                got = [await sender.send(request) for _ in range(3)]
            finally:
                await sender.aclose()
            return [each.response.body.data for each in got], shadow.connections

    assert ([expected] * 3, 1) == asyncio.run(run())
