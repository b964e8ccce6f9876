"""The FastAPI shop mirrored with no setting but the shadow's address, for uvicorn."""

from __future__ import annotations

import os

from examples.fastapi_app.application import create_app
from shadow_middleware.asgi import ShadowMiddleware

app = create_app("v1")
app.add_middleware(ShadowMiddleware, shadow_url=os.environ["SHOP_SHADOW_URL"])
