"""The shadow that misbehaves on demand behaves exactly as its names say."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from shadow_middleware.testing import (
    Received,
    Reply,
    ShadowServer,
    answering,
    asgi,
    endless,
    failing,
    frozen,
    garbage,
    lying_long,
    lying_short,
    refusing,
    resetting,
    slow,
)

GET = b"GET /a%20b?q=1 HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def shadow() -> Iterator[ShadowServer]:
    with ShadowServer() as server:
        yield server


def ask(shadow: ShadowServer, request: bytes = GET, at_most: int = 2**20) -> bytes:
    """Send raw bytes and return what comes until the end, or `at_most` bytes."""
    with socket.create_connection(("127.0.0.1", shadow.port), timeout=5) as connection:
        connection.sendall(request)
        if b"chunked" not in request:
            connection.shutdown(socket.SHUT_WR)
        answer = bytearray()
        while len(answer) < at_most and (data := connection.recv(65536)):
            answer += data
        return bytes(answer)


def drain(connection: socket.socket) -> None:
    """Read to the end."""
    while connection.recv(10):
        pass


def test_a_request_is_recorded_byte_for_byte(shadow: ShadowServer) -> None:
    """Raw target, header order, case, duplicates and body are kept."""
    head = b"POST /p%2Fq?x=%41 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\n"
    ask(shadow, head + b"abc")
    expected = Received(
        "POST",
        b"/p%2Fq?x=%41",
        ((b"Host", b"h"), (b"X-A", b"1"), (b"x-a", b"2"), (b"Content-Length", b"3")),
        b"abc",
        head,
    )

    assert [expected] == shadow.wait_for(1)
    assert [b"1", b"2"] == shadow.received[0].header(b"X-a")


def test_a_chunked_request_is_read_to_its_end(shadow: ShadowServer) -> None:
    """Chunk framing and trailers are taken off the recorded body."""
    shadow.become(resetting())
    with pytest.raises(ConnectionResetError):
        ask(
            shadow,
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: 1\r\n\r\n",
        )

    assert b"abcde" == shadow.wait_for(1)[0].body


def test_a_healthy_shadow_answers_what_it_is_told(shadow: ShadowServer) -> None:
    """A reply, a function of the request, and an app all serve as the answer."""

    async def app(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
        await send({"type": "http.response.start", "status": 201, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": scope["raw_path"]})  # type: ignore[operator]

    shadow.become(Reply.json([1], 202))
    fixed = ask(shadow)
    shadow.become(answering(lambda received: Reply(200, (), received.target)))
    computed = ask(shadow)
    shadow.become(asgi(app))
    served = ask(shadow)

    assert fixed.startswith(b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json")
    assert fixed.endswith(b"\r\n\r\n[1]")
    assert computed.endswith(b"\r\n\r\n/a%20b?q=1")
    assert served.startswith(b"HTTP/1.1 201 Created")
    assert served.endswith(b"\r\n\r\n/a%20b")


def test_a_connection_serves_many_requests(shadow: ShadowServer) -> None:
    """Connections are kept alive and pipelined requests are all answered."""
    assert 3 == ask(shadow, GET * 3).count(b"HTTP/1.1 200 OK")
    assert 3 == len(shadow.wait_for(3))


def test_a_head_request_gets_no_body(shadow: ShadowServer) -> None:
    """The length is stated, the body is left out."""
    shadow.become(Reply(200, (), b"four"))

    assert ask(shadow, b"HEAD / HTTP/1.1\r\n\r\n").endswith(
        b"content-length: 4\r\n\r\n"
    )


def test_a_refusing_shadow_refuses_and_comes_back(shadow: ShadowServer) -> None:
    """The port stays the same, so one URL serves before, during and after."""
    port = shadow.port
    shadow.become(refusing)
    with pytest.raises(ConnectionRefusedError):
        ask(shadow)
    shadow.become(Reply(204))

    assert ask(shadow).startswith(b"HTTP/1.1 204")
    assert port == shadow.port


def test_a_shadow_may_refuse_from_the_start() -> None:
    """`refusing` as first behaviour never opens the port."""
    with ShadowServer(refusing) as shadow, pytest.raises(ConnectionRefusedError):
        ask(shadow)


@pytest.mark.parametrize("after_head", [False, True])
def test_a_resetting_shadow_sends_rst(shadow: ShadowServer, after_head: bool) -> None:
    """The client sees a reset, not an end."""
    shadow.become(resetting(after_head=after_head))
    with socket.create_connection(("127.0.0.1", shadow.port), timeout=5) as connection:
        connection.sendall(GET)
        with pytest.raises(ConnectionResetError):
            drain(connection)


def test_an_endless_shadow_goes_on_sending(shadow: ShadowServer) -> None:
    """A client may read as many megabytes as it likes."""
    shadow.become(endless)

    assert 8 * 2**20 <= len(ask(shadow, at_most=8 * 2**20))


def test_lies_and_garbage_go_out_as_named(shadow: ShadowServer) -> None:
    """Too long, too short, not HTTP, and a plain failure."""
    shadow.become(lying_long)
    assert ask(shadow).endswith(b"content-length: 1000\r\n\r\nshort")
    shadow.become(lying_short)
    assert ask(shadow).endswith(b"content-length: 2\r\n\r\nmuch more than that")
    shadow.become(garbage)
    assert not ask(shadow).startswith(b"HTTP")
    shadow.become(failing(502))
    assert ask(shadow).startswith(b"HTTP/1.1 502 Bad Gateway")


@pytest.mark.parametrize("behaviour", [frozen, slow(60.0)])
def test_a_shadow_that_waits_can_be_stopped(behaviour: object) -> None:
    """A frozen or slow shadow takes the request, says nothing, and stops at once."""
    with (
        ShadowServer(behaviour) as shadow,  # type: ignore[arg-type]
        socket.create_connection(
            ("127.0.0.1", shadow.port), timeout=0.05
        ) as connection,
    ):
        connection.sendall(GET)
        shadow.wait_for(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_waiting_for_too_much_says_how_much_there_was(shadow: ShadowServer) -> None:
    """A test that waits in vain learns why."""
    ask(shadow)
    with pytest.raises(TimeoutError, match=r"1 of 2 requests after 0\.01 s"):
        shadow.wait_for(2, timeout=0.01)
    shadow.clear()

    assert [] == shadow.received
