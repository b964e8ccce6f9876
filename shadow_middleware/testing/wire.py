"""A request as it came over a socket, a reply as it goes out: HTTP/1.1 in bytes."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

import msgspec

from shadow_middleware.exchange import Headers

__all__ = ["Received", "Reply", "encode", "read"]


class Received(msgspec.Struct, frozen=True):
    """A request exactly as it came over the socket."""

    method: str
    target: bytes
    """The request target, raw: path, question mark and query."""
    headers: tuple[tuple[bytes, bytes], ...]
    """In order, duplicates kept, names in the case they were sent in."""
    body: bytes
    """Without chunk framing."""
    head: bytes
    """Request line and headers, byte for byte."""

    def header(self, name: bytes) -> list[bytes]:
        """Return every value of the header `name`, in any case, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Reply(msgspec.Struct, frozen=True):
    """What a shadow answers. `Content-Length` is added."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""

    @classmethod
    def json(cls, value: object, status: int = 200) -> Reply:
        """Return a reply with `value` as its JSON body."""
        kind = ((b"content-type", b"application/json"),)
        return cls(status, kind, json.dumps(value).encode())


def encode(reply: Reply, method: str) -> bytes:
    """Return the bytes of a reply; no body where HTTP forbids one."""
    phrase = HTTPStatus(reply.status).phrase
    lines = [b"HTTP/1.1 %d %s" % (reply.status, phrase.encode())]
    lines += [name + b": " + value for name, value in reply.headers]
    bare = reply.status in (204, 304)
    stated = {name.lower() for name, _ in reply.headers}
    if not bare and not stated & {b"content-length", b"transfer-encoding"}:
        lines.append(b"content-length: %d" % len(reply.body))
    body = b"" if bare or method == "HEAD" else reply.body
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def read(reader: asyncio.StreamReader) -> Received:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *fields = head[:-4].split(b"\r\n")
    method, target, _ = line.split(b" ", 2)
    pairs = (field.split(b":", 1) for field in fields)
    headers = tuple((name, value.strip()) for name, value in pairs)
    body = await _read_body(reader, {name.lower(): value for name, value in headers})
    return Received(method.decode("ascii"), target, headers, body, head)


async def _read_body(
    reader: asyncio.StreamReader, headers: dict[bytes, bytes]
) -> bytes:
    if headers.get(b"transfer-encoding", b"").lower() != b"chunked":
        return await reader.readexactly(int(headers.get(b"content-length", b"0")))
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readline() not in (b"\r\n", b""):
        pass
    return bytes(body)
