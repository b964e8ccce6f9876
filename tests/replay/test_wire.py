"""The lean sender: what is an answer, which connections are used again, what is refused."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.errors import ReplayProtocolError, ReplayRefused
from shadow_middleware.exchange import Request, Response
from shadow_middleware.replay.answer_reader import MAX_HEAD, AnswerReader
from shadow_middleware.replay.wire import Patience, Wire
from shadow_middleware.testing import Received, Reply, ShadowServer, answering
from tests.replay.raw_shadow import OK, Connection, RawShadow, read_request

T = TypeVar("T")
Ready = list[tuple[selectors.SelectorKey, int]]

GET = Request("GET", b"/", headers=[(b"Host", b"s")])
HEAD = Request("HEAD", b"/", headers=[(b"Host", b"s")])
PATIENT = Patience(10.0, 10.0, 10.0)

ANSWERS = [
    OK,
    b"HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Blank: a b \t\r\nx-b: 1\r\nX-B: 2\r\n"
    b"content-length: 11\r\n\r\nhello world",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nX-T: 1\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\nEtag: x\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
]


def read(reader: AnswerReader, pieces: list[bytes]) -> tuple[Response, bool]:
    """Return the answer that the pieces make, and whether another may follow."""
    reader.begin(head_only=False)
    whole = [reader.feed(piece) for piece in pieces]
    assert [False] * (len(pieces) - 1) + [True] == whole
    return reader.response(), reader.keeps


@given(st.sampled_from(ANSWERS), st.lists(st.integers(1, 200), max_size=8))
def test_an_answer_is_the_same_however_it_comes_in_pieces(
    answer: bytes, cuts: list[int]
) -> None:
    """No boundary between two packets means anything; the next answer is in step."""
    edges = sorted({0, *(cut % len(answer) for cut in cuts), len(answer)})
    pieces = [answer[a:b] for a, b in pairwise(edges)]
    reader = AnswerReader(1000, lambda: 1)

    cut = read(reader, pieces)

    assert read(AnswerReader(1000, lambda: 1), [answer]) == cut
    if cut[1]:
        assert read(reader, [answer]) == cut


def test_blanks_around_a_value_are_not_part_of_it() -> None:
    """RFC 9110, 5.5; and an empty value is one."""
    response, _ = read(AnswerReader(1000, lambda: 1), [ANSWERS[1]])

    assert [(b"X-Empty", b""), (b"X-Blank", b"a b")] == list(response.headers)[:2]


@pytest.mark.parametrize(
    "endless", [b"X-More: " + b"y" * 8000 + b"\r\n", b"HTTP/1.1 103 x\r\n\r\n"]
)
def test_a_head_without_end_is_cut_off_by_its_size(endless: bytes) -> None:
    """Whether it is one head, or one that only comes before an answer, again and again."""
    reader = AnswerReader(1000, lambda: 1)
    reader.begin(head_only=False)
    if endless.startswith(b"X"):
        assert not reader.feed(b"HTTP/1.1 200 OK\r\n")

    for _ in range(MAX_HEAD // len(endless) - 1):
        assert not reader.feed(endless)
    with pytest.raises(ReplayProtocolError, match="no body"):
        reader.feed(endless * 3)


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", b"/ HTTP/1.1", headers=[(b"Host", b"s")]),
        Request("GET", b"/", headers=[(b"Host", b"s\r\nX-A: 1")]),
        Request("GET", b"/", headers=[(b"Host", b"s"), (b"X\n", b"1")]),
        Request("GET", b"/", headers=[(b"Host", b"s"), (b"X", b"\0")]),
        Request("GET\r\n", b"/", headers=[(b"Host", b"s")]),
    ],
)
def test_a_head_that_would_be_another_request_is_not_sent(request_: Request) -> None:
    """Even where nobody has looked at it before."""

    async def ask(wire: Wire, shadow: RawShadow) -> int:
        with pytest.raises(ReplayRefused):
            await wire.send(request_)
        return shadow.connections

    assert 0 == sending(ask)


def sending(
    ask: Callable[[Wire, RawShadow], Awaitable[T]],
    connection: Connection | None = None,
    patience: Patience = PATIENT,
) -> T:
    """Return what comes of asking a shadow over a wire."""

    async def run() -> T:
        async with RawShadow(connection) as shadow:
            wire = Wire(shadow.url, patience, cap=1000, limit=8)
            try:
                return await ask(wire, shadow)
            finally:
                await wire.aclose()

    return asyncio.run(asyncio.wait_for(run(), 60))


def test_what_a_server_says_unasked_is_no_answer_to_the_next_request() -> None:
    """A 408 on a kept connection, as some servers send it, ends that connection."""

    heard = asyncio.Event()

    async def impatient(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(shadow, reader)
        writer.write(OK)
        await writer.drain()
        if shadow.connections == 1:
            await heard.wait()
            writer.write(b"HTTP/1.1 408 Timeout\r\ncontent-length: 0\r\n\r\n")

    async def ask(wire: Wire, shadow: RawShadow) -> list[int]:
        first = await wire.send(GET)
        heard.set()
        await asyncio.wait_for(shadow.closed.wait(), 50)
        second = await wire.send(GET)
        return [first.response.status, second.response.status, shadow.connections]

    assert [200, 200, 2] == sending(ask, impatient)


def test_a_connection_that_nobody_uses_is_closed() -> None:
    """A shadow keeps no worker for a target that has no traffic."""

    async def ask(wire: Wire, shadow: RawShadow) -> bool:
        await wire.send(GET)
        await asyncio.wait_for(shadow.closed.wait(), 50)
        return (await wire.send(GET)).response.status == 200

    assert sending(ask, patience=Patience(10.0, 10.0, 10.0, idle=0.1))


def test_who_stops_waiting_closes_the_connection() -> None:
    """A replay that is cancelled leaves no answer behind for the next one."""

    asked = asyncio.Event()

    async def silent(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(shadow, reader)
        asked.set()
        await reader.read()

    async def ask(wire: Wire, shadow: RawShadow) -> bool:
        task = asyncio.create_task(wire.send(GET))
        await asyncio.wait_for(asked.wait(), 50)
        task.cancel()
        await asyncio.wait_for(shadow.closed.wait(), 50)
        return task.cancelled()

    assert sending(ask, silent)


@pytest.mark.parametrize("request_", [GET, HEAD], ids=["GET", "HEAD"])
def test_an_answer_that_ends_with_its_connection(request_: Request) -> None:
    """Without a length, the end of the connection is the end; HEAD has none to wait for."""

    async def closing(
        shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(shadow, reader)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        if request_ is GET:
            writer.write(b"all of it")
        await writer.drain()

    async def ask(wire: Wire, shadow: RawShadow) -> list[bytes]:
        return [(await wire.send(request_)).response.body.data for _ in range(2)]

    assert [b"all of it" if request_ is GET else b""] * 2 == sending(ask, closing)


class Interrupted(selectors.DefaultSelector):
    """What waits for sockets, and returns with nothing when a signal ends its wait."""

    by_signal = False

    def select(self, timeout: float | None = None) -> Ready:
        if self.by_signal:
            self.by_signal = False
            return []
        return super().select(timeout)


class StoppedLoop(asyncio.SelectorEventLoop):
    """A loop that can be as after SIGSTOP: time has gone by, its wait is interrupted."""

    def __init__(self) -> None:
        self._waiting = Interrupted()
        self._stood = 0.0
        super().__init__(self._waiting)

    def time(self) -> float:
        return super().time() + self._stood

    def stand_still(self, seconds: float) -> None:
        """Go on as if it had not run for so long."""
        self._stood += seconds
        self._waiting.by_signal = True


def test_answers_that_came_while_the_process_stood_still_came_in_time() -> None:
    """SIGSTOP for longer than every timeout says nothing of the shadow."""
    may_answer, sent = threading.Event(), threading.Semaphore(0)

    async def behave(received: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(may_answer.wait, 30.0)
        reply = Reply(200, ((b"content-length", b"5"),), b"hello")
        await answering(reply)(received, writer)
        sent.release()

    async def ask(loop: StoppedLoop, shadow: ShadowServer) -> list[bytes]:
        wire = Wire(shadow.url, PATIENT, cap=1000, limit=2)
        asked = [asyncio.create_task(wire.send(GET)) for _ in range(2)]
        await asyncio.to_thread(shadow.wait_for, 2)
        may_answer.set()
        assert all(sent.acquire(timeout=30.0) for _ in asked)  # nothing else runs here
        loop.stand_still(60.0)
        answers = await asyncio.gather(*asked)
        await wire.aclose()
        return [answer.response.body.data for answer in answers]

    loop = StoppedLoop()
    with (
        ShadowServer(behave) as shadow,
        asyncio.Runner(loop_factory=lambda: loop) as run,
    ):
        assert [b"hello", b"hello"] == run.run(ask(loop, shadow))
