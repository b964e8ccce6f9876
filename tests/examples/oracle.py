"""A second opinion on two answers, short enough to be read and not built on ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import httpx

from examples.stage.faults import Noise, Planted, path_fits
from examples.stage.visits import Visit, send_one

Place = tuple[str, str, str, str]
"""Endpoint, part, path, kind."""

FRAMING = {"date", "server", "connection", "content-length", "transfer-encoding"}


@dataclass(frozen=True)
class Answer:
    """What a visit got."""

    visit: Visit
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    seconds: float


def answers(url: str, visits: Sequence[Visit]) -> list[Answer]:
    """Make the visits one after another."""
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        return [_answer(visit, send_one(client, visit)) for visit in visits]


def places(
    ones: Sequence[Answer], others: Sequence[Answer], endpoints: set[str]
) -> set[Place]:
    """Return every place where the answers of two versions differ."""
    return {
        (endpoint_of(one.visit, endpoints), *place)
        for one, other in zip(ones, others, strict=True)
        for place in _differences(one, other)
    }


def endpoint_of(visit: Visit, endpoints: set[str]) -> str:
    """Return the endpoint that the visit goes to; its own path where none fits."""
    called = f"{visit.method} {visit.path.partition('?')[0]}"
    if called in endpoints:
        return called
    fitting = [name for name in endpoints if _fits(name, called)]
    return fitting[0] if fitting else called


def explained(place: Place, planted: Sequence[Planted], noise: Sequence[Noise]) -> bool:
    """Whether a place is a planted difference or documented noise."""
    endpoint, part, path, _ = place
    if any(fault.explains(*place) for fault in planted):
        return True
    return any(
        quiet.endpoint in ("*", endpoint)
        and quiet.part == part
        and path_fits(quiet.path, path)
        for quiet in noise
    )


def _fits(name: str, called: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}|<[\w:]+>", r"[^/]+", name), called) is not None


def _answer(visit: Visit, response: httpx.Response) -> Answer:
    return Answer(
        visit,
        response.status_code,
        response.headers.multi_items(),
        response.content,
        response.elapsed.total_seconds(),
    )


def _differences(one: Answer, other: Answer) -> Iterator[tuple[str, str, str]]:
    if one.status != other.status:
        yield "status", "", "changed"
        yield "body", "", "changed"
        return
    for path, kind in _walk("", _headers(one), _headers(other)):
        yield "header", path[1:], kind
    for path, kind in _walk("", _body(one), _body(other)):
        yield "body", path, kind


def _headers(answer: Answer) -> dict[str, Any]:
    kept = [(name, value) for name, value in answer.headers if name not in FRAMING]
    cookies = [_cookie(value) for name, value in kept if name == "set-cookie"]
    plain = {name: value for name, value in kept if name != "set-cookie"}
    # One text for each cookie: a lost flag reads as a changed cookie.
    return {**plain, **{f"set-cookie/{text.split()[0]}": text for text in cookies}}


def _cookie(value: str) -> str:
    (morsel,) = SimpleCookie(value).values()
    attributes = {name: it for name, it in morsel.items() if it and name != "expires"}
    return f"{morsel.key} {sorted(attributes.items())}"


def _body(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return answer.body.decode()


def _walk(path: str, one: Any, other: Any) -> Iterator[tuple[str, str]]:
    if type(one) is not type(other):
        yield path, "type"
    elif isinstance(one, dict):
        for name in one.keys() | other.keys():
            yield from _member(f"{path}/{name}", name, one, other)
    elif isinstance(one, list):
        yield from _items(path, one, other)
    elif one != other:
        yield path, "changed"


def _member(
    path: str, name: str, one: dict[str, Any], other: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    if name not in other:
        yield path, "missing"
    elif name not in one:
        yield path, "added"
    else:
        yield from _walk(path, one[name], other[name])


def _items(path: str, one: list[Any], other: list[Any]) -> Iterator[tuple[str, str]]:
    if one != other and sorted(map(repr, one)) == sorted(map(repr, other)):
        yield path, "order"
        return
    if len(one) != len(other):
        yield path, "changed"
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        yield from _walk(f"{path}/{number}", left, right)
