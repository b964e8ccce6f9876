"""The OpenAPI document, made of the types that the endpoints really use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from shadow_middleware.api.access import SESSION
from shadow_middleware.api.operation import Operation
from shadow_middleware.api.problem import MEDIA_TYPE, Problem

__all__ = ["PATHS", "document_of"]

_REF: Final = "#/components/schemas/{name}"
PATHS: Final[dict[str, dict[str, Any]]] = {
    "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "id": {"type": "integer", "minimum": 1, "maximum": 2**53},
    "exchange_id": {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,64}$"},
    "name": {"type": "string", "minLength": 1, "maxLength": 500},
}
"""What each placeholder of a path may be."""
_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION},
}


def document_of(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the operations."""
    every = list(operations)
    types = [Problem, *(one.answer for one in every), *(one.query for one in every)]
    types += [one.body for one in every if one.body is not None]
    schemas, parts = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = {_key(one): schema for one, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for one in every:
        told = _operation(one, schema_of, parts)
        paths.setdefault(one.path, {})[one.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "shadow_middleware",
            "version": version,
            "description": "What a shadow answered beside live, and what was decided.",
        },
        "paths": paths,
        "components": {"schemas": parts, "securitySchemes": _SCHEMES},
        "security": [{"token": []}, {"session": []}],
    }


def _key(one: Any) -> str:
    return repr(one)


def _operation(
    one: Operation, schema_of: dict[str, Any], parts: dict[str, Any]
) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "What was asked for."}
    if one.status != 204:
        schema = schema_of[_key(one.answer)]
        answer["content"] = {"application/json": {"schema": schema}}
    problem = {"schema": schema_of[_key(Problem)]}
    told: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": (one.run.__doc__ or "").strip(),
        "parameters": [*_placeholders(one), *_query(one, schema_of, parts)],
        "responses": {
            str(one.status): answer,
            "default": {
                "description": "Why it is not answered.",
                "content": {MEDIA_TYPE: problem},
            },
        },
    }
    if one.body is not None:
        content = {"application/json": {"schema": schema_of[_key(one.body)]}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _placeholders(one: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATHS[name]}
        for name in re.findall(r"{(\w+)}", one.path)
    ]


def _query(
    one: Operation, schema_of: dict[str, Any], parts: dict[str, Any]
) -> list[dict[str, Any]]:
    name = schema_of[_key(one.query)]["$ref"].rpartition("/")[2]
    known = parts[name]["properties"]
    return [
        {"name": field, "in": "query", "schema": _without_null(schema)}
        for field, schema in known.items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: null cannot be written, only left out."""
    plain = {key: value for key, value in schema.items() if key != "default"}
    if "enum" in plain:
        plain["enum"] = [one for one in plain["enum"] if one is not None]
    if "anyOf" in plain:
        some = [one for one in plain.pop("anyOf") if one != {"type": "null"}]
        plain |= some[0] if len(some) == 1 else {"anyOf": some}
    return plain
