"""A tea shop and its rewrite, and a store with what really became of their traffic."""

from __future__ import annotations

import itertools
import json
from typing import Any

from shadow_middleware import runtime
from shadow_middleware.testing import ShadowServer, asgi, collect
from tests.promises.staging import serving

__all__ = ["LIVE", "REWRITE", "mirror", "shop"]

LOTS = itertools.count(1_000_003, 7_919)

LIVE: dict[str, Any] = {"price": 250, "phone": "+44 20 7946", "stock": 3}
REWRITE: dict[str, Any] = {"price": 251, "stock": "3"}
"""The price is off by one, the phone is gone, the stock is a text."""


def shop(says: dict[str, Any], status: int = 200) -> Any:
    """Return an app that says so, and numbers a lot that no two copies agree on."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        head = [(b"content-type", b"application/json")]
        data = json.dumps({**says, "lot": f"lot {next(LOTS)} of this"}).encode()
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": data})

    return serve


def mirror(store_url: str, **settings: Any) -> None:
    """Send twenty visitors and three others through, and end the agent."""
    with (
        ShadowServer(asgi(shop(REWRITE))) as shadow,
        ShadowServer(asgi(shop(LIVE))) as control,
        collect() as outcomes,
        serving(
            shop(LIVE),
            engine="thread",
            signal_rate=1e4,
            shadow_url=shadow.url,
            control_url=control.url,
            store_url=store_url,
            methods=["GET", "POST"],
            **settings,
        ) as live,
    ):
        for _ in range(20):
            live.ask(target="/tea")
        live.ask("POST", "/order", body=b"{}")
        live.ask(target="/mine?access_token=s3cretS3cretS3cret")
        live.ask(target="/mine?access_token=s3cretS3cretS3cret")
        outcomes.wait_for(23)
        assert runtime.shutdown(90.0)
