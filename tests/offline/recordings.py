"""Recorded exchanges for tests, and runs of them, with what does not matter filled in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from shadow_middleware.evidence import Batch, Mark, Run
from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.offline.asked import Asked, sources_of
from shadow_middleware.offline.conduct import Conduct, RunStore, begun, surveyed
from shadow_middleware.offline.replay import Plan, Progress
from shadow_middleware.settings import Settings
from shadow_middleware.traffic.files import CaptureFile
from shadow_middleware.traffic.ndjson import Head
from shadow_middleware.traffic.recorded import Missing, Recorded

__all__ = [
    "FAST",
    "answer_of",
    "body_of",
    "recorded",
    "replayed",
    "settings_for",
    "written",
]

FAST = Plan(speed=0.0)
AT = 1_700_000_000.0


def body_of(data: bytes) -> Body:
    """Return a whole body."""
    return Body(data, len(data))


def answer_of(value: Any) -> Response:
    """Return a whole answer, as the servers of tests give it."""
    data = json.dumps(value).encode()
    length = (b"content-length", b"%d" % len(data))
    return Response(
        200, [(b"content-type", b"application/json"), length], body_of(data)
    )


def recorded(
    number: int = 1,
    method: str = "GET",
    path: str = "/items/1",
    *,
    missing: Iterable[Missing] = (),
    masked: tuple[str, ...] = (),
    answer: Any = None,
    **fields: Any,
) -> Recorded:
    """Return an exchange whose answer is `answer` as JSON, `{"ok": true}` left out."""
    body = b"" if method in ("GET", "HEAD") else b'{"a": 1}'
    given: dict[str, Any] = {
        "id": f"cap-{number:x}",
        "at": AT + number / 1000,
        "request": Request(
            method,
            path.encode(),
            headers=[(b"Host", b"live.example")],
            body=body_of(body),
        ),
        "response": answer_of({"ok": True} if answer is None else answer),
        "timing": Timing(0, 1_000_000, 2_000_000),
        "route": "/items/{id}",
    }
    exchange = Exchange(**{**given, **fields})
    return Recorded(exchange, frozenset(missing), f"t.ndjson:{number}", masked)


def written(path: Path, records: Iterable[Recorded]) -> Path:
    """Write a capture file and return where it is."""
    with CaptureFile(path, Head(1)) as file:
        for record in records:
            file.add(record)
    return path


def settings_for(url: str, **fields: Any) -> Settings:
    """Return the settings of a run against a target."""
    return Settings(shadow_url=url, store_url="", **fields)


async def replayed(
    store: RunStore,
    path: Path,
    settings: Settings,
    plan: Plan = FAST,
    run: str = "r1",
) -> tuple[Run, Progress, Conduct]:
    """Replay a file to its end; what comes of it is in the store."""
    asked = Asked(sources=sources_of([str(path)]), target="", plan=plan)
    started = begun(run, "", asked, surveyed(asked, settings), settings)
    if store.mark(run) is None:
        store.begin_run(started)
    conduct = Conduct(started, asked, settings, store)
    ended = await conduct.carry_out()
    return ended, conduct.offline.progress(), conduct


def marked(store: RunStore, mark: Mark, run: str = "r1") -> None:
    """Let a run stand where a process left it that was killed."""
    now = time.time()
    store.begin_run(Run(id=run, started_at=now, at=now))
    store.of_run(run).write(Batch(mark=msgspec.structs.replace(mark, claimed=0)))
    store.claim(run, mark.claimed)
