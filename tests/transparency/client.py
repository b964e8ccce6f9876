"""A client that sends raw bytes and keeps every byte that comes back."""

from __future__ import annotations

import base64
import re
import socket
import struct
from pathlib import Path

PATIENCE = 60.0
"""Seconds without a byte after which a server counts as stuck."""

_CHANGING = re.compile(
    rb"(?im)^(date|expires|last-modified|etag|sec-websocket-accept): [^\r\n]*"
)


def normalised(answer: bytes) -> bytes:
    """Take out what changes from one second to the next."""
    head, mark, body = answer.partition(b"\r\n\r\n")
    return _CHANGING.sub(rb"\1: -", head) + mark + body


class Client:
    """Talks to one server; each exchange has a connection of its own."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._folder = folder
        self._gates = 0

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def exchange(self, *parts: bytes) -> bytes:
        """Send the parts one by one and return all that comes until the end."""
        with self.connect() as connection:
            for part in parts:
                try:
                    connection.sendall(part)
                except OSError:
                    break  # it answered without reading on: the answer counts
            return normalised(until_end(connection))

    def gated(self, target: str) -> list[bytes]:
        """
        Read a stream whose app goes on only when it is told to.

        Returns what had arrived before each gate was opened: a byte that anyone
        held back would show here, whatever the clock says.
        """
        gate = f"gate{self._gates}"
        self._gates += 1
        arrived = []
        with self.connect() as connection:
            connection.sendall(get(f"{target}?gate={gate}"))
            for step in range(1, 4):
                arrived.append(until(connection, b"|%d|" % step))
                (self._folder / f"{gate}.{step}").touch()
            arrived.append(until_end(connection))
        for step in range(1, 4):
            (self._folder / f"{gate}.{step}").unlink()
        arrived[0] = normalised(arrived[0])
        return [*arrived, self.journal(f"closed%20{gate}")]

    def leave_midway(self, target: str) -> bytes:
        """Read the first part of a stream and reset the connection."""
        with self.connect() as connection:
            connection.sendall(get(target))
            until(connection, b"|1|")
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return self.journal("disconnected")

    def journal(self, entry: str) -> bytes:
        """Return whether this has happened in the app, after waiting for it."""
        return self.exchange(get(f"/journal?entry={entry}")).rpartition(b"\r\n\r\n")[2]

    def websocket(self, words: list[bytes]) -> list[bytes]:
        """Speak WebSocket: return the handshake's answer and each echo, framed."""
        key = base64.b64encode(b"0123456789abcdef")
        with self.connect() as connection:
            connection.sendall(
                b"GET /echo HTTP/1.1\r\nHost: live.test\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Protocol: echo\r\nSec-WebSocket-Key: "
                + key
                + b"\r\n\r\n"
            )
            seen = [normalised(until(connection, b"\r\n\r\n"))]
            for word in words:
                connection.sendall(frame(0x81, word))
                seen.append(exactly(connection, 2 + len(b"echo ") + len(word)))
            connection.sendall(frame(0x88, struct.pack("!H", 1000)))
            seen.append(until_end(connection))
        return [*seen, self.journal("websocket%20closed")]


def frame(first: int, payload: bytes) -> bytes:
    """Return a client frame with a mask of zeros, which leaves the payload as it is."""
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload


def until(connection: socket.socket, mark: bytes) -> bytes:
    """Read up to and including the mark, byte by byte so that nothing is lost."""
    seen = bytearray()
    while not seen.endswith(mark):
        byte = connection.recv(1)
        if not byte:
            raise AssertionError(f"ended before {mark!r}: {bytes(seen)!r}")
        seen += byte
    return bytes(seen)


def exactly(connection: socket.socket, count: int) -> bytes:
    """Read this many bytes."""
    seen = bytearray()
    while len(seen) < count and (data := connection.recv(count - len(seen))):
        seen += data
    return bytes(seen)


def until_end(connection: socket.socket) -> bytes:
    """Read to the end; a reset is an end that is told apart."""
    seen = bytearray()
    try:
        while data := connection.recv(1 << 16):
            seen += data
    except ConnectionResetError:
        seen += b"<reset>"
    return bytes(seen)


def get(
    target: str, *headers: bytes, method: str = "GET", version: str = "1.1"
) -> bytes:
    """Return a request without a body, after which the connection closes."""
    lines = [
        f"{method} {target} HTTP/{version}".encode(),
        b"Host: live.test",
        b"Connection: close",
        b"X-Twice: 1",
        b"x-twice: 2",
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def post(target: str, body: bytes, *headers: bytes) -> bytes:
    """Return a request with a body of stated length."""
    return (
        get(target, b"Content-Length: %d" % len(body), *headers, method="POST") + body
    )


def post_chunked(target: str, *chunks: bytes) -> tuple[bytes, ...]:
    """Return the parts of a request whose body is chunked."""
    head = get(target, b"Transfer-Encoding: chunked", method="POST")
    framed = (b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head, *framed, b"0\r\n\r\n"
