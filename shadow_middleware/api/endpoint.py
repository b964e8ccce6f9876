"""From a request to a question, from a value to an answer; unchanged ones are 304."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from shadow_middleware.api.document import PATHS
from shadow_middleware.api.mistakes import in_words
from shadow_middleware.api.operation import Evidence, Operation, Question
from shadow_middleware.api.problem import Refused, answer_of
from shadow_middleware.errors import StoreError

__all__ = ["Endpoint", "encoded"]

_LONGEST: Final = 64 * 1024
_log = logging.getLogger("shadow_middleware.api")


class Endpoint:
    """Serves one operation."""

    def __init__(self, operation: Operation, evidence: Evidence) -> None:
        self._operation = operation
        self._evidence = evidence

    async def __call__(self, request: Request) -> Response:
        """Return the answer, or the problem that keeps it away."""
        try:
            body = await _body_of(request) if self._operation.body else b""
            return await run_in_threadpool(self._answer, request, body)
        except Refused as refused:
            return answer_of(refused.status, refused.detail)
        except StoreError as error:
            return answer_of(503, str(error))
        except Exception:  # noqa: BLE001 -- a host must not get our traceback
            _log.exception("%s %s failed", request.method, request.url.path)
            return answer_of(500, "a mistake of ours; the log tells more")

    def _answer(self, request: Request, body: bytes) -> Response:
        asked = self._asked(request, body)
        headers = {"Cache-Control": "no-cache"}
        if self._operation.method == "GET":
            with asked.reading.look() as look:
                found = self._operation.run(asked)
            headers["Age"] = str(int(look.behind))
        else:
            found = self._operation.run(asked)
        status = self._operation.status
        if status == 204:
            return Response(status_code=204)
        data = encoded(found)
        if self._operation.method == "GET":
            tag = f'"{hashlib.blake2b(data, digest_size=16).hexdigest()}"'
            headers["ETag"] = tag
            if tag in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
        return Response(data, status, headers, "application/json")

    def _asked(self, request: Request, body: bytes) -> Question:
        operation = self._operation
        given = request.query_params.multi_items()
        query = dict(given)
        if len(query) < len(given):
            raise Refused(400, "a parameter is there twice")
        path = {name: str(text) for name, text in request.path_params.items()}
        for name, text in path.items():
            _check_placeholder(name, text)
        for text in (*query.values(), *path.values()):
            _check_text(text)
        try:
            asked = msgspec.convert(query, operation.query, strict=False)
        except msgspec.MsgspecError as error:
            raise Refused(400, in_words(error, operation.query, query)) from None
        told = _told(body, operation.body) if operation.body and body else None
        if told is not None and b"\\u0000" in body:
            raise Refused(400, "a text holds a zero byte")
        return Question(self._evidence, path, asked, told)


def _told(body: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        given = msgspec.json.decode(body)
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise Refused(400, in_words(error, kind, given)) from None
    except msgspec.MsgspecError as error:
        raise Refused(400, str(error)) from None


def encoded(value: Any) -> bytes:
    """Return the value as JSON; lone surrogates of captured text stay escaped."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), allow_nan=False).encode()


def _check_placeholder(name: str, text: str) -> None:
    known = PATHS[name]
    if known["type"] == "integer":
        fits = re.fullmatch("[1-9][0-9]{0,15}", text) and int(text) <= known["maximum"]
    elif "pattern" in known:
        fits = re.fullmatch(known["pattern"].strip("^$"), text)
    else:
        fits = known["minLength"] <= len(text) <= known["maxLength"]
    if not fits:
        raise Refused(404, f"nothing is there of that {name}")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Refused(400, "a text holds a zero byte")


async def _body_of(request: Request) -> bytes:
    """Return the JSON that was sent; only what says that it is JSON is read."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Refused(415, "send application/json")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST:
            raise Refused(413, f"more than {_LONGEST:,} bytes were sent")
    if not body:
        raise Refused(400, "nothing was sent")
    return body
