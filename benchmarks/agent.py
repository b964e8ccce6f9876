"""
The agent end to end: receive, replay, compare, count; CPU for each exchange.

    python -m benchmarks.agent [--count 20000] [--rounds 3] [--only auto,httpx]

A live process hands over matching exchanges of 1 KB of JSON as fast as the agent takes
them. The agent has a CPU of its own and writes its evidence to SQLite; live side and
target share another. Rates per core follow from the agent's own CPU time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.replay import BODY, HEADERS, serve
from shadow_middleware.capture import Capture
from shadow_middleware.handoff.agent_socket import AgentSocket
from shadow_middleware.handoff.base import Pipe
from shadow_middleware.handoff.keeper import Keeper
from shadow_middleware.handoff.spawn import AgentProcess
from shadow_middleware.live import LiveSide
from shadow_middleware.observe.receivers import Receivers
from shadow_middleware.settings import load, to_wire

AGENT_CPU = {0}
OTHER_CPU = {max(1, (os.cpu_count() or 2) - 1)}
LIVE_HEADERS = [(b"server", b"live"), (b"content-type", b"application/json")]
VARIANTS = {
    "auto": ("auto", "httpx"),
    "httpx": ("httpx", "httpx"),
    "httpx (httpx2)": ("httpx", "httpx2"),
}


class Pinned:
    """Starts an agent on its CPU, and remembers who it is."""

    def __init__(self) -> None:
        self.pid = 0

    def __call__(self) -> Pipe:
        """Return the connection to the new agent."""
        before = _children()
        pipe = AgentProcess()()
        [self.pid] = _children() - before
        os.sched_setaffinity(self.pid, AGENT_CPU)
        return pipe


def _children() -> set[int]:
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process, all threads together."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9


def measure(transport: str, url: str, count: int, folder: str) -> dict[str, float]:
    """Send `count` exchanges through an agent; give CPU per exchange and rates."""
    settings = load(
        {
            "shadow_url": url,
            "transport": transport,
            "store_url": f"sqlite:///{folder}/{time.monotonic_ns()}.db",
            "buffer_count": 2_000_000,
        }
    )
    launch = Pinned()
    handoff = AgentSocket(
        lambda handoff: Keeper(handoff, launch, to_wire(settings), Receivers()),
        max_bytes=1 << 30,
        max_count=2_000_000,
    )
    live = LiveSide(settings, handoff)
    _offer(live, 500)
    began_cpu, began = cpu_of(launch.pid), time.perf_counter()
    _offer(live, count)
    cpu, wall = cpu_of(launch.pid) - began_cpu, time.perf_counter() - began
    dropped = handoff.state.dropped
    handoff.close(20.0)
    if dropped:
        raise SystemExit(f"the live side dropped {dropped}")
    return {"us": cpu / count * 1e6, "per core": count / cpu, "rate": count / wall}


def _offer(live: LiveSide, count: int) -> None:
    """Hand over so many exchanges, and wait until all have ended."""
    handoff = live.handoff
    target = handoff.state.selected + count
    body = BODY.encode()
    while (state := handoff.state).ended < target:
        # Never more under way than the agent's queue holds.
        room = min(target - state.selected, 4000 - (state.selected - state.ended))
        for _ in range(room):
            capture = Capture(
                live, "GET", b"/items/17", b"page=2&size=10", HEADERS[:6], live.now()
            )
            assert live.clears(capture)
            capture.status, capture.response_headers = 200, LIVE_HEADERS
            capture.response_chunk(body)
            capture.finish("/items/{id}")
        time.sleep(0.01)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(VARIANTS))
    asked = parser.parse_args()
    os.sched_setaffinity(0, OTHER_CPU)
    here, there = multiprocessing.Pipe()
    target = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    target.start()
    url = f"http://127.0.0.1:{here.recv()}"
    rows: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(asked.rounds):
            for name in asked.only.split(","):
                transport, client = VARIANTS[name]
                os.environ["SHADOW_MIDDLEWARE_HTTP_CLIENT"] = client
                result = measure(transport, url, asked.count, folder)
                rows.setdefault(name, []).append(result)
    target.terminate()
    print(
        "| transport | us CPU per exchange | exchanges/s per core | exchanges/s seen |"
    )
    print("|---|--:|--:|--:|")
    for name, runs in rows.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(
            f"| {name} | {middle['us']:.0f} | {middle['per core']:.0f} "
            f"| {middle['rate']:.0f} |"
        )


if __name__ == "__main__":
    main()
