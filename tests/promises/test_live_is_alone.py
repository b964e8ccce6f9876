"""Live is asked once for each request of a client, by that client, and never waits."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import shadow_middleware
from shadow_middleware import runtime
from shadow_middleware.exchange import Outcome
from shadow_middleware.settings import Target
from shadow_middleware.testing import (
    BEHAVIOURS,
    Reply,
    ShadowServer,
    answering,
    asgi,
    collect,
)
from tests.promises.staging import ALL_METHODS, Live, counted, echo, reserved, serving

PACKAGE = Path(shadow_middleware.__file__).parent
MOVED = [301, 302, 303, 307, 308]

QUICK: dict[str, Any] = {
    "store_url": "",
    "methods": ALL_METHODS,
    "breaker_failures": 0,
    "total_timeout": 0.3,
    "signal_rate": 10_000.0,
}
PATIENT = QUICK | {"total_timeout": 20.0}
"""Where the shadow does answer, however busy the machine is."""


@pytest.mark.parametrize("engine", ["agent", "thread"])
def test_live_runs_once_for_each_request_of_a_client(engine: str) -> None:
    """W18: whatever the shadow does and however long, nothing is done twice."""
    with (
        ShadowServer() as shadow,
        collect() as outcomes,
        serving(shadow_url=shadow.url, engine=engine, **QUICK) as live,
    ):
        asked = 0
        for behaviour in BEHAVIOURS.values():
            shadow.become(behaviour)
            for method in ("GET", "POST", "DELETE"):
                live.ask(method, "/order", body=b"one")
                asked += 1
            outcomes.wait_for(asked)

        assert 3 * len(BEHAVIOURS) == asked == len(live.received)


@pytest.mark.parametrize("status", MOVED)
@pytest.mark.parametrize("transport", ["auto", "httpx"])
def test_a_shadow_that_redirects_to_live_gets_nobody_there(
    status: int, transport: str
) -> None:
    """W15: the shadow is hit once, live only by its client."""
    with ShadowServer() as shadow, collect() as outcomes:
        settings: dict[str, Any] = {
            "engine": "thread",
            "transport": transport,
            **PATIENT,
        }
        with serving(shadow_url=shadow.url, **settings) as live:
            back = ((b"Location", b"%s/order" % live.server.url.encode()),)
            shadow.become(Reply(status, back))
            live.ask("POST", "/order", body=b"buy")
            assert {Outcome.DIVERGENCE: 1} == outcomes.wait_for(1)

            assert 1 == len(shadow.received)
            assert [b"/order"] == [request.target for request in live.received]


def test_the_same_redirect_on_both_sides_is_a_match() -> None:
    """W16: apps that send people elsewhere agree if they send them to one place."""

    async def login(scope, receive, send):  # type: ignore[no-untyped-def]
        head = [(b"location", b"/login")]
        await send({"type": "http.response.start", "status": 302, "headers": head})
        await send({"type": "http.response.body"})

    with (
        ShadowServer(Reply(302, ((b"Location", b"/login"),))) as shadow,
        collect() as outcomes,
        serving(login, shadow_url=shadow.url, engine="thread", **PATIENT) as live,
    ):
        assert 302 == live.ask()[0]
        assert {Outcome.MATCH: 1} == outcomes.wait_for(1)


@pytest.mark.parametrize("secret", ["", "one of both"])
def test_an_app_that_shadows_itself_gets_one_copy(secret: str) -> None:
    """W17: the copy is known as a copy, so it makes no other."""
    with reserved() as server, collect() as outcomes:
        settings: dict[str, Any] = {"engine": "thread", "secret": secret, **PATIENT}
        with serving(on=server, shadow_url=server.url, **settings) as live:
            live.ask("POST", "/", body=b"x")
            assert {Outcome.MATCH: 1} == outcomes.wait_for(1)

            assert 1 == live.side.state.selected
            assert 2 == len(server.received)


@pytest.mark.parametrize("secret", ["", "one of both"])
def test_two_apps_that_shadow_each_other_get_one_copy(secret: str) -> None:
    """W17: the ball is not hit back."""
    settings: dict[str, Any] = {"engine": "thread", "secret": secret, **PATIENT}
    with (
        reserved() as one,
        reserved() as other,
        collect() as outcomes,
        serving(on=one, shadow_url=other.url, **settings) as first,
        serving(on=other, shadow_url=one.url, **settings) as second,
    ):
        first.ask("POST", "/", body=b"x")
        assert {Outcome.MATCH: 1} == outcomes.wait_for(1)

        assert (1, 0) == (first.side.state.selected, second.side.state.selected)
        assert (1, 1) == (len(one.received), len(other.received))


def test_at_rate_0_nothing_is_copied_sent_or_started() -> None:
    """W29: sampling comes first."""
    with ShadowServer() as shadow:
        with serving(shadow_url=shadow.url, rate=0.0, store_url="") as live:
            for _ in range(20):
                live.ask()

            assert (0, 0) == (live.side.state.selected, live.side.state.agents)
            assert runtime.shutdown(90.0)
        assert [] == shadow.received


def test_every_exchange_has_one_outcome_for_each_target(store: str) -> None:
    """W13: for a shadow that works beside one that fails in every way there is."""
    settings = QUICK | {"store_url": store}
    with ShadowServer(asgi(echo)) as good, ShadowServer() as bad:
        targets = (
            Target(url=good.url, name="good", total_timeout=20.0),
            Target(url=bad.url, name="bad"),
        )
        with serving(targets=targets, **settings) as live, collect() as outcomes:
            number = 0
            for behaviour in BEHAVIOURS.values():
                bad.become(behaviour)
                for _ in range(3):
                    ask(live)
                    number += 1
                outcomes.wait_for(2 * number)
            assert number == live.side.state.selected
            assert runtime.shutdown(90.0)

    found = counted(store)
    assert number == found["good", "match"]
    assert number == sum(n for (name, _), n in found.items() if name == "bad")
    assert {"shadow_error", "timeout"} <= {
        kind for name, kind in found if name == "bad"
    }


def ask(live: Live) -> None:
    """Ask, and have live's own answer."""
    assert (200, b"hello") == live.ask()


LIVE_MODULES = ("live.py", "capture.py", "selection.py", "flask.py")
LIVE_FOLDERS = ("asgi", "wsgi", "django")


def test_no_code_on_the_live_side_sleeps() -> None:
    """W38: nobody is slowed down for the good of a mirror."""
    files = [PACKAGE / name for name in LIVE_MODULES]
    files += [path for name in LIVE_FOLDERS for path in (PACKAGE / name).rglob("*.py")]
    files += [PACKAGE / "handoff" / "agent_socket.py", PACKAGE / "handoff" / "codec.py"]
    files += [PACKAGE / "handoff" / "census.py"]
    waits = [
        f"{path.name}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("sleep", "to_thread")
    ]

    assert len(files) > 12
    assert [] == waits


SERVES_WATCHED = textwrap.dedent("""
    import asyncio, sys, threading
    from shadow_middleware import asgi, runtime, wsgi

    slept = []
    main = threading.get_ident()
    def audit(name, arguments):
        if name == "time.sleep" and threading.get_ident() == main:
            slept.append(arguments)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 2000})

    def old(environ, start_response):
        start_response("200 OK", [])
        return [b"x" * 2000]

    settings = {"shadow_url": sys.argv[1], "store_url": "", "buffer_bytes": 50_000,
                "drain_timeout": 0.2}
    new = asgi.ShadowMiddleware(app, **settings)
    old = wsgi.ShadowMiddleware(old, **settings)
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/",
             "query_string": b"", "headers": [], "http_version": "1.1"}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "a",
               "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
               "wsgi.url_scheme": "http"}
    async def receive(): return {"type": "http.request"}
    async def send(message): pass
    async def serve():
        for _ in range(500):
            await new(dict(scope), receive, send)

    sys.addaudithook(audit)
    asyncio.run(serve())
    for _ in range(500):
        answer = old(dict(environ), lambda *rest: None)
        list(answer)
        getattr(answer, "close", lambda: None)()
    print(new.live.state.selected, sum(new.live.state.dropped.values()) > 0, slept)
    runtime.shutdown(1.0, wait=False)
""")


def test_no_request_sleeps_even_when_the_buffer_is_full() -> None:
    """W38: seen from inside the interpreter, for ASGI and WSGI."""
    with ShadowServer(BEHAVIOURS["frozen"]) as shadow:
        done = subprocess.run(
            [sys.executable, "-c", SERVES_WATCHED, shadow.url],
            cwd=PACKAGE.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    assert "1000 True []\n" == done.stdout


def test_identical_answers_prove_that_the_stage_works() -> None:
    """Else the counts above would hold for an agent that does nothing."""
    with (
        ShadowServer(
            answering(Reply(200, ((b"content-type", b"text/plain"),), b"no"))
        ) as s,
        collect() as outcomes,
        serving(shadow_url=s.url, engine="thread", **PATIENT) as live,
    ):
        live.ask()
        assert {Outcome.DIVERGENCE: 1} == outcomes.wait_for(1)
