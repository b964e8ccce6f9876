"""Version 1 of the FastAPI shop without the middleware, for uvicorn."""

from __future__ import annotations

from examples.fastapi_app.application import create_app

app = create_app("v1")
