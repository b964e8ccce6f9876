"""
Between any ASGI app and any ASGI server, with us in the middle: the same objects in
the same order, on asyncio and on trio (W5 W35 W42 W45 W52).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio.lowlevel
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.live import LiveSide
from tests.fakes import recorded
from tests.transparency.desk import ANY_METHOD, live_side

Message = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]
Step = tuple[str, Any]

PAIRS = [(b"content-type", b"text/plain"), (b"x-twice", b"1"), (b"x-twice", b"2")]


class Gone(OSError):
    """What a server raises in `send` when the client has left."""


class Server:
    """Gives scripted messages, and writes down what it is sent."""

    def __init__(self, incoming: list[Message], gone_after: int) -> None:
        self._incoming = list(incoming)
        self._gone_after = gone_after
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        await anyio.lowlevel.checkpoint()
        return self._incoming.pop(0) if self._incoming else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        if len(self.sent) == self._gone_after:
            raise Gone
        self.sent.append(message)


class Script:
    """An app that does what a list of steps says, and writes down what it sees."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self.seen: list[object] = []

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        self.seen.append(scope)
        for kind, what in self._steps:
            if kind == "send":
                self.seen.append(await send(what))
            elif kind == "receive":
                self.seen.append(await receive())
            else:
                raise what


Seen = tuple[list[int], list[int], BaseException | None]


def play(
    steps: list[Step],
    scope: Message,
    incoming: list[Message],
    gone_after: int,
    run: Callable[..., Any],
    live: LiveSide | None = None,
) -> tuple[Server, Script, BaseException | None]:
    """Run the script against the server, with us in between if a live side is given."""
    server, script = Server(incoming, gone_after), Script(steps)
    app: App = script
    if live is not None:
        middleware = ShadowMiddleware(script, shadow_url="http://127.0.0.1:9")
        middleware.live = live
        app = middleware
    raised: list[BaseException] = []

    async def serve() -> None:
        try:
            await app(scope, server.receive, server.send)
        except BaseException as error:  # noqa: BLE001 -- what is raised is compared
            raised.append(error)

    run(serve)
    return server, script, raised[0] if raised else None


def on_asyncio(serve: Callable[[], Any]) -> None:
    asyncio.run(serve())


LOOPS: dict[str, Callable[..., Any]] = {"asyncio": on_asyncio, "trio": trio.run}

bodies = st.binary(max_size=30) | st.binary(max_size=30).map(bytearray)
starts = st.fixed_dictionaries(
    {"type": st.just("http.response.start"), "status": st.integers(100, 599)},
    optional={
        "headers": st.just(PAIRS) | st.just(tuple(PAIRS)) | st.just([]),
        "trailers": st.booleans(),
    },
)
parts = st.fixed_dictionaries(
    {"type": st.just("http.response.body")},
    optional={"body": bodies, "more_body": st.booleans()},
)
extras = st.sampled_from(
    [
        {"type": "http.response.trailers", "headers": PAIRS, "more_trailers": False},
        {"type": "http.response.trailers", "headers": [], "more_trailers": True},
        {"type": "http.response.early_hint", "links": [b"</a>; rel=preload"]},
        {"type": "http.response.pathsend", "path": "/tmp/file"},
        {"type": "http.response.zerocopysend", "file": 3, "more_body": True},
        {"type": "http.response.zerocopysend", "file": 3},
        {"type": "http.response.debug", "info": {}},
        {"type": "http.response.push", "path": "/a", "headers": []},
        {"type": "unheard.of"},
        {"no": "type"},
        {"type": "http.response.body", "body": "no bytes"},
        {"type": "http.response.body", "body": None},
        {"type": "http.response.start"},
        {"type": "http.response.start", "status": "odd", "headers": None},
    ]
)
steps_of_an_app = st.lists(
    st.tuples(st.just("send"), st.one_of(starts, parts, parts, extras))
    | st.tuples(st.just("receive"), st.none())
    | st.tuples(
        st.just("raise"), st.sampled_from([ValueError("app"), SystemExit(3), Gone()])
    ),
    max_size=12,
)
messages_of_a_server = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("http.request")},
        optional={"body": st.binary(max_size=30), "more_body": st.booleans()},
    ),
    max_size=4,
)


def scope_of(method: str, **more: object) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"q=%2F",
        "root_path": "",
        "headers": [(b"host", b"live"), (b"content-length", b"3"), (b"cookie", b"a=1")],
        "extensions": {"http.response.pathsend": {}, "http.response.trailers": {}},
        "state": {},
        **more,
    }


@pytest.mark.parametrize("loop", LOOPS)
@given(
    steps=steps_of_an_app,
    method=st.sampled_from(ANY_METHOD),
    incoming=messages_of_a_server,
    gone_after=st.integers(0, 12),
)
def test_every_message_passes_as_the_object_it_is(
    loop: str,
    steps: list[Step],
    method: str,
    incoming: list[Message],
    gone_after: int,
) -> None:
    """W5 W42 W52: any sequence of messages, in any state, reaches the other side as is."""
    live, kept = live_side()
    scope = scope_of(method)
    extensions = scope["extensions"]
    run = LOOPS[loop]

    server, app, raised = play(steps, scope, incoming, gone_after, run)
    server2, app2, raised2 = play(steps, scope, incoming, gone_after, run, live)

    assert [id(message) for message in server.sent] == [id(m) for m in server2.sent]
    assert app.seen[0] is app2.seen[0] is scope
    assert app.seen == app2.seen
    assert extensions is scope["extensions"]
    assert same_error(raised, raised2)
    assert 1 == len(kept.offered)


def same_error(first: BaseException | None, second: BaseException | None) -> bool:
    """Whether both are the same: the very object, or equal where a server made it."""
    return first is second or (isinstance(first, Gone) and isinstance(second, Gone))


@pytest.mark.parametrize("loop", LOOPS)
@given(sent=st.lists(st.binary(max_size=40)), received=st.lists(st.binary(max_size=40)))
def test_what_is_captured_is_what_passed(
    loop: str, sent: list[bytes], received: list[bytes]
) -> None:
    """W45: however the bodies are split, the capture holds their bytes."""
    live, kept = live_side()
    incoming = [
        {"type": "http.request", "body": b, "more_body": True} for b in received
    ]
    steps: list[Step] = [("receive", None)] * (len(received) + 1)
    steps.append(
        ("send", {"type": "http.response.start", "status": 201, "headers": PAIRS})
    )
    steps += [
        ("send", {"type": "http.response.body", "body": body, "more_body": True})
        for body in sent
    ]
    steps.append(("send", {"type": "http.response.body"}))

    play(
        steps,
        scope_of("POST"),
        [*incoming, {"type": "http.request"}],
        99,
        LOOPS[loop],
        live,
    )

    (capture,) = kept.offered
    record = recorded(capture)
    assert b"".join(received) == body_of(record[8])
    assert b"".join(sent) == body_of(record[11])
    assert (201, tuple(PAIRS)) == (record[9], record[10])
    assert {"withheld": ("cookie",)} == record[13]


def body_of(place: Any) -> bytes:
    """Return the bytes of a body as a record has it; None is no body."""
    return place[0] if isinstance(place, tuple) else place or b""


def test_headers_that_can_be_read_once_reach_the_server() -> None:
    """W5: ASGI allows any iterable of headers, a generator too."""
    live, kept = live_side()
    message = {"type": "http.response.start", "status": 200, "headers": iter(PAIRS)}
    end = {"type": "http.response.body"}

    server, _, _ = play(
        [("send", message), ("send", end)], scope_of("GET"), [], 99, on_asyncio, live
    )

    assert PAIRS == list(server.sent[0]["headers"])
    assert PAIRS == list(kept.offered[0].response_headers)


def test_a_chunk_goes_to_the_server_before_the_app_goes_on() -> None:
    """W35: nothing is held back: `send` returns when the server has the message."""
    live, _ = live_side()
    order: list[str] = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(3):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            order.append(f"app {number}")

    async def send(message: Message) -> None:
        order.append(message["type"].rpartition(".")[2])

    async def receive() -> Message:
        raise NotImplementedError

    middleware = ShadowMiddleware(app, shadow_url="http://127.0.0.1:9")
    middleware.live = live
    asyncio.run(middleware(scope_of("GET"), receive, send))

    assert ["start", "body", "app 0", "body", "app 1", "body", "app 2"] == order


@pytest.mark.parametrize("kind", ["websocket", "lifespan", "unheard of"])
def test_other_protocols_pass_untouched(kind: str) -> None:
    """W35: WebSockets get the server's own callables; nothing of them is captured."""
    live, kept = live_side()
    given: list[object] = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        given.extend([scope, receive, send])

    async def receive() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        raise NotImplementedError

    scope = {"type": kind}
    middleware = ShadowMiddleware(app, shadow_url="http://127.0.0.1:9")
    middleware.live = live
    asyncio.run(middleware(scope, receive, send))

    assert given[0] is scope
    assert given[1] is receive
    assert (given[2] is send) == (kind != "lifespan")
    assert [] == kept.offered


class Spiteful:
    """Raises whenever it is looked at."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("spite")

    def __bool__(self) -> bool:
        raise RuntimeError("spite")


def raising(*args: object) -> Any:
    raise RuntimeError("ours")


FAULTS: dict[str, tuple[dict[str, Any], Exception | None, dict[str, Any]]] = {
    "skip raises": ({"skip": raising}, None, {}),
    "key raises": ({"key": raising}, None, {}),
    "key is no text": ({"key": lambda scope: Spiteful()}, None, {}),
    "hand-over raises": ({}, RuntimeError("no wall"), {}),
    "hand-over is out of memory": ({}, MemoryError(), {}),
    "the path is no bytes": ({}, None, {"raw_path": 5, "path": 5}),
    "the path is missing": ({}, None, {"path": None, "raw_path": None}),
    "headers are no pairs": ({}, None, {"headers": [b"one"]}),
    "the route raises": ({}, None, {"route": Spiteful()}),
    "the version is none": ({}, None, {"http_version": None}),
}
GOOD: list[Step] = [
    ("receive", None),
    ("send", {"type": "http.response.start", "status": 200, "headers": PAIRS}),
    ("send", {"type": "http.response.body", "body": b"a", "more_body": True}),
    ("send", {"type": "http.response.body", "body": b"b"}),
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_fault_of_ours_is_counted_and_live_is_intact(fault: str, method: str) -> None:
    """W5 W46: whatever raises on our side, the server gets the same and we know."""
    settings, error, oddities = FAULTS[fault]
    live, kept = live_side(error, **settings)
    scope = scope_of(method, **oddities)

    server, app, raised = play(GOOD, scope, [], 99, on_asyncio)
    server2, app2, raised2 = play(GOOD, scope, [], 99, on_asyncio, live)

    assert [id(message) for message in server.sent] == [id(m) for m in server2.sent]
    assert app.seen[1:] == app2.seen[1:]
    assert raised is raised2 is None
    assert live.faults.total() >= 1 or kept.offered


def test_faults_at_start_and_stop_leave_the_lifespan_alone() -> None:
    """W5: a hand-off that cannot start or stop is counted; the app starts and stops."""
    live, _ = live_side(RuntimeError("no agent"))
    kinds = [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
        "lifespan.startup.failed",
    ]
    sent: list[str] = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        for kind in kinds:
            await send({"type": kind})

    async def send(message: Message) -> None:
        sent.append(message["type"])

    middleware = ShadowMiddleware(app, shadow_url="http://127.0.0.1:9")
    middleware.live = live
    asyncio.run(middleware({"type": "lifespan"}, raising, send))

    assert kinds == sent
    assert {"start": 1, "flush": 1} == live.faults


class Awry:
    """A route of a framework whose path cannot be had."""

    @property
    def path(self) -> str:
        raise RuntimeError("ours")


def test_a_route_that_cannot_be_had_costs_a_count_and_not_the_exchange() -> None:
    """W5: the answer in one piece is handed over, without a route."""
    live, kept = live_side()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = Awry()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"whole"})

    async def send(message: Any) -> None:
        pass

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    middleware = ShadowMiddleware(app, shadow_url="http://127.0.0.1:9")
    middleware.live = live
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b""}
    asyncio.run(middleware(scope | {"headers": []}, receive, send))

    assert [("", b"whole")] == [(one.route, one.response) for one in kept.offered]
    assert {"route": 1} == live.faults
