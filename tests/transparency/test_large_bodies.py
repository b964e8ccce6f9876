"""A body far beyond its cap keeps nobody waiting: not its client, not the others."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
import trio

from shadow_middleware.asgi import ShadowMiddleware
from tests.fakes import recorded, recording_live

MIB = 2**20
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/big",
    "raw_path": b"/big",
    "query_string": b"",
    "headers": [],
    "scheme": "http",
    "http_version": "1.1",
}
PIECES = {
    "many small": [bytes([n]) * 65_536 for n in range(64)],
    "few large": [bytes([n]) * MIB for n in range(4)],
    "one": [bytes(range(256)) * (4 * MIB // 256)],
    "uneven": [b"a", b"b" * (3 * MIB), b"", b"c" * (MIB - 1)],
}


class Streamed:
    """An app that sends pieces, behind the middleware, to a server that never waits."""

    def __init__(self, pieces: list[bytes], **settings: Any) -> None:
        self.pieces = pieces
        self.live, self.handoff = recording_live(**settings)
        middleware = ShadowMiddleware(self._app, shadow_url="http://127.0.0.1:9")
        middleware.live = self.live
        self._middleware = middleware
        self.sent: list[Any] = []
        self.others = 0
        """How often another task had its turn meanwhile."""
        self.sent_when_others_began = 0
        self.over = False

    @property
    def body(self) -> object:
        """What crosses the wall of it: kept bytes, length, digest."""
        return recorded(self.handoff.only)[11]

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        last = len(self.pieces) - 1
        for number, piece in enumerate(self.pieces):
            await send(
                {
                    "type": "http.response.body",
                    "body": piece,
                    "more_body": number < last,
                }
            )

    async def _receive(self) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def serve(self) -> None:
        """Serve one request."""
        await self._middleware(dict(SCOPE), self._receive, self._send)
        self.over = True

    async def count(self) -> None:
        """Be another task of the same loop."""
        await asyncio.sleep(0)
        self.sent_when_others_began = len(self.sent)
        while not self.over:
            self.others += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_others_have_their_turn_while_bytes_beyond_the_cap_are_digested(
    pieces: list[bytes],
) -> None:
    """After each 256 KiB at the latest; the server has each piece before it is digested."""

    async def both() -> None:
        await asyncio.gather(streamed.serve(), streamed.count())

    streamed = Streamed(pieces)
    asyncio.run(both())

    whole = b"".join(pieces)
    assert pieces == [each["body"] for each in streamed.sent[1:]]
    # The first MiB is kept and not digested, unless it comes with what is beyond.
    assert streamed.others >= 3 * MIB // (256 * 1024) - 1
    assert streamed.sent_when_others_began >= 2
    assert (whole[:MIB], len(whole), hashlib.sha256(whole).digest()) == streamed.body


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_a_body_within_its_cap_takes_no_turn(pieces: list[bytes]) -> None:
    """It is kept as it is, which costs nothing."""

    async def both() -> None:
        await asyncio.gather(streamed.serve(), streamed.count())

    streamed = Streamed(pieces, max_response_body=5 * MIB)
    asyncio.run(both())

    assert 0 == streamed.others


def test_without_asyncio_the_digest_is_the_same() -> None:
    """trio's servers wait for themselves at each message."""
    streamed = Streamed(PIECES["few large"])
    trio.run(streamed.serve)

    whole = b"".join(streamed.pieces)
    assert (whole[:MIB], len(whole), hashlib.sha256(whole).digest()) == streamed.body


def test_what_a_large_answer_took_ends_with_its_last_byte() -> None:
    """Live is not slower in the evidence by what its digest took."""
    streamed = Streamed(PIECES["one"])
    clock = iter(range(100))
    streamed.live.now = lambda: next(clock)
    asyncio.run(streamed.serve())

    capture = streamed.handoff.only
    assert (0, 1, 2) == (capture.started, capture.first_byte, capture.ended)
