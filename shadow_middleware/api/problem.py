"""Errors as the API tells them: `application/problem+json` (RFC 9457), never a traceback."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.responses import Response

__all__ = ["MEDIA_TYPE", "Problem", "Refused", "answer_of"]

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True):
    """What went wrong, in a form that is the same for every endpoint."""

    status: int
    title: str
    """The same for every problem of this status."""
    detail: str
    """What it is this time, and what would be right."""
    type: str = "about:blank"


class Refused(Exception):
    """The request cannot be answered as it was meant."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def answer_of(status: int, detail: str, **headers: str) -> Response:
    """Return the answer that tells a problem."""
    problem = Problem(status, HTTPStatus(status).phrase, detail)
    return Response(msgspec.json.encode(problem), status, headers, MEDIA_TYPE)
