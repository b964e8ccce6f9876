"""
Takes out of an answer's evidence what we ourselves have put into its request.

A token that a step adds, or a cookie of the shadow's own, may come back in an answer
that echoes it. It is known to the letter, so it is taken out to the letter, wherever it
stands and in whatever form texts write it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from shadow_middleware.compare.decode import decode
from shadow_middleware.compare.media import media_of
from shadow_middleware.exchange import Body, Difference, Response
from shadow_middleware.transform.secrets import REDACTED

__all__ = ["without", "without_in"]

_SHORTEST = 4
_MAX_BODY = 16 * 1024 * 1024


def _forms(planted: Iterable[str]) -> list[str]:
    forms: dict[str, None] = {}
    for text in planted:
        if len(text) >= _SHORTEST:
            for form in (text, quote(text, safe=""), quote_plus(text), quote(text)):
                forms[form] = None
            forms[json.dumps(text)[1:-1]] = None
    return sorted(forms, key=len, reverse=True)


def without(response: Response, planted: Iterable[str]) -> Response:
    """Return the answer without what was planted in its request, codings taken off."""
    forms = [form.encode("utf-8", "surrogatepass") for form in _forms(planted)]
    headers = [(name, _bytes(value, forms)) for name, value in response.headers]
    codings = media_of(response).codings
    data = response.body.data
    if codings:
        data = decode(data, codings, _MAX_BODY).data
    clean = _bytes(data, forms)
    if clean == data:
        return msgspec.structs.replace(response, headers=headers)
    plain = [field for field in headers if field[0].lower() != b"content-encoding"]
    length = response.body.length if not response.body.complete else len(clean)
    body = Body(clean, max(length, len(clean)), response.body.digest)
    return msgspec.structs.replace(response, headers=plain, body=body)


def without_in(difference: Difference, planted: Iterable[str]) -> Difference:
    """Return the difference without what was planted."""
    forms = _forms(planted)
    return msgspec.structs.replace(
        difference,
        path=_text(difference.path, forms),
        shape=_text(difference.shape, forms),
        note=_text(difference.note, forms),
        live=_value(difference.live, forms),
        shadow=_value(difference.shadow, forms),
    )


def _bytes(data: bytes, forms: list[bytes]) -> bytes:
    for form in forms:
        if form in data:
            data = data.replace(form, REDACTED.encode())
    return data


def _text(text: str, forms: list[str]) -> str:
    for form in forms:
        if form in text:
            text = text.replace(form, REDACTED)
    return text


def _value(value: Any, forms: list[str]) -> Any:
    if isinstance(value, str):
        return _text(value, forms)
    if isinstance(value, list):
        return [_value(item, forms) for item in value]
    if isinstance(value, dict):
        return {_text(str(k), forms): _value(v, forms) for k, v in value.items()}
    return value
