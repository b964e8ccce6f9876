"""The live end of the wall: bounded, non-blocking, and exact in its account."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest

from shadow_middleware.capture import Capture, Record
from shadow_middleware.handoff import codec
from shadow_middleware.handoff.agent_socket import PAUSE_NS, AgentSocket
from shadow_middleware.live import LiveSide
from shadow_middleware.settings import load
from tests.fakes import begun, respond


class NoKeeper:
    """Brings up nothing; the test holds the other end itself."""

    def __init__(self, handoff: AgentSocket) -> None:
        self.started = 0

    def start(self) -> None:
        self.started += 1

    def close(self, timeout: float, *, wait: bool) -> bool:
        return True


class TimelessLoop(asyncio.SelectorEventLoop):
    """Its timers are never due, however long the machine takes."""

    def time(self) -> float:
        return 0.0


class Bed:
    """A hand-off with a clock of the test, and the other end of its socket."""

    def __init__(
        self,
        max_bytes: int = 1 << 20,
        max_count: int = 1000,
        cost_clock: Callable[[], int] | None = None,
    ) -> None:
        self.now = 0
        self.handoff = AgentSocket(
            NoKeeper,
            max_bytes=max_bytes,
            max_count=max_count,
            clock=lambda: self.now,
            cost_clock=cost_clock,
        )
        settings = load({"shadow_url": "http://shadow.test", "key": "header:k"})
        self.live = LiveSide(settings, self.handoff, clock=lambda: self.now)
        self.ours: socket.socket | None = None
        self.theirs: socket.socket | None = None
        self.frames = codec.Frames()

    def connect(self) -> None:
        """Attach a new agent."""
        self.close()
        self.ours, self.theirs = socket.socketpair()
        self.frames = codec.Frames()
        hello = codec.Hello(1, self.handoff.session, b"", 0.0, 0, 0)
        self.handoff.attach(self.ours, hello)

    def exchange(self, body: bytes = b"", key: bytes = b"") -> Capture:
        """Let one exchange happen."""
        headers = [(b"k", key)] if key else []
        capture = begun(self.live, "GET", b"/", b"", headers)
        assert capture is not None
        respond(capture, 200, [])
        capture.response_chunk(body)
        capture.finish()
        return capture

    def record(self, body: bytes = b"") -> Record:
        """Return the record of an exchange for `add`."""
        capture = Capture(self.live, "GET", b"/", b"", (), self.now)
        capture.status, capture.response = 200, body
        return capture.record()

    def received(self) -> list[tuple[int, bytes]]:
        """Read all that has been sent so far."""
        assert self.theirs is not None
        self.theirs.setblocking(False)
        found: list[tuple[int, bytes]] = []
        try:
            while data := self.theirs.recv(1 << 20):
                found += self.frames.feed(data)
        except BlockingIOError:
            pass
        return found

    def batches(self) -> list[codec.Batch]:
        """Read all batches that have been sent so far."""
        return [
            codec.decode_batch(p) for kind, p in self.received() if kind == codec.BATCH
        ]

    def detach(self) -> None:
        """Have the agent gone."""
        if self.ours is not None:
            self.handoff.detach(self.ours)

    def close(self) -> None:
        self.detach()
        if self.theirs is not None:
            self.theirs.close()


@pytest.fixture
def bed() -> Iterator[Bed]:
    """Give a hand-off to play with."""
    bed = Bed()
    yield bed
    bed.close()


def test_without_a_loop_an_exchange_is_sent_at_once(bed: Bed) -> None:
    """WSGI threads and trio have no timer to wait for."""
    bed.connect()
    bed.exchange()

    assert [1] == [len(batch.records) for batch in bed.batches()]


def test_on_an_asyncio_loop_exchanges_are_sent_together(bed: Bed) -> None:
    """One send for what happens within a few milliseconds."""
    bed.connect()

    async def serve() -> list[codec.Batch]:
        for _ in range(3):
            bed.exchange()
        assert bed.theirs is not None
        readable = asyncio.Event()
        asyncio.get_running_loop().add_reader(bed.theirs, readable.set)
        assert [codec.HELLO] == [kind for kind, _ in bed.received()]
        await readable.wait()
        return bed.batches()

    assert [3] == [len(batch.records) for batch in asyncio.run(serve())]


def test_without_a_loop_a_burst_is_sent_together(bed: Bed) -> None:
    """Each send wakes the agent, which costs a request more than all the rest."""
    bed.connect()
    for _ in range(3):
        bed.exchange()
    at_once = [len(batch.records) for batch in bed.batches()]
    bed.now += 5_000_000
    bed.exchange()

    assert [1] == at_once
    assert [3] == [len(batch.records) for batch in bed.batches()]


def test_what_sending_cost_is_told_where_it_is_measured() -> None:
    """Nobody who looks at no metrics pays for the reading of a clock."""
    measured, unmeasured = Bed(cost_clock=itertools.count(step=7).__next__), Bed()
    for bed in (measured, unmeasured):
        bed.connect()
        bed.exchange()
        bed.handoff.tell_cost()

    told = [
        [payload for kind, payload in bed.received() if kind == codec.COST]
        for bed in (measured, unmeasured)
    ]
    for bed in (measured, unmeasured):
        bed.close()
    assert [[msgspec.msgpack.encode(codec.Cost(14, 1))], []] == told


@pytest.mark.parametrize("size", [0, 60_000])
@pytest.mark.parametrize("small", [False, True])
def test_on_a_loop_a_full_buffer_is_noticed_before_the_timer(
    size: int, small: bool
) -> None:
    """W9: whether it is full of many or of much."""
    bed = Bed(max_bytes=1 << 20, max_count=100)

    async def serve() -> int:
        for number in range(300):
            if bed.handoff.paused_until:
                return number
            if small:
                bed.handoff.add(bed.record(b"x" * size))
            else:
                bed.exchange(b"x" * size)
        return 300

    assert asyncio.run(serve()) <= (20 if size and not small else 150)


def test_without_a_loop_a_full_buffer_is_noticed_between_two_sends() -> None:
    """W9: threads may add many before the next is to be sent."""
    bed = Bed(max_bytes=1 << 20, max_count=100)
    added = 0
    while not bed.handoff.paused_until and added < 300:
        bed.handoff.add(bed.record())
        added += 1

    assert added <= 150


def test_small_exchanges_are_encoded_together_and_in_order(bed: Bed) -> None:
    """Those that were added go before one that is offered after them."""
    bed.connect()

    async def serve() -> None:
        for name in (b"1", b"2"):
            bed.handoff.add(bed.record(name))
        bed.exchange(b"3")

    asyncio.run(serve())
    bed.handoff.flush()
    raws = [raw for batch in bed.batches() for raw in batch.records]
    exchanges = [codec.exchange_of(raw, "s", 0) for raw in raws]
    bodies = [one.response.body.data for one in exchanges if one.response]

    assert [(b"1"), (b"2"), (b"3")] == bodies
    assert ["s-1", "s-2", "s-3"] == [one.id for one in exchanges]


def test_a_timer_that_died_with_its_loop_holds_nothing_back(bed: Bed) -> None:
    """A test client's loop ends before the timer; the keeper's flush gets it."""
    bed.connect()

    async def serve() -> None:
        bed.exchange()

    with asyncio.Runner(loop_factory=TimelessLoop) as runner:
        runner.run(serve())
    assert [] == bed.batches()

    assert bed.handoff.flush()
    assert 1 == len(bed.batches())


def test_exchanges_wait_for_an_agent_that_is_not_there_yet(bed: Bed) -> None:
    """Nothing is lost while the agent starts."""
    for _ in range(5):
        bed.exchange()
    assert 5 == bed.handoff.state.held

    bed.connect()

    kinds = [kind for kind, _ in bed.received()]
    assert [codec.HELLO, codec.BATCH] == kinds
    assert 0 == bed.handoff.state.held


def test_the_buffer_is_bounded_in_bytes_and_what_is_too_much_is_counted() -> None:
    """W9: dropped, counted, and for a moment not even captured."""
    bed = Bed(max_bytes=10_000)
    for _ in range(20):
        capture = begun(bed.live, "GET", b"/", b"", [])
        if capture is not None:
            capture.response_chunk(b"x" * 1000)
            capture.finish()
    state = bed.handoff.state

    assert state.held_bytes < 10_000 + 1100
    assert state.dropped["buffer_full"] == 1
    assert state.dropped["paused"] == 20 - 1 - state.held
    assert 20 == state.selected == state.held + sum(state.dropped.values())


def test_the_buffer_is_bounded_in_count() -> None:
    """W9: small exchanges count as well."""
    bed = Bed(max_count=3)
    for _ in range(4):
        bed.exchange()

    assert (3, {"buffer_full": 1}) == (
        bed.handoff.state.held,
        bed.handoff.state.dropped,
    )


def test_capture_goes_on_after_the_pause() -> None:
    """The pause ends by the clock."""
    bed = Bed(max_count=1)
    bed.exchange()
    bed.exchange()
    assert bed.handoff.paused_until == PAUSE_NS

    bed.now = PAUSE_NS

    assert begun(bed.live, "GET", b"/", b"", []) is not None
    assert 0 == bed.handoff.paused_until


def test_drops_are_told_to_the_agent_with_the_next_batch() -> None:
    """W39: what the live side dropped is counted where all is counted."""
    bed = Bed(max_count=1)
    bed.exchange()
    bed.exchange()
    bed.connect()
    batches = bed.batches()
    bed.handoff.flush()
    batches += bed.batches()

    assert {"buffer_full": 1} == {k: v for b in batches for k, v in b.drops.items()}
    assert 2 == max(batch.selected for batch in batches)
    bed.close()


def test_an_exchange_after_a_drop_of_its_key_says_so() -> None:
    """W39: later events of that key are flagged, others are not."""
    bed = Bed(max_count=1)
    bed.exchange(key=b"bob")
    bed.exchange(key=b"ann")
    bed.connect()
    bed.received()
    bed.now = PAUSE_NS
    for key in (b"bob", b"ann", b"ann"):
        bed.exchange(key=key)
        bed.handoff.flush()
    raws = [raw for batch in bed.batches() for raw in batch.records]
    flags = [
        (e.key, e.after_drop) for e in (codec.exchange_of(r, "s", 0) for r in raws)
    ]

    assert [("bob", False), ("ann", True), ("ann", False)] == flags
    bed.close()


def test_a_full_kernel_buffer_neither_blocks_nor_loses(bed: Bed) -> None:
    """W1: an agent that reads nothing costs the live side its buffer and no time."""
    bed.connect()
    for _ in range(40):
        bed.exchange(b"x" * 20_000)
    assert bed.handoff.state.held > 0

    records = 0
    while records < 40:
        records += sum(len(batch.records) for batch in bed.batches())
        bed.handoff.flush()

    assert (40, 0) == (bed.handoff.state.handed, bed.handoff.state.held)


def test_a_frame_cut_by_an_agents_death_goes_to_the_next_whole(bed: Bed) -> None:
    """What the dead agent got only part of is not counted as handed over."""
    bed.connect()
    for _ in range(40):
        bed.exchange(b"x" * 20_000)
    dead = sum(len(batch.records) for batch in bed.batches())
    handed = bed.handoff.state.handed
    bed.connect()
    rest = 0
    while dead + rest < 40:
        rest += sum(len(batch.records) for batch in bed.batches())
        bed.handoff.flush()

    assert dead <= handed
    assert 40 == dead + rest


def test_the_next_agent_learns_what_the_last_one_was_given(bed: Bed) -> None:
    """So that the store can settle what died with it."""
    bed.connect()
    bed.exchange()
    bed.exchange()
    bed.handoff.flush()
    bed.exchange()
    bed.connect()
    hello = msgspec.msgpack.decode(bed.received()[0][1], type=codec.Hello)

    assert (3, 2) == (hello.selected, hello.handed)


def test_many_agents_that_die_in_a_row_are_all_told_of(bed: Bed) -> None:
    """None of them may have reached a broker: the next tells it where each began."""
    for _ in range(12):
        bed.connect()
        bed.exchange()
        bed.handoff.flush()
        bed.received()
        bed.detach()
    bed.connect()

    hello = msgspec.msgpack.decode(bed.received()[0][1], type=codec.Hello)
    assert (12, tuple(range(12))) == (hello.handed, hello.lives)


def test_closing_counts_what_nobody_took(bed: Bed) -> None:
    """W40: at shutdown the rest is dropped, and said to be."""
    bed.exchange()

    assert not bed.handoff.close(0.0)
    assert {"shutdown": 1} == bed.handoff.state.dropped


def test_a_fork_begins_a_session_of_its_own(bed: Bed) -> None:
    """What the parent held is the parent's to send."""
    bed.exchange()
    session = bed.handoff.session
    bed.handoff.after_fork()

    assert session != bed.handoff.session
    assert (0, 0) == (bed.handoff.state.selected, bed.handoff.state.held)


def test_many_threads_lose_nothing() -> None:
    """W4: every exchange of every thread is accounted for, once."""
    bed = Bed(max_count=10_000)
    bed.connect()
    numbers: list[str] = []

    def serve() -> None:
        for _ in range(250):
            bed.exchange()

    threads = [threading.Thread(target=serve) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or bed.handoff.state.held:
        bed.handoff.flush()
        for batch in bed.batches():
            numbers += [codec.exchange_of(raw, "s", 0).id for raw in batch.records]
    for thread in threads:
        thread.join()
    for batch in bed.batches():
        numbers += [codec.exchange_of(raw, "s", 0).id for raw in batch.records]
    state = bed.handoff.state

    assert 2000 == state.selected == len(numbers) + sum(state.dropped.values())
    assert len(set(numbers)) == len(numbers)
    bed.close()
