"""Puts one version of the shop together. Nothing here knows of shadowing."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.fastapi_app import v1, v2
from examples.fastapi_app.database import Database

__all__ = ["create_app"]


class RequestId:
    """Gives each answer an id of its own, as most production apps do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = str(uuid.uuid4())
            await send(message)

        await self._app(scope, receive, send_with_id)


def create_app(version: Literal["v1", "v2"]) -> FastAPI:
    """Return the shop; its database is created and filled when the server starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.database = Database(_database_path(version))
        app.state.database.prepare()
        yield

    app = FastAPI(title=f"Shop {version}", lifespan=lifespan)
    app.add_middleware(RequestId)
    if version == "v2":
        app.include_router(v2.router)  # the first route that fits answers
    app.include_router(v1.router)
    return app


def _database_path(version: str) -> Path:
    folder = os.environ.get("SHOP_FOLDER") or tempfile.gettempdir()
    return Path(folder) / f"fastapi-shop-{version}.db"
