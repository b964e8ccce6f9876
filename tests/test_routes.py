"""Routes: what each framework lists is what its requests are found under, end to end."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import flask
import pytest
from django.test import override_settings
from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from litestar import Litestar, get
from litestar.params import FromPath
from quart import Quart
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.testclient import TestClient

from shadow_middleware import runtime
from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.django.listing import list_routes
from shadow_middleware.flask import Shadow
from shadow_middleware.handoff.census import Census
from shadow_middleware.knowledge import KnownRoute
from shadow_middleware.live import LiveSide
from shadow_middleware.report.coverage import Gap, Why, coverage_of
from shadow_middleware.settings import load
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import Reply, ShadowServer
from shadow_middleware.wsgi import ShadowMiddleware as WsgiMiddleware
from tests.django.serving import asgi as django_asgi
from tests.django.serving import wsgi as django_wsgi
from tests.fakes import RecordingHandoff, recording_live
from tests.test_flask import make_app
from tests.test_runtime import until
from tests.test_wsgi import call, environ_for

URL = "http://shadow.test"
OURS = "shadow_middleware.django.ShadowMiddleware"
MARK = "5f3a-1c;hop=1"


@pytest.fixture(autouse=True)
def _no_runtime_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test begins with no runtime and ends what it started."""
    monkeypatch.setattr(runtime, "_handoffs", {})
    yield
    runtime.shutdown(5.0)


def listed(handoff: RecordingHandoff) -> set[str]:
    """Return what the routers list that were asked so far."""
    handoff.census.list_routes()
    return set(handoff.census.routes)


def used(census: Census) -> dict[tuple[str, int], int]:
    """Return how often each route answered with each class of status."""
    return {(use.route, use.status_class): use.count for use in census.take()}


def captured(handoff: RecordingHandoff) -> list[str]:
    """Return the routes of what was captured."""
    return [f"{capture.method} {capture.route}" for capture in handoff.captures]


# --- ASGI ----------------------------------------------------------------------------


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("plain")


class Thing(HTTPEndpoint):
    async def get(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("thing")

    async def delete(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("gone")


async def listen(websocket: Any) -> None: ...


def starlette_app(**options: Any) -> Starlette:
    within = [Route("/c/{b}", plain), Mount("/{deep}", routes=[Route("/d", plain)])]
    return Starlette(
        routes=[
            Route("/a/{number:int}", plain, methods=["GET", "POST"]),
            Route("/things/{name}", Thing),
            WebSocketRoute("/ws", listen),
            Mount("/m/{tenant}", routes=within),
            Mount("/raw", app=PlainTextResponse("raw")),
            Mount(
                "/wrapped", app=Mount("", app=Starlette(routes=[Route("/w", plain)]))
            ),
            Host("{sub}.hosted.test", app=Starlette(routes=[Route("/h", plain)])),
        ],
        **options,
    )


STARLETTE = {
    "GET /a/{number}",
    "POST /a/{number}",
    "DELETE /things/{name}",
    "GET /things/{name}",
    "GET /m/{tenant}/c/{b}",
    "GET /m/{tenant}/{deep}/d",
    "* /raw/{path}",
    "GET /wrapped/w",
    "GET /h",
}


def in_front(app: Any) -> tuple[Any, RecordingHandoff]:
    """Return the app with our middleware around it, and what records."""
    middleware = ShadowMiddleware(app, shadow_url=URL)
    meeting = middleware.live.meeting
    middleware.live, handoff = recording_live()
    middleware.live.meeting = meeting
    return middleware, handoff


def test_starlette_lists_what_its_requests_are_found_under() -> None:
    """Mounts, hosts and class endpoints; WebSockets are no routes of ours."""
    app, handoff = in_front(starlette_app())
    client = TestClient(app)
    for path in (
        "/a/7",
        "/things/x",
        "/m/acme/c/1",
        "/m/acme/inner/d",
        "/raw/any/file",
    ):
        client.get(path)
    client.get("/wrapped/w")
    client.get("http://one.hosted.test/h")

    assert STARLETTE == listed(handoff)
    assert [
        "GET /a/{number}",
        "GET /things/{name}",
        "GET /m/{tenant}/c/{b}",
        "GET /m/{tenant}/{deep}/d",
        "GET /raw/{path}",
        "GET /wrapped/w",
        "GET /h",
    ] == captured(handoff)


@pytest.mark.parametrize("path", ["/nowhere", "/m/acme/c/no/where"])
def test_what_no_router_knows_has_no_route(path: str) -> None:
    """A mount whose own router found nothing is none."""
    app, handoff = in_front(starlette_app())
    TestClient(app).get(path)

    assert ["GET (no route)"] == captured(handoff)


def fastapi_app() -> FastAPI:
    app, sub, inner, outer = FastAPI(), FastAPI(), APIRouter(prefix="/in"), APIRouter()

    @inner.get("/{x}")
    def show(x: str) -> str:
        return x

    @app.put("/own/{key}")
    def own(key: str) -> str:
        return key

    outer.include_router(inner, prefix="/mid")
    app.include_router(outer, prefix="/one")
    app.include_router(inner, prefix="/two")
    sub.include_router(inner, prefix="/deep")
    app.mount("/sub/{tenant}", sub)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent))
    return app


def test_fastapi_lists_included_routers_with_their_prefixes() -> None:
    """Two inclusions of one router are two routes, and no request mixes them up."""
    app, handoff = in_front(fastapi_app())
    client = TestClient(app)
    paths = ["/one/mid/in/1", "/two/in/1", "/sub/acme/deep/in/1", "/docs"]
    for path in [*paths, "/static/test_routes.py", "/openapi.json"]:
        assert 200 == client.get(path).status_code
    found = listed(handoff)

    assert [
        "GET /one/mid/in/{x}",
        "GET /two/in/{x}",
        "GET /sub/{tenant}/deep/in/{x}",
        "GET /docs",
        "GET /static/{path}",
        "GET /openapi.json",
    ] == captured(handoff)
    assert {
        "GET /one/mid/in/{x}",
        "GET /two/in/{x}",
        "GET /sub/{tenant}/deep/in/{x}",
        "PUT /own/{key}",
        "* /static/{path}",
    } == found  # FastAPI's own pages are there as well, and nobody has to ask for them


def test_litestar_lists_its_templates() -> None:
    """As its requests are found under them; its schema's routes are there too."""

    @get("/users/{number:int}")
    async def user(number: FromPath[int]) -> str:
        return str(number)

    app, handoff = in_front(Litestar([user]))
    TestClient(app).get("/users/7")

    assert ["GET /users/{number}"] == captured(handoff)
    assert "GET /users/{number}" in listed(handoff)


def test_an_app_that_cannot_be_asked_is_unknown() -> None:
    """Quart leaves no template in the scope, so that what it lists would fit nothing."""
    app, handoff = in_front(Quart("live"))
    asyncio.run(ask_asgi(app))

    assert set() == listed(handoff)
    assert ["GET "] == captured(handoff)


@pytest.mark.parametrize("inside", [True, False])
def test_the_router_is_found_from_wherever_the_middleware_stands(inside: bool) -> None:
    """Within the app's own stack or around it, at the start of the app."""
    if inside:
        app: Any = starlette_app(
            middleware=[Middleware(ShadowMiddleware, shadow_url=URL)]
        )
    else:
        app = ShadowMiddleware(starlette_app(), shadow_url=URL)
    with TestClient(app):
        pass
    (handoff,) = runtime._handoffs.values()
    handoff.census.list_routes()

    assert STARLETTE == set(handoff.census.routes)


def test_behind_a_middleware_that_hides_its_app_the_scope_knows_the_router() -> None:
    """A function around the rest of the stack has no `.app`."""

    def hiding(app: Any) -> Any:
        async def call(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)

        return call

    app = starlette_app(
        middleware=[Middleware(ShadowMiddleware, shadow_url=URL), Middleware(hiding)]
    )
    with TestClient(app):
        pass
    (handoff,) = runtime._handoffs.values()
    handoff.census.list_routes()

    assert STARLETTE == set(handoff.census.routes)


def test_a_mounted_app_with_a_middleware_of_its_own_knows_where_it_is() -> None:
    """Its routes are listed, and its requests found, with the mount's path."""
    ours, handoff = in_front(Starlette(routes=[Route("/a", plain)]))
    TestClient(Starlette(routes=[Mount("/v1/{t}", app=ours)])).get("/v1/x/a")

    assert ["GET /v1/{t}/a"] == captured(handoff)
    assert {"GET /v1/{t}/a"} == listed(handoff)


async def ask_asgi(app: Any, method: str = "GET", path: str = "/") -> list[Any]:
    """Serve one request as a server would; return what was sent."""
    sent: list[Any] = []

    requests = iter([{"type": "http.request"}])

    async def receive() -> Any:
        return next(requests, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"live.test")],
    }
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({"methods": ["PUT"]}, "GET"),
        ({"exclude": ["/**"]}, "GET"),
        ({"skip": lambda scope: True}, "GET"),
        ({"exclude_routes": ["/a/*"]}, "GET"),
        ({"content_types": ["image/*"]}, "GET"),
    ],
)
def test_requests_that_are_not_mirrored_are_counted(
    settings: dict[str, Any], method: str
) -> None:
    """Whatever keeps them out, under their template and their class of status."""
    app, handoff = in_front(starlette_app())
    app.live, handoff = recording_live(**settings)
    client = TestClient(app)
    client.request(method, "/a/7")
    client.request(method, "/a/8")

    assert [] == captured(handoff)
    assert {("GET /a/{number}", 2): 2} == used(handoff.census)


def test_what_the_app_raises_is_counted_and_reaches_the_server() -> None:
    """As class 0, where there is no answer at all."""

    async def raises(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("from the app")

    app, handoff = in_front(raises)
    with pytest.raises(LookupError, match="from the app"):
        asyncio.run(ask_asgi(app, "BREW", "/pot"))

    assert {("BREW /pot", 0): 1} == used(handoff.census)


def test_a_look_passes_the_very_messages_on() -> None:
    """Odd ones as well: what they break is between the app and its server."""
    messages: list[Any] = [
        {"type": "http.response.start", "status": "odd", "headers": iter([])},
        {"no": "type"},
        {"type": "http.response.body", "body": b""},
    ]

    async def odd(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    app, handoff = in_front(odd)
    sent = asyncio.run(ask_asgi(app, "BREW"))

    assert all(one is other for one, other in zip(messages, sent, strict=True))
    assert {} == used(handoff.census)
    assert {"look": 1, "census": 1} == dict(app.live.faults)


def test_copies_are_no_live_traffic() -> None:
    """A live app that is somebody's shadow counts its own clients."""
    app, handoff = in_front(starlette_app())
    copy = {"X-Shadow-Request": MARK}
    TestClient(app).delete("/things/x", headers=copy)
    call_wsgi, wsgi_handoff = wsgi_in_front(make_app())
    call(
        call_wsgi,
        environ_for("/echo", REQUEST_METHOD="PUT", HTTP_X_SHADOW_REQUEST=MARK),
    )

    assert ({}, {}) == (used(handoff.census), used(wsgi_handoff.census))


@pytest.mark.parametrize(
    ("marker", "told"), [("test-1f;hop=1", 1), (MARK, 0), ("test-1f", 0)]
)
def test_a_copy_of_its_own_request_is_told_of_once(
    caplog: pytest.LogCaptureFixture, marker: str, told: int
) -> None:
    """An app whose target is itself would agree with itself; it is not mirrored again."""
    app, handoff = in_front(starlette_app())
    client = TestClient(app)
    for _ in range(3):
        assert (
            200 == client.get("/a/7", headers={"X-Shadow-Request": marker}).status_code
        )

    said = [one for one in caplog.messages if "compared with itself" in one]
    assert told == len(said)
    assert (0 if ";" in marker else 3) == len(handoff.captures)


@pytest.mark.parametrize("settings", [{"rate": 0}, {"enabled": False}])
def test_a_middleware_that_mirrors_nothing_looks_at_nothing(
    settings: dict[str, Any],
) -> None:
    """Neither at requests nor at routers."""
    app, handoff = in_front(starlette_app())
    meeting = app.live.meeting
    app.live, handoff = recording_live(**settings)
    app.live.meeting = meeting
    with TestClient(app) as client:
        client.get("/a/7")

    assert (set(), {}) == (listed(handoff), used(handoff.census))


# --- WSGI, Flask, Django -------------------------------------------------------------


def wsgi_in_front(app: Any, **settings: Any) -> tuple[Any, RecordingHandoff]:
    """Return the WSGI app with our middleware around it, and what records."""
    middleware = WsgiMiddleware(app, shadow_url=URL)
    meeting = middleware.live.meeting
    middleware.live, handoff = recording_live(**settings)
    middleware.live.meeting = meeting
    return middleware, handoff


FLASK = {
    "GET /users/<int:number>",
    "POST /echo",
    "GET /stream",
    "GET /file",
    "GET /fail",
    "GET /static/<path:filename>",
}


def installed(app: flask.Flask) -> RecordingHandoff:
    """Have Flask's extension wrap the app, and record."""
    Shadow(app, shadow_url=URL)
    middleware = app.extensions["shadow_middleware"]
    meeting = middleware.live.meeting
    middleware.live, handoff = recording_live()
    middleware.live.meeting = meeting
    return handoff


def by_hand(app: flask.Flask) -> RecordingHandoff:
    """Wrap the app as any WSGI app is, and record."""
    app.wsgi_app, handoff = wsgi_in_front(app.wsgi_app)  # type: ignore[method-assign]
    return handoff


@pytest.mark.parametrize("install", [installed, by_hand])
def test_flask_lists_its_rules(
    install: Callable[[flask.Flask], RecordingHandoff],
) -> None:
    """The very text that its requests are found under."""
    app = make_app()
    handoff = install(app)
    app.test_client().get("/users/7").close()
    app.test_client().get("/stream").close()

    assert FLASK == listed(handoff)
    assert ["GET /users/<int:number>", "GET /stream"] == captured(handoff)


def test_a_flask_app_is_freed_though_its_routes_wait_to_be_listed() -> None:
    """With its last reference, as Flask promises, and not by the collector."""
    app = make_app()
    handoff = installed(app)
    app.test_client().get("/users/7").close()
    gone = weakref.ref(app)
    gc.disable()
    try:
        del app
        assert gone() is None
    finally:
        gc.enable()

    assert set() == listed(handoff)


def test_requests_that_flask_does_not_mirror_are_counted() -> None:
    """By rule; what no rule knows by its path, what is raised as class 5 or 0."""
    app = make_app()
    handoff = installed(app)
    client = app.test_client()
    for path in ("/echo", "/echo", "/nowhere/at all"):
        client.post(path, data=b"x").close()
    middleware = app.extensions["shadow_middleware"]
    middleware.live, handoff_2 = recording_live(methods=["PUT"])
    client.get("/stream").close()
    client.get("/fail").close()
    app.testing = True
    with pytest.raises(RuntimeError, match="from the view"):
        client.get("/fail")

    assert {
        ("POST /echo", 2): 2,
        ("POST /nowhere/at all", 4): 1,
    } == used(handoff.census)
    assert {
        ("GET /stream", 2): 1,
        ("GET /fail", 5): 1,
        ("GET /fail", 0): 1,
    } == used(handoff_2.census)


def test_of_two_middlewares_one_counts() -> None:
    """The inner one leaves alone what the outer one has looked at."""
    inner, seen_within = wsgi_in_front(make_app(), skip=lambda environ: True)
    outer, seen = wsgi_in_front(inner, skip=lambda environ: True)
    call(outer, environ_for("/users/7"))

    assert {("GET /users/<int:number>", 2): 1} == used(seen.census)
    assert {} == used(seen_within.census)


@pytest.fixture
def django_handoff(monkeypatch: pytest.MonkeyPatch) -> RecordingHandoff:
    """Have Django's middleware record."""
    handoff = RecordingHandoff()
    monkeypatch.setattr(
        "shadow_middleware.django.middleware.live_side",
        lambda settings: LiveSide(settings, handoff),
    )
    return handoff


@pytest.mark.parametrize("serve", [django_wsgi, django_asgi])
def test_django_lists_its_patterns(
    serve: Any, django_handoff: RecordingHandoff
) -> None:
    """The very text that its requests are found under, once they have been read."""
    settings = {"shadow_url": URL, "methods": ["GET"]}
    with override_settings(
        MIDDLEWARE=[OURS], SHADOW_MIDDLEWARE=settings, ROOT_URLCONF="tests.django.urls"
    ):
        assert list_routes() is None
        for path in ("/", "/items/7/", "/shop/old/2024/", "/shop/view/x/", "/nowhere"):
            serve("GET", path)
        serve("POST", "/shop/view/x/")
        found = listed(django_handoff)

    assert {
        "* /",
        "* /items/<int:number>/",
        "* /shop/old/(?P<year>[0-9]{4})/$",
        "GET /shop/view/<slug:name>/",
        "PUT /shop/view/<slug:name>/",
    } == found
    assert [
        "GET /",
        "GET /items/<int:number>/",
        "GET /shop/old/(?P<year>[0-9]{4})/$",
        "GET /shop/view/<slug:name>/",
        "GET ",
    ] == captured(django_handoff)
    assert {("POST /shop/view/<slug:name>/", 4): 1} == used(django_handoff.census)


def test_django_lists_prefixes_and_translations_of_stated_languages() -> None:
    """Of Django's own hundred languages only the project's."""
    from django.urls import get_resolver

    stated = {"LANGUAGES": [("en", "English"), ("de", "German")]}
    with override_settings(ROOT_URLCONF="tests.django.urls_i18n"):
        assert get_resolver().url_patterns
        found = list(list_routes() or ())
    with override_settings(ROOT_URLCONF="tests.django.urls_i18n", **stated):
        assert get_resolver().url_patterns
        both = list(list_routes() or ())

    assert ["* /en-us/items/<int:number>/", "* /Monday"] == found
    assert {
        "* /en/items/<int:number>/",
        "* /Monday",
        "* /de/items/<int:number>/",
        "* /Montag",
    } == set(both)


def test_a_late_decision_is_counted_as_well(django_handoff: RecordingHandoff) -> None:
    """Where the user decides, it is known only when live has answered."""
    settings = {"shadow_url": URL, "key": lambda request: "ada", "rate": 0.0001}
    with override_settings(MIDDLEWARE=[OURS], SHADOW_MIDDLEWARE=settings):
        django_wsgi("GET", "/items/7/")

    assert [] == captured(django_handoff)
    assert {("GET /items/<int:number>/", 2): 1} == used(django_handoff.census)


# --- end to end ----------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["thread", "agent"])
def test_coverage_goes_all_the_way_to_the_store(engine: str, tmp_path: Path) -> None:
    """Routes, uses that were mirrored and uses that were not, and what is missing."""
    store = f"sqlite:///{tmp_path}/store.db"
    answer = Reply(200, ((b"content-type", b"text/plain; charset=utf-8"),), b"plain")
    with ShadowServer(answer) as shadow:
        settings: dict[str, Any] = {"shadow_url": shadow.url, "store_url": store}
        app = ShadowMiddleware(starlette_app(), engine=engine, **settings)
        with TestClient(app) as client:
            for number in range(3):
                client.get(f"/a/{number}")
                client.post(f"/a/{number}")
            client.get("/nowhere")
            until(lambda: shadow.wait_for(4))
        assert runtime.shutdown(90.0)

    with closing(SqlStore(store)) as reader:
        known, uses, totals = reader.routes(), reader.uses(), reader.totals()
    coverage = coverage_of(known, uses, totals)
    assert STARLETTE == {route.route for route in known}
    assert {
        ("GET /a/{number}", 2, 3, 3),
        ("POST /a/{number}", 2, 3, 0),
        ("GET (no route)", 4, 1, 1),
    } == {(use.route, use.status_class, use.seen, use.mirrored) for use in uses}
    (target,) = coverage.targets
    assert (len(STARLETTE), 1, 7, 4) == (
        target.known,
        target.exercised,
        target.seen,
        target.covered,
    )
    assert Gap("POST /a/{number}", Why.UNMIRRORED, 3) == target.gaps[0]


def test_a_process_that_comes_later_lists_its_routes_again(tmp_path: Path) -> None:
    """After a shutdown, and for each new agent; the time is that of the last."""
    store = f"sqlite:///{tmp_path}/store.db"
    with ShadowServer(Reply(200, (), b"plain")) as shadow:
        app = ShadowMiddleware(
            starlette_app(), engine="thread", shadow_url=shadow.url, store_url=store
        )
        listings: list[list[KnownRoute]] = []
        for _ in range(2):
            with TestClient(app) as client:
                client.get("/a/1")
            assert runtime.shutdown(90.0)
            with closing(SqlStore(store)) as reader:
                listings.append(reader.routes())

    first, second = listings
    assert len(STARLETTE) == len(first) == len(second)
    assert all(a.at < b.at for a, b in zip(first, second, strict=True))


def test_settings_are_all_that_the_live_side_needs() -> None:
    """A live side without an app to ask lists nothing and counts all the same."""
    live = LiveSide(load({"shadow_url": URL}), RecordingHandoff())
    live.meet(None)
    live.passed("POST", "", b"/raw/\xff", 201)

    assert live.census is not None
    assert {("POST /raw/\xff", 2): 1} == used(live.census)
