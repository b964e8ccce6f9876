"""The apps that `live_path.py` loads: the same JSON answer, many frameworks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

ITEM: dict[str, Any] = {
    "id": 7,
    "name": "a thing of the shop",
    "tags": [f"tag-{n}" for n in range(40)],
    "prices": [{"currency": c, "amount": n * 1.5} for n, c in enumerate("ABCDEFGH")],
    "text": "x" * 250,
}


def starlette_app() -> Any:
    """A bare Starlette app with one JSON route."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def item(request: Any) -> Any:
        return JSONResponse(ITEM)

    return Starlette(routes=[Route("/item", item)])


def fastapi_app() -> Any:
    """A FastAPI app with parameters, a dependency and a model."""
    from benchmarks.live_fastapi import app

    return app


def flask_app() -> Any:
    """A Flask app with one JSON route."""
    from flask import Flask, jsonify

    app = Flask(__name__)

    @app.get("/item")
    def item() -> Any:
        return jsonify(ITEM)

    return app


def django_app(**shadow: Any) -> Any:
    """A Django project with one JSON route, mirrored if told whereto."""
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, JsonResponse
    from django.urls import path

    def item(request: HttpRequest) -> JsonResponse:
        return JsonResponse(ITEM)

    ours = ["shadow_middleware.django.ShadowMiddleware"] if shadow else []
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="benchmark",
        SHADOW_MIDDLEWARE=shadow,
        MIDDLEWARE=[*ours, "django.middleware.common.CommonMiddleware"],
    )
    globals()["urlpatterns"] = [path("item", item)]
    return get_wsgi_application()


class PassThrough:
    """A do-nothing ASGI layer: what any middleware costs."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Call the app."""
        await self.app(scope, receive, send)


class Switch:
    """
    One server, many variants: `GET /use/NAME` switches, `GET /cost` reads the meter.

    Loaded in slices, so that all variants meet the same machine at the same time.
    """

    def __init__(self, app: Any) -> None:
        self._variants = {
            "bare": app,
            "pass": PassThrough(app),
            "rate 0": _mirrored(app, rate=0.0),
            "mirrored": _mirrored(app),
        }
        self._app = app
        self._served = 0
        self._cpu = time.process_time_ns()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve, switch or tell."""
        if scope["type"] != "http":
            await self._variants["bare"](scope, receive, send)
            return
        path = scope["path"]
        if path == "/item":
            self._served += 1
            await self._app(scope, receive, send)
            return
        if path.startswith("/use/"):
            self._app = self._variants[path.removeprefix("/use/")]
            self._served, self._cpu = 0, time.process_time_ns()
        cost = [self._served, time.process_time_ns() - self._cpu]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(cost).encode()})


def _mirrored(app: Any, **settings: Any) -> Any:
    """Wrap the app; what it hands over is read and thrown away by another process."""
    from shadow_middleware.asgi import ShadowMiddleware
    from shadow_middleware.handoff.agent_socket import AgentSocket
    from shadow_middleware.handoff.codec import Hello
    from shadow_middleware.handoff.spawn import KERNEL_BUFFER

    middleware = ShadowMiddleware(app, shadow_url="http://127.0.0.1:9", **settings)
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
    sink = "import socket,sys\ns=socket.socket(fileno=int(sys.argv[1]))\nwhile s.recv(1<<18): pass"
    subprocess.Popen(
        [sys.executable, "-c", sink, str(theirs.fileno())],
        pass_fds=(theirs.fileno(),),
        preexec_fn=lambda: os.sched_setaffinity(0, {os.cpu_count() - 1}),  # type: ignore[operator]
    )
    theirs.close()
    handoff = AgentSocket(_NoKeeper, max_bytes=1 << 24, max_count=20_000)
    handoff.attach(ours, Hello(1, handoff.session, b"", 0.0, 0, 0))
    middleware.live.handoff = handoff
    return middleware


class _NoKeeper:
    """Keeps nothing: the reader is there already."""

    def __init__(self, handoff: Any) -> None:
        pass

    def start(self) -> None:
        """Do nothing."""

    def close(self, timeout: float, *, wait: bool) -> bool:
        """Do nothing."""
        return True


def make() -> Any:
    """Return the app that the environment names."""
    app = {
        "starlette": starlette_app,
        "fastapi": fastapi_app,
        "flask": flask_app,
        "django": django_app,
    }[os.environ["BENCH_APP"]]
    shadow = json.loads(os.environ.get("BENCH_SHADOW", "{}"))
    if os.environ["BENCH_APP"] == "django":
        return app(**shadow)
    made = app()
    if os.environ.get("BENCH_SWITCH"):
        return Switch(made)
    if not shadow:
        return made
    if os.environ["BENCH_APP"] == "flask":
        from shadow_middleware.flask import Shadow

        Shadow(made, **shadow)
        return made
    from shadow_middleware.asgi import ShadowMiddleware

    return ShadowMiddleware(made, **shadow)
