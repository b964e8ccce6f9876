"""A Starlette app that has the dashboard below `/shadow`, as its users would write it."""

from __future__ import annotations

import os

from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse

from shadow_middleware.dashboard import dashboard


def may_look(connection: HTTPConnection) -> object:
    """Return who signed in to the app."""
    return connection.session.get("staff")


app = FastAPI()


@app.get("/")
async def index() -> str:
    """Be the app."""
    return "the app"


@app.get("/enter")
async def enter(request: Request, who: str) -> RedirectResponse:
    """Let somebody in by name."""
    request.session["staff"] = who
    return RedirectResponse("/shadow/")


app.mount(
    "/shadow",
    dashboard(
        token=os.environ["HOST_TOKEN"],
        allow=may_look,
        store_url=os.environ["HOST_STORE"],
    ),
)
app.add_middleware(SessionMiddleware, secret_key="for tests only")
