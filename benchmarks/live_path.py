"""
What mirroring costs the live app: everything mirrored, variants side by side.

    python -m benchmarks.live_path            every section, about 6 minutes
    python -m benchmarks.live_path cpu        added CPU per request, in one server
    python -m benchmarks.live_path saturated  throughput kept, ASGI
    python -m benchmarks.live_path half       latency at half load
    python -m benchmarks.live_path wsgi       throughput kept, gunicorn

The live server has a CPU of its own; load generator, agent and shadow share another.
Only for the added CPU the load generator is on the live server's: to wake it on another
CPU is an interrupt there, which on virtual machines costs the sender up to 10 us, the
more the longer that CPU was idle, so that a slower server pays more for each answer.
Each round runs every variant once, forwards and backwards in turn; figures are
medians of the ratios to the bare app of the same round. Needs Linux, `wrk` and `hey`
(Debian packages), and `nginx` for its row.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LIVE_CPU, OTHER_CPU = "0", str(max(1, (os.cpu_count() or 2) - 1))
CONNECTIONS = 16
BEFORE_ALL, AFTER_OTHERS = ("chrt", "-f", "10"), ("chrt", "-b", "0")

Row = dict[str, float]


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Return when somebody listens."""
    for _ in range(400):
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens at port {port}")


@contextlib.contextmanager
def process(command: list[str], cpu: str, port: int, **env: str) -> Iterator[int]:
    """Run a server on one CPU for as long as it is needed; give its pid."""
    server = subprocess.Popen(
        ["taskset", "-c", cpu, *command],
        env={**os.environ, **env, "PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield server.pid
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        server.kill()


def uvicorn(port: int) -> list[str]:
    """Return the command of an ASGI server."""
    return [
        *(sys.executable, "-m", "uvicorn", "--factory", "benchmarks.live_apps:make"),
        *("--port", str(port), "--no-access-log", "--log-level", "error"),
    ]


def gunicorn(port: int) -> list[str]:
    """Return the command of a WSGI server."""
    return [
        *(sys.executable, "-m", "gunicorn", "benchmarks.live_apps:make()", "-w", "1"),
        *("-k", "gthread", "--threads", "4", "-b", f"127.0.0.1:{port}"),
    ]


@contextlib.contextmanager
def shadow(kind: str) -> Iterator[str]:
    """Run a shadow; give its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    if kind == "refusing":
        yield url
    elif kind == "healthy":
        env = {"BENCH_APP": "starlette"}
        with process(uvicorn(port), OTHER_CPU, port, **env):
            yield url
    else:
        with socket.create_server(("127.0.0.1", port), backlog=512):
            yield url  # takes connections and never answers


def wrk(port: int, seconds: float, *, alone: bool = True) -> Row:
    """Load with as much as it takes; give req/s, p50 and p99 in microseconds."""
    cpu, policy = (OTHER_CPU, BEFORE_ALL) if alone else (LIVE_CPU, AFTER_OTHERS)
    seconds_text = f"{max(1, round(seconds))}s"
    out = subprocess.run(
        [
            *(*policy, "taskset", "-c", cpu, "wrk", "-t1"),
            *(f"-c{CONNECTIONS}", f"-d{seconds_text}", "--latency"),
            f"http://127.0.0.1:{port}/item",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])  # type: ignore[index]
    return {"req/s": rate, "p50": _percentile(out, 50), "p99": _percentile(out, 99)}


def _percentile(out: str, which: int) -> float:
    found = re.search(rf"\s{which}%\s+([\d.]+)(us|ms|s)\n", out)
    if found is None:
        return float("nan")
    return float(found[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[found[2]]


def hey(port: int, rate: float, seconds: float) -> Row:
    """Load at a fixed rate; give p50 and p99 in microseconds."""
    each = max(1, round(rate / 8))
    out = subprocess.run(
        [
            *("chrt", "-f", "10", "taskset", "-c", OTHER_CPU, "hey", "-o", "csv"),
            *("-z", f"{seconds}s", "-c", "8", "-q", str(each)),
            f"http://127.0.0.1:{port}/item",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    times = sorted(float(line.split(",")[0]) for line in out.splitlines()[1:])
    return {
        "req/s": len(times) / seconds,
        "p50": times[len(times) // 2] * 1e6,
        "p99": times[int(len(times) * 0.99)] * 1e6,
    }


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process and its children have used."""
    total = 0.0
    for one in [pid, *_children(pid)]:
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{one}/schedstat").read_text().split()[0]) / 1e9
    return total


def _offspring(pid: int) -> list[int]:
    """Return the children of every thread: the keeper's thread starts the agents."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in listed.read_text().split()]
    return found


def _children(pid: int) -> list[int]:
    return [child for child in _offspring(pid) if not _is_agent(child)]


def _is_agent(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"shadow_middleware.agent" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def agents_of(pid: int) -> list[int]:
    """Return the agents that a server started."""
    family = [pid, *_children(pid)]
    return [child for one in family for child in _offspring(one) if _is_agent(child)]


def kill_agents(pid: int) -> None:
    """Kill the agents that a server started."""
    for agent in agents_of(pid):
        os.kill(agent, signal.SIGKILL)


def pin_agents(pid: int) -> None:
    """Put the agents on the other CPU, where they would be in production."""
    for agent in agents_of(pid):
        for thread in Path(f"/proc/{agent}/task").iterdir():
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(thread.name), {int(OTHER_CPU)})


def ask(port: int, path: str) -> Any:
    """GET a path of the switch."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    return json.loads(connection.getresponse().read())


def section_cpu(rounds: int = 12) -> None:
    """One server switches its middleware between slices of load."""
    for app in ("starlette", "fastapi"):
        port = free_port()
        costs: dict[str, list[float]] = {}
        env = {"BENCH_APP": app, "BENCH_SWITCH": "1"}
        with process(uvicorn(port), LIVE_CPU, port, **env):
            wrk(port, 2, alone=False)
            variants = ["bare", "pass", "rate 0", "mirrored"]
            for number in range(rounds):
                for variant in variants[:: 1 if number % 2 else -1]:
                    ask(port, f"/use/{variant.replace(' ', '%20')}")
                    wrk(port, 1, alone=False)
                    served, nanoseconds = ask(port, "/cost")
                    costs.setdefault(variant, []).append(nanoseconds / served / 1e3)
        print(f"\n### {app}: CPU of the live process per request, {rounds} rounds\n")
        print("| variant | CPU us/req | added us | kept % |\n|---|---|---|---|")
        for variant, values in costs.items():
            pairs = list(zip(values, costs["bare"], strict=True))
            added = statistics.median(a - b for a, b in pairs)
            kept = statistics.median(b / a for a, b in pairs) * 100
            median = statistics.median(values)
            print(f"| {variant} | {median:.1f} | {added:+.1f} | {kept:.1f} |")


# --- throughput kept -------------------------------------------------------------------


class Variant:
    """One server under load, and what is done to it before each round."""

    def __init__(self, name: str, port: int, pid: int) -> None:
        self.name = name
        self.port = port
        self.pid = pid
        self.before: Callable[[], None] = lambda: None
        self.rows: list[Row] = []


@contextlib.contextmanager
def variant(
    stack: contextlib.ExitStack,
    name: str,
    app: str,
    command: Callable[[int], list[str]],
    settings: dict[str, Any] | None,
) -> Iterator[Variant]:
    """Start one server with these settings of ours, or with none."""
    port = free_port()
    env = {"BENCH_APP": app}
    if settings is not None:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        settings = {"store_url": f"sqlite:///{folder}/store.db", **settings}
        env["BENCH_SHADOW"] = json.dumps(settings)
    pid = stack.enter_context(process(command(port), LIVE_CPU, port, **env))
    yield Variant(name, port, pid)


def start(
    stack: contextlib.ExitStack,
    name: str,
    app: str,
    command: Callable[[int], list[str]],
    settings: dict[str, Any] | None = None,
) -> Variant:
    """Start a variant that lives as long as the stack."""
    return stack.enter_context(variant(stack, name, app, command, settings))


def nginx_mirror(stack: contextlib.ExitStack, live: int, shadow_url: str) -> int:
    """Run nginx with `mirror` in front of the bare app; give its port."""
    port = free_port()
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    config = Path(folder) / "nginx.conf"
    config.write_text(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{ access_log off; upstream live {{ server 127.0.0.1:{live}; keepalive 32; }}
  upstream shadow {{ server {shadow_url.removeprefix("http://")}; keepalive 32; }}
  server {{ listen 127.0.0.1:{port};
    location / {{ mirror /mirror; proxy_pass http://live; proxy_http_version 1.1;
      proxy_set_header Connection ""; }}
    location = /mirror {{ internal; proxy_pass http://shadow$request_uri;
      proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
""")
    stack.enter_context(process(["nginx", "-c", str(config)], OTHER_CPU, port))
    return port


def section_saturated(rounds: int = 5) -> None:
    """As much load as each variant takes, shadow healthy and not."""
    for app in ("starlette", "fastapi"):
        with contextlib.ExitStack() as stack:
            variants = _asgi_variants(stack, app)
            run_rounds(variants, rounds, lambda one: wrk(one.port, 2))
            report(f"{app} under uvicorn, saturated", variants, rounds)


def _asgi_variants(stack: contextlib.ExitStack, app: str) -> list[Variant]:
    healthy = stack.enter_context(shadow("healthy"))
    silent = stack.enter_context(shadow("silent"))
    refusing = stack.enter_context(shadow("refusing"))
    bare = start(stack, "bare", app, uvicorn)
    variants = [
        bare,
        start(stack, "rate 0", app, uvicorn, {"shadow_url": healthy, "rate": 0.0}),
        start(stack, "agent", app, uvicorn, {"shadow_url": healthy}),
        start(
            stack, "agent, shadow never answers", app, uvicorn, {"shadow_url": silent}
        ),
        start(stack, "agent, shadow refuses", app, uvicorn, {"shadow_url": refusing}),
        start(stack, "agent stopped", app, uvicorn, {"shadow_url": healthy}),
        start(stack, "agent killed each round", app, uvicorn, {"shadow_url": healthy}),
        start(
            stack,
            "thread engine",
            app,
            uvicorn,
            {"shadow_url": healthy, "engine": "thread"},
        ),
    ]
    for one in variants:
        wrk(one.port, 1)
        pin_agents(one.pid)
    stopped, killed = variants[5], variants[6]
    for agent in agents_of(stopped.pid):
        os.kill(agent, signal.SIGSTOP)
    killed.before = lambda: kill_agents(killed.pid)
    if shutil.which("nginx"):
        port = nginx_mirror(stack, bare.port, healthy)
        variants.append(Variant("nginx mirror before the bare app", port, bare.pid))
    return variants


def halt(pid: int, how: signal.Signals) -> None:
    """Stop or continue a server with its workers; its agents go on."""
    os.kill(pid, how)
    for child in _children(pid):
        os.kill(child, how)


def run_rounds(
    variants: list[Variant], rounds: int, load: Callable[[Variant], Row]
) -> None:
    """Load every variant once a round, and keep what it did."""
    for one in variants:
        halt(one.pid, signal.SIGSTOP)  # what it has still to do is not others' burden
    for number in range(rounds):
        for one in variants[:: 1 if number % 2 else -1]:
            halt(one.pid, signal.SIGCONT)
            one.before()
            began = cpu_of(one.pid)
            row = load(one)
            row["cpu"] = (cpu_of(one.pid) - began) * 1e6 / max(1, row["req/s"])
            one.rows.append(row)
            pin_agents(one.pid)
            halt(one.pid, signal.SIGSTOP)
            time.sleep(0.3)
    for one in variants:
        halt(one.pid, signal.SIGCONT)


def report(title: str, variants: list[Variant], rounds: int) -> None:
    """Print the medians of a section as a table."""
    print(f"\n### {title}, {rounds} rounds\n")
    print("| variant | req/s | kept % | p50 us | p50 ratio | p99 us | p99 ratio |")
    print("|---|---|---|---|---|---|---|")
    for one in variants:
        ratio = {
            figure: statistics.median(
                row[figure] / base[figure]
                for row, base in zip(one.rows, variants[0].rows, strict=True)
            )
            for figure in ("req/s", "p50", "p99")
        }
        median = {
            figure: statistics.median(row[figure] for row in one.rows)
            for figure in ("req/s", "p50", "p99")
        }
        print(
            f"| {one.name} | {median['req/s']:.0f} | {ratio['req/s'] * 100:.1f} "
            f"| {median['p50']:.0f} | {ratio['p50']:.2f} "
            f"| {median['p99']:.0f} | {ratio['p99']:.2f} |"
        )


def section_half(rounds: int = 5) -> None:
    """Latency at half of what the bare app takes."""
    for app in ("starlette", "fastapi"):
        with contextlib.ExitStack() as stack:
            variants = [
                one for one in _asgi_variants(stack, app) if "kill" not in one.name
            ]
            rate = wrk(variants[0].port, 2)["req/s"] / 2
            run_rounds(variants, rounds, lambda one, rate=rate: hey(one.port, rate, 3))  # type: ignore[misc]
            report(f"{app} under uvicorn, {rate:.0f} req/s", variants, rounds)


def section_wsgi(rounds: int = 5) -> None:
    """Flask and Django under gunicorn with threads."""
    for app in ("flask", "django"):
        with contextlib.ExitStack() as stack:
            healthy = stack.enter_context(shadow("healthy"))
            silent = stack.enter_context(shadow("silent"))
            variants = [
                start(stack, "bare", app, gunicorn),
                start(stack, "agent", app, gunicorn, {"shadow_url": healthy}),
                start(
                    stack,
                    "agent, shadow never answers",
                    app,
                    gunicorn,
                    {"shadow_url": silent},
                ),
            ]
            for one in variants:
                wrk(one.port, 1)
                pin_agents(one.pid)
            run_rounds(variants, rounds, lambda one: wrk(one.port, 2))
            report(f"{app} under gunicorn, saturated", variants, rounds)


SECTIONS = {
    "cpu": section_cpu,
    "saturated": section_saturated,
    "half": section_half,
    "wsgi": section_wsgi,
}


def main() -> None:
    """Run the sections that were asked for, or all."""
    for tool in ("wrk", "hey"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is missing: apt-get install {tool}")
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
