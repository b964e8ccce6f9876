"""Says that a request is ours: within an app that is mirrored, the dashboard is not."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from shadow_middleware.selection import OWN, ROUTE_KEY

__all__ = ["Own", "owned"]


class Own:
    """
    Names the route of each request as one that no middleware of ours mirrors.

    Args:
        app: Whatever answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the app does."""
        if scope["type"] == "http":
            scope[ROUTE_KEY] = OWN
        await self._app(scope, receive, send)


def owned(app: Starlette) -> Starlette:
    """Return the app, marked so that its routes are none that traffic should cover."""
    app.state.shadow_middleware = OWN
    return app
