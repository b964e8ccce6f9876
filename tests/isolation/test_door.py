"""Who counts as a copy: a signed, fresh marker that was not seen before."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.errors import ConfigurationError, ReadOnlyError
from shadow_middleware.isolation import SeenHere, SeenInFile, current, is_shadow
from shadow_middleware.isolation.asgi import Isolation as AsgiIsolation
from shadow_middleware.isolation.door import Door
from shadow_middleware.isolation.wsgi import Isolation as WsgiIsolation
from shadow_middleware.transform.marker import make

SECRET = "for tests only"
NOW = 1_700_000_000.0


def door(**options: Any) -> Door:
    """A door whose clock stands still."""
    return Door(SECRET, clock=lambda: NOW, **options)


def marker(name: str = "a", *, at: float = NOW, secret: str = SECRET) -> bytes:
    """A marker as the live side makes it."""
    return make(name, secret=secret, at=at)


def test_a_signed_marker_is_a_copy_of_the_exchange_that_it_names() -> None:
    """What the live side sends is let in."""
    copy = door().admit([make("5f-1", hop=2, secret=SECRET, at=NOW)])

    assert copy is not None
    assert ("5f-1", 2) == (copy.id, copy.hop)


@pytest.mark.parametrize(
    "markers",
    [
        pytest.param([], id="none"),
        pytest.param([make("a")], id="unsigned"),
        pytest.param([marker(secret="another")], id="another secret"),
        pytest.param([marker(at=NOW - 61)], id="old"),
        pytest.param([marker(at=NOW + 61)], id="from the future"),
        pytest.param([marker("a"), marker("b")], id="two"),
        pytest.param([marker().replace(b"hop=1", b"hop=2")], id="changed"),
        pytest.param([b""], id="empty"),
    ],
)
def test_what_is_no_proof_has_no_effect(markers: list[bytes]) -> None:
    """W27: nobody from outside has writes undone or mail muted."""
    assert door().admit(markers) is None


@pytest.mark.parametrize("kind", ["here", "file"])
def test_a_replayed_marker_has_no_effect(kind: str, tmp_path: Path) -> None:
    """The very same value counts once; another signing of the exchange counts again."""
    memory = SeenHere() if kind == "here" else SeenInFile(tmp_path / "seen.db")
    ours = door(memory=memory)
    again = marker(at=NOW + 0.000_001)

    assert ours.admit([marker()]) is not None
    assert ours.admit([marker()]) is None
    assert ours.admit([again]) is not None  # a self-probe, a moment later
    assert ours.admit([again]) is None


@given(st.binary(max_size=120))
def test_no_bytes_come_in_without_the_secret(value: bytes) -> None:
    """W27: whatever a client sends, it is an ordinary request."""
    assert door().admit([value]) is None


@given(st.permutations(range(20)), st.integers(1, 5))
def test_a_full_memory_lets_nothing_in_twice(order: list[int], most: int) -> None:
    """What it had to forget, it takes for seen."""
    memory = SeenHere(most)
    taken = [
        number
        for number in [*order, *order]
        if memory.first(b"%d" % number, number, 1e9, 0.0)
    ]

    assert len(set(taken)) == len(taken)
    assert order[0] in taken


def test_what_is_too_old_to_count_is_forgotten() -> None:
    """The memory is as large as the window is long."""
    memory = SeenHere()
    for second in range(1000):
        assert memory.first(b"%d" % second, second, second + 10.0, second)

    assert 20 > len(memory._ages) == len(memory._seen)


def _admitted(path: str, value: bytes, results: Any) -> None:
    results.put(door(memory=path).admit([value]) is not None)


def test_processes_that_share_a_file_let_a_marker_in_once(tmp_path: Path) -> None:
    """Several workers of a shadow are one shadow."""
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    arguments = (str(tmp_path / "seen.db"), marker(), results)
    workers = [context.Process(target=_admitted, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()

    assert [False, False, True] == sorted(found)
    assert 0o600 == (tmp_path / "seen.db").stat().st_mode & 0o777


def test_threads_let_a_marker_in_once(tmp_path: Path) -> None:
    """However many ask at the same moment."""
    ours = door(memory=str(tmp_path / "seen.db"))
    values = [marker(str(number)) for number in range(20)]
    let_in: list[bytes] = []

    def come() -> None:
        let_in.extend(value for value in values if ours.admit([value]))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(values) == sorted(let_in)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secret": ""}, "needs the secret"),
        ({"secret": " "}, "needs the secret"),
        ({"secret": 7}, "needs the secret"),
        ({"max_age": 0}, "max_age is the seconds"),
        ({"max_age": "60"}, "max_age is the seconds"),
        ({"open_paths": "/health"}, "open_paths is a list"),
        ({"open_paths": 7}, "open_paths is a list"),
        ({"memory": 7}, "memory is a path"),
        ({"memory": "/no/such/folder/x"}, "cannot be used"),
    ],
)
def test_it_refuses_to_start_without_what_it_needs(
    options: dict[str, Any], words: str
) -> None:
    """A mistake shows at start-up, and says what would be right."""
    given = {"secret": SECRET} | options
    with pytest.raises(ConfigurationError, match=words):
        Door(given.pop("secret"), **given)


def test_the_secret_can_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """One variable for both sides."""
    monkeypatch.setenv("SHADOW_MIDDLEWARE_SECRET", SECRET)

    assert Door(clock=lambda: NOW).admit([marker()]) is not None


# --- the doors of both protocols ------------------------------------------------------

Answer = tuple[int, dict[str, str], bytes]


def fresh(name: str = "a") -> bytes:
    """A marker for the clock on the wall."""
    import time

    return make(name, secret=SECRET, at=time.time())


class Seen:
    """What an app saw of its request."""

    def __init__(self) -> None:
        self.shadow: list[bool] = []
        self.undone: list[str] = []

    def look(self) -> None:
        self.shadow.append(is_shadow())
        copy = current()
        if copy is not None and len(self.shadow) == 1:
            copy.at_end(lambda: self.undone.append("first"))
            copy.at_end(lambda: self.undone.append("last"))


def by_asgi(seen: Seen, value: bytes | None, path: str = "/", **options: Any) -> Answer:
    """Serve one streamed answer over ASGI."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.look()
        if path == "/refused":
            refuse()
        await asyncio.create_task(_noted(seen))
        await asyncio.to_thread(seen.look)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        assert [] == seen.undone
        await send({"type": "http.response.body", "body": b"b"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if value is None else [(b"x-shadow-request", value)]
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(AsgiIsolation(app, secret=SECRET, **options)(scope, None, send))  # type: ignore[arg-type]
    told = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(m.get("body", b"") for m in sent)


async def _noted(seen: Seen) -> None:
    seen.look()


def by_wsgi(seen: Seen, value: bytes | None, path: str = "/", **options: Any) -> Answer:
    """Serve one streamed answer over WSGI."""
    head: list[Any] = []

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        seen.look()
        if path == "/refused":
            refuse()
        start_response("200 OK", [])
        return chunks()

    def chunks() -> Iterator[bytes]:
        seen.look()
        yield b"a"
        seen.look()
        assert [] == seen.undone
        yield b"b"

    environ: dict[str, Any] = {"PATH_INFO": path}
    if value is not None:
        environ["HTTP_X_SHADOW_REQUEST"] = value.decode()
    served = WsgiIsolation(app, secret=SECRET, **options)
    answer = served(environ, lambda *args: head.extend(args))  # type: ignore[arg-type]
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    told = {name.lower(): text for name, text in head[1]}
    return int(head[0][:3]), told, body


def refuse() -> None:
    """Fail as a database does that may only be read."""
    copy = current()
    if copy is not None:
        copy.refuse(ReadOnlyError.reason)
    raise RuntimeError("cannot write")


by_both = pytest.mark.parametrize("serve", [by_asgi, by_wsgi])


@by_both
def test_all_of_a_copy_is_a_copy_and_is_undone_after_the_last_byte(serve: Any) -> None:
    """Its tasks, threads and stream too; the last that was done is undone first."""
    seen = Seen()

    assert (200, {}, b"ab") == serve(seen, fresh())
    assert [True, True, True] == seen.shadow
    assert ["last", "first"] == seen.undone
    assert not is_shadow()


@by_both
@pytest.mark.parametrize("value", [None, make("a"), marker("a")])
def test_an_ordinary_request_is_served_as_ever(serve: Any, value: bytes | None) -> None:
    """Unsigned and outdated markers change nothing, and nothing is undone."""
    seen = Seen()

    assert (200, {}, b"ab") == serve(seen, value)
    assert [False, False, False] == seen.shadow
    assert [] == seen.undone


@by_both
def test_only_copies_come_in_where_that_is_wanted(serve: Any) -> None:
    """All others are answered with 403, but for the paths that are named."""
    options: dict[str, Any] = {"only_shadow": True, "open_paths": ["/health"]}
    seen = Seen()

    assert 403 == serve(seen, make("a"), **options)[0]
    assert [] == seen.shadow
    assert 200 == serve(Seen(), None, "/health", **options)[0]
    assert 200 == serve(Seen(), fresh(), **options)[0]


@by_both
def test_a_write_that_was_refused_is_told_to_the_live_side(serve: Any) -> None:
    """By a header and a clear answer, so that it is no divergence there."""
    seen = Seen()
    status, told, body = serve(seen, fresh(), "/refused")

    assert (503, "read_only") == (status, told["x-shadow-refused"])
    assert b"a write of this copy was refused: read_only" in body
    assert ["last", "first"] == seen.undone


@by_both
def test_an_app_that_fails_by_itself_fails_as_ever(serve: Any) -> None:
    """Its own mistake is not taken for a refused write."""
    with pytest.raises(RuntimeError, match="cannot write"):
        serve(Seen(), None, "/refused")


def test_a_websocket_is_not_let_in_where_only_copies_are() -> None:
    """Nothing mirrors one, so none is a copy."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    ours = AsgiIsolation(None, secret=SECRET, only_shadow=True)  # type: ignore[arg-type]
    scope = {"type": "websocket", "path": "/", "headers": []}
    asyncio.run(ours(scope, None, send))  # type: ignore[arg-type]

    assert [{"type": "websocket.close", "code": 1008}] == sent
