"""`/metrics`: what the store holds of a whole fleet, as Prometheus reads it."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shadow_middleware.api.access import Access
from shadow_middleware.api.door import Door
from shadow_middleware.api.headers import FOR_DATA, Headers
from shadow_middleware.api.operation import Evidence
from shadow_middleware.api.problem import answer_of
from shadow_middleware.errors import ConfigurationError, StoreError
from shadow_middleware.metrics.exposition import CONTENT_TYPE, prometheus_text
from shadow_middleware.metrics.stored import stored_figures

__all__ = ["metrics_route"]

_PATH: Final = "/metrics"


def metrics_route(evidence: Evidence, access: Access) -> Route:
    """Return the route of the figures, behind the access as everything else."""
    app = Headers(Door(_Metrics(evidence), access), FOR_DATA)
    return Route(_PATH, app, methods=["GET"], name="metrics")


class _Metrics:
    """Reads the figures anew for each scrape."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the figures, or say what keeps them away."""
        answer = await run_in_threadpool(self._answer)
        await answer(scope, receive, send)

    def _answer(self) -> Response:
        try:
            figures = stored_figures(self._evidence.reading.reader)
            text = prometheus_text(figures)
        except StoreError as error:
            return answer_of(503, str(error))
        except ConfigurationError as error:  # the extra is missing
            return answer_of(501, str(error))
        return Response(text, headers={"Content-Type": CONTENT_TYPE})
