"""Agents as they run: thread, process, shared; killed, forked, drained."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware import runtime, signals
from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.errors import MissingExtraError
from shadow_middleware.exchange import Outcome
from shadow_middleware.live import LiveSide
from shadow_middleware.runtime import live_side
from shadow_middleware.settings import load
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import Reply, ShadowServer, collect, frozen
from tests.agents import agents, only_own_agents
from tests.fakes import begun, respond

__all__ = ["only_own_agents"]

SAME = Reply(200, ((b"content-type", b"text/plain"),), b"hello")


@pytest.fixture(autouse=True)
def _no_agent_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Part from every agent after each test, and begin the next with none."""
    monkeypatch.setattr(runtime, "_handoffs", {})
    yield
    assert runtime.shutdown(10.0) in (True, False)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Give the URL of a store that nobody has used."""
    return f"sqlite:///{tmp_path}/store.db"


def until(condition: Callable[[], Any], seconds: float = 90.0) -> Any:
    """Return what the condition gives once it is true."""
    waiting = threading.Event()
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not become true in time"
        waiting.wait(0.02)
    return value


def serve(live: LiveSide, number: int = 1, path: bytes = b"/a") -> None:
    """Let exchanges happen whose live answer is SAME."""
    for _ in range(number):
        capture = begun(live, "GET", path, b"", [(b"host", b"live")])
        if capture is not None:
            respond(capture, 200, SAME.headers)
            capture.response_chunk(SAME.body)
            capture.finish("/a")


def totals(url: str) -> dict[tuple[str, str], int]:
    """Return what the store has counted, by outcome and (but for matches) reason."""
    with contextlib.closing(SqlStore(url)) as reader:
        counts: dict[tuple[str, str], int] = {}
        for row in reader.totals():
            key = str(row.outcome), row.reason if row.outcome != Outcome.MATCH else ""
            counts[key] = counts.get(key, 0) + row.count
        return counts


def agent_pids() -> list[int]:
    """Return the agents that the test has started and that still run."""
    return [one.pid for one in agents()]


@pytest.mark.parametrize("engine", ["thread", "agent"])
def test_an_exchange_goes_all_the_way_to_the_store(engine: str, store: str) -> None:
    """Both engines run the same road from live to evidence."""
    with ShadowServer(SAME) as shadow:
        live = live_side(
            load({"shadow_url": shadow.url, "engine": engine, "store_url": store})
        )
        serve(live, 3)
        assert 3 == len(shadow.wait_for(3))
        assert runtime.shutdown(90.0)

    assert {("match", ""): 3} == totals(store)


@pytest.mark.parametrize("engine", ["thread", "agent"])
def test_signals_fire_in_the_live_process(engine: str) -> None:
    """Whichever engine runs, receivers are called here."""
    with ShadowServer(Reply(200, SAME.headers, b"other")) as shadow, collect() as seen:
        live = live_side(
            load({"shadow_url": shadow.url, "engine": engine, "store_url": ""})
        )
        serve(live)

        assert {Outcome.DIVERGENCE: 1} == seen.wait_for(1)
        until(lambda: seen.divergences)
        assert "GET /a" == seen.divergences[0]["route"]


def test_a_receiver_that_raises_or_hangs_harms_nothing() -> None:
    """Others hear the event, and the road goes on."""
    release = threading.Event()
    heard: list[str] = []

    def hangs(sender: str, *, event: dict[str, Any]) -> None:
        heard.append("hangs")
        release.wait(30.0)

    def raises(sender: str, *, event: dict[str, Any]) -> None:
        heard.append("raises")
        raise RuntimeError

    with (
        ShadowServer(SAME) as shadow,
        signals.replay_finished.connected_to(raises),
        signals.replay_finished.connected_to(hangs),
    ):
        settings = load({"shadow_url": shadow.url, "engine": "thread", "store_url": ""})
        live = live_side(settings)
        serve(live)
        until(lambda: "hangs" in heard)
        serve(live, 5)

        assert 6 == len(shadow.wait_for(6))
        release.set()


def test_constructing_starts_nothing_and_equal_settings_share() -> None:
    """A test suite builds hundreds; one hand-off serves them all."""
    before = threading.active_count()

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    made = [ShadowMiddleware(app, shadow_url="http://s.test") for _ in range(300)]

    assert before == threading.active_count()
    assert [] == agent_pids()
    assert 1 == len({id(one.live.handoff) for one in made})


def test_callables_on_the_live_side_do_not_make_another_agent() -> None:
    """They do not cross the wall, so they do not tell agents apart."""
    one = live_side(load({"shadow_url": "http://s.test", "skip": lambda scope: True}))
    other = live_side(
        load({"shadow_url": "http://s.test", "skip": lambda scope: False})
    )

    assert one.handoff is other.handoff


def test_a_killed_agent_is_replaced_and_its_loss_is_counted(store: str) -> None:
    """kill -9: every exchange still ends in exactly one outcome."""
    with ShadowServer(frozen) as shadow:
        live = live_side(load({"shadow_url": shadow.url, "store_url": store}))
        serve(live, 5)
        shadow.wait_for(5)
        [pid] = agent_pids()
        os.kill(pid, signal.SIGKILL)
        until(lambda: live.state.agents == 2)
        shadow.become(SAME)
        serve(live, 4)
        shadow.wait_for(9)
        runtime.shutdown(20.0)

    assert {("dropped", "agent_died"): 5, ("match", ""): 4} == totals(store)


def test_an_agent_told_to_stop_finishes_what_it_has(store: str) -> None:
    """W40: SIGTERM drains; nothing that was handed over is lost."""
    with ShadowServer(SAME) as shadow:
        live = live_side(load({"shadow_url": shadow.url, "store_url": store}))
        serve(live, 20)
        shadow.wait_for(1)
        [pid] = agent_pids()
        os.kill(pid, signal.SIGTERM)
        until(lambda: live.state.agents == 2)
        runtime.shutdown(20.0)

    assert {("match", ""): 20} == totals(store)


@pytest.mark.usefixtures("untraced")
def test_a_frozen_agent_costs_the_live_side_nothing_but_its_buffer(store: str) -> None:
    """W1: SIGSTOP; live goes on at its own pace, the rest is dropped and counted."""
    with ShadowServer(SAME) as shadow:
        live = live_side(
            load(
                {
                    "shadow_url": shadow.url,
                    "store_url": store,
                    "buffer_bytes": 100_000,
                }
            )
        )
        serve(live)
        shadow.wait_for(1)
        [pid] = agent_pids()
        os.kill(pid, signal.SIGSTOP)
        began = time.process_time()
        serve(live, 30_000)
        spent = time.process_time() - began
        os.kill(pid, signal.SIGCONT)
        until(lambda: not live.state.held)
        runtime.shutdown(60.0)
        state = live.state

    assert spent < 6
    assert state.held_bytes < 200_000
    assert sum(state.dropped.values()) > 0
    assert 30_001 == state.selected == sum(totals(store).values())


def test_an_agent_ends_when_its_live_process_is_killed(
    store: str, tmp_path: Path
) -> None:
    """It is never an orphan, and it finishes what it was given."""
    script = textwrap.dedent("""
        import sys, time
        from shadow_middleware.capture import Capture
        from shadow_middleware.runtime import live_side
        from shadow_middleware.settings import load
        live = live_side(load({"shadow_url": sys.argv[1], "store_url": sys.argv[2]}))
        capture = Capture(live, "GET", b"/a", b"", [], live.now())
        capture.status = 200
        capture.response_headers = [(b"content-type", b"text/plain")]
        capture.response_chunk(b"hello")
        capture.finish("/a")
        print("ready", flush=True)
        time.sleep(60)
    """)
    with ShadowServer(SAME) as shadow:
        host = subprocess.Popen(
            [sys.executable, "-c", script, shadow.url, store], stdout=subprocess.PIPE
        )
        assert host.stdout is not None
        host.stdout.readline()
        shadow.wait_for(1)
        agents = _children(host.pid)
        host.kill()
        host.wait()
        host.stdout.close()
        assert agents
        until(lambda: not any(_runs(pid) for pid in agents))

    assert {("match", ""): 1} == totals(store)


def _children(pid: int) -> list[str]:
    found: list[str] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += (task / "children").read_text().split()
    return found


def _runs(pid: str) -> bool:
    try:
        return b"shadow_middleware.agent" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_after_a_fork_parent_and_child_each_have_an_agent(store: str) -> None:
    """gunicorn --preload: the child's exchanges are its own, the parent's stay its."""
    with ShadowServer(SAME) as shadow:
        live = live_side(load({"shadow_url": shadow.url, "store_url": store}))
        serve(live, 2)
        shadow.wait_for(2)
        child = os.fork()
        if child == 0:
            serve(live, 3)
            runtime.shutdown(20.0)
            os._exit(0)
        assert 0 == os.waitpid(child, 0)[1]
        serve(live, 1)
        shadow.wait_for(6)
        runtime.shutdown(20.0)

    assert {("match", ""): 6} == totals(store)


@contextlib.contextmanager
def agent_of_the_host(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run an agent that was started by hand; in the end it is told to stop, and does."""
    serving = f"from shadow_middleware.agent import serve; serve('unix:{path}')"
    agent = subprocess.Popen([sys.executable, "-c", serving])
    try:
        until(path.exists)
        yield agent
    finally:
        agent.terminate()
        agent.send_signal(signal.SIGCONT)
        agent.wait(90)


def live_at(path: Path, shadow: ShadowServer, store: str) -> LiveSide:
    """Return the live side of an app that connects to the agent of its host."""
    settings = {"shadow_url": shadow.url, "store_url": store}
    return live_side(load({**settings, "engine": f"unix:{path}"}))


def test_apps_of_a_host_share_an_agent(store: str, tmp_path: Path) -> None:
    """`engine="unix:PATH"` connects to an agent that was started by hand."""
    path = tmp_path / "agent.sock"
    with agent_of_the_host(path), ShadowServer(SAME) as shadow:
        serve(live_at(path, shadow, store), 2)
        shadow.wait_for(2)
        mode = path.stat().st_mode & 0o777
        runtime.shutdown(5.0)

    assert 0o600 == mode
    assert {("match", ""): 2} == totals(store)
    assert not path.exists()


def test_an_agent_that_stops_takes_what_was_brought_to_its_door(
    store: str, tmp_path: Path
) -> None:
    """A process handed over all and left, before the agent had so much as let it in."""
    path = tmp_path / "agent.sock"
    with ShadowServer(SAME) as shadow, agent_of_the_host(path) as agent:
        agent.send_signal(signal.SIGSTOP)
        serve(live_at(path, shadow, store), 3)
        assert runtime.shutdown(20.0, wait=False)

    assert {("match", ""): 3} == totals(store)


def test_a_postgres_store_without_its_driver_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An agent has nobody to tell; one that is installed elsewhere may have the driver."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    settings = {"shadow_url": "http://s.test", "store_url": "postgresql://h/d"}

    with pytest.raises(
        MissingExtraError, match=r"Postgres.*shadow-middleware\[postgres\]"
    ):
        live_side(load(settings))
    live_side(load(settings | {"engine": "unix:/run/shadow.sock"}))


def test_thread_engine_may_write_to_a_store_of_the_test() -> None:
    """What users' own tests look at needs no file."""
    memory = MemoryStore()
    with ShadowServer(SAME) as shadow:
        settings = load({"shadow_url": shadow.url, "engine": "thread"})
        serve(live_side(settings, store=memory), 2)
        shadow.wait_for(2)
        assert runtime.shutdown(90.0)

    assert [(Outcome.MATCH, 2)] == [(row.outcome, row.count) for row in memory.totals()]


def test_a_trio_like_host_without_asyncio_works(store: str) -> None:
    """The request path asks for no asyncio loop; drive the app by hand."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": SAME.headers}
        )
        await send({"type": "http.response.body", "body": SAME.body})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None: ...

    with ShadowServer(SAME) as shadow:
        wrapped = ShadowMiddleware(
            app, shadow_url=shadow.url, engine="thread", store_url=""
        )
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/a",
            "raw_path": b"/a",
            "query_string": b"",
            "headers": [],
            "http_version": "1.1",
        }
        with pytest.raises(StopIteration):
            wrapped(scope, receive, send).send(None)

        assert 1 == len(shadow.wait_for(1))


def test_lifespan_readies_an_agent_and_leaves_nothing_behind() -> None:
    """The first visitor does not wait for an agent, the last one is not lost."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def run() -> list[str]:
        sent: list[str] = []

        async def receive() -> dict[str, Any]:
            return {"type": "lifespan"}

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await wrapped({"type": "lifespan"}, receive, send)
        return sent

    with ShadowServer(SAME) as shadow:
        wrapped = ShadowMiddleware(
            app, shadow_url=shadow.url, engine="thread", store_url=""
        )
        sent = asyncio.run(run())

        assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == sent
        assert 1 == until(lambda: wrapped.live.state.agents)


def test_an_agent_on_a_thread_is_tried_again_where_no_thread_is_to_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """W5: what starts agents waits and goes on after an OSError, and dies of all else."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    with pytest.raises(OSError, match="thread"):
        runtime.ThreadAgent()()
