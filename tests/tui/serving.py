"""Serves an API for the screens on a real socket, and lets it be another or go away."""

from __future__ import annotations

import socket
import threading
from typing import Any

import uvicorn

from shadow_middleware.api import api
from shadow_middleware.tui.client import ApiClient
from shadow_middleware.tui.remote import ApiSource

__all__ = ["TOKEN", "Served"]

TOKEN = "a token that only tests know"


class Served:
    """A server whose app can be exchanged while it runs."""

    def __init__(self, app: Any = None, port: int = 0) -> None:
        self.app = app
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            self._serve, interface="asgi3", log_level="critical", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listening],)
        )
        self._thread.start()

    def show(self, store_url: str, **settings: Any) -> None:
        """Serve the API of a store from now on."""
        self.app = api(token=TOKEN, store_url=store_url, **settings)

    def source(self, since: float | None = None) -> ApiSource:
        """Return a source over the API."""
        return ApiSource(ApiClient(self.url, TOKEN), lambda: since)

    def close(self) -> None:
        """Go away."""
        self._server.should_exit = True
        self._thread.join(20)
        self._listening.close()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)
