"""The app in production, mirrored. `uvicorn examples.fastapi_app.live:app`."""

from __future__ import annotations

import os

from examples.fastapi_app import alerts
from examples.fastapi_app.application import create_app
from shadow_middleware.asgi import ShadowMiddleware

__all__ = ["app"]

app = create_app("v1")
app.add_middleware(
    ShadowMiddleware,
    shadow_url=os.environ.get("SHOP_SHADOW_URL", "http://127.0.0.1:8001"),
    # Orders are written on the live side only, so reading them back would differ.
    exclude=("/orders", "/orders/**"),
    # Both sides check logins with the same key, so copies may carry them.
    credentials="pass",
    # Noise: these are never the same twice, whatever the version.
    ignore_headers=("x-request-id",),
    ignore_paths=("/now", "/check_id"),
)
alerts.subscribe()
