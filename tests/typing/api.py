"""
The user's view of our types. Checked by mypy in `scripts/lint`, never executed.

Each line is something that users write, in the way the documentation shows it.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware

import shadow_middleware
from shadow_middleware import ConfigurationError, Rule, Settings, Target, signals
from shadow_middleware.asgi import ShadowMiddleware as AsgiMiddleware
from shadow_middleware.flask import Shadow
from shadow_middleware.signals import divergence_found
from shadow_middleware.wsgi import ShadowMiddleware as WsgiMiddleware

fastapi_app = FastAPI()
fastapi_app.add_middleware(AsgiMiddleware, shadow_url="http://127.0.0.1:9000", rate=0.1)

starlette_app = Starlette(
    middleware=[Middleware(AsgiMiddleware, shadow_url="http://127.0.0.1:9000")]
)

targets = (Target(url="http://127.0.0.1:9000", name="rewrite", concurrency=8),)
rules = (Rule(action="ignore", path="/**/id", route="GET /users/{id}"),)
wrapped = AsgiMiddleware(starlette_app, targets=targets, rules=rules)

flask_app = Flask(__name__)
Shadow(flask_app, shadow_url="http://127.0.0.1:9000")
Shadow(shadow_url="http://127.0.0.1:9000").init_app(flask_app)

wsgi_app = WsgiMiddleware(flask_app.wsgi_app, shadow_url="http://127.0.0.1:9000")

settings: Settings = shadow_middleware.Settings(shadow_url="http://127.0.0.1:9000")
error: type[Exception] = ConfigurationError
version: str = shadow_middleware.__version__


@divergence_found.connect
def alert(sender: Any, *, event: dict[str, Any]) -> None:
    print(event["route"])  # noqa: T201  # what the documentation shows


@signals.replay_finished.connect
def count(sender: Any, *, event: dict[str, Any]) -> None: ...
