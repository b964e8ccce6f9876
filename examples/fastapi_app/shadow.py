"""The candidate: v2, without the middleware. `uvicorn examples.fastapi_app.shadow:app`."""

from __future__ import annotations

from examples.fastapi_app.application import create_app

__all__ = ["app"]

app = create_app("v2")
