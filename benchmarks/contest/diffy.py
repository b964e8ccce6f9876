"""
Diffy's published algorithm, written again from its description and its sources.

A response is lifted into a tree (status, headers by name, content), two trees are
compared, and the differences are counted by endpoint and flattened field: candidate
against primary is *raw*, secondary against primary is *noise*. A field is shown when
raw > noise, |raw - noise| / (raw + noise) > 20 % and |raw - noise| / total > 0.03 %.

As `Difference.scala` of opendiffy/diffy has it: lists of the same items in another
order are one ordering difference, lists of equal length are compared item by item
without the index in the field's name, others are one difference of size; an object
with a key that is no identifier is a map, whose keys are not in the field's name.
Texts that are neither JSON nor HTML, which Diffy refuses, are compared by lines here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from html.parser import HTMLParser
from typing import Any

import msgspec

from benchmarks.contest.score import Account, Row, Seen
from benchmarks.corpus import Sent
from shadow_middleware.exchange import Kind, Part, Response
from shadow_middleware.judge.diffy import is_divergence

__all__ = ["Diffy", "fields_of", "lifted"]

Field = tuple[str, str, str]
"""Endpoint, path, and the name of the difference."""
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
EMPTY_TAGS = frozenset(("input", "link", "meta", "img", "br", "hr", "!doctype"))
UNTOLD = (b"content-length", b"date")
"""Headers that nobody would compare: one follows from the body, one from the clock."""
KINDS = {
    "PrimitiveDifference": Kind.CHANGED,
    "TypeDifference": Kind.TYPE,
    "MissingField": Kind.MISSING,
    "ExtraField": Kind.ADDED,
    "OrderingDifference": Kind.ORDER,
}


class Diffy:
    """Counts raw and noise for each field; says in the end which fields are shown."""

    def __init__(self) -> None:
        self.account = Account("Diffy's algorithm")
        self._raw: Counter[Field] = Counter()
        self._noise: Counter[Field] = Counter()
        self._total: Counter[str] = Counter()

    def look(self, sent: Sent) -> None:
        """Count one exchange."""
        endpoint = sent.exchange.endpoint
        live = lifted(sent.live.response)
        raw = set(fields_of(endpoint, live, lifted(sent.shadow.response)))
        self._total[endpoint] += 1
        self._raw.update(raw)
        self._noise.update(fields_of(endpoint, live, lifted(sent.control.response)))
        seen = (one for field in raw for one in _seen(field))
        self.account.note(sent.carries, seen)

    def conclude(self) -> Row:
        """Return the row."""
        return self.account.row(self._is_noise)

    def _is_noise(self, group: Hashable) -> bool:
        field: Any = group
        total = self._total[field[0]]
        return not is_divergence(self._raw[field], self._noise[field], total)


def _seen(field: Field) -> Iterator[Seen]:
    """Yield the field with each kind of difference that its name may stand for."""
    _, path, name = field
    part, rest = Part.BODY, path
    if path == "/status":
        part, rest = Part.STATUS, ""
    elif path.startswith("/headers/"):
        part, rest = Part.HEADER, path.removeprefix("/headers/")
        # A cookie is one header among others to Diffy.
        rest = rest.removesuffix("/*")
    else:
        rest = path.removeprefix("/content")
    known = KINDS.get(name)
    for kind in (known,) if known else (Kind.MISSING, Kind.ADDED):
        yield Seen(field, part, rest, kind)


def lifted(response: Response) -> dict[str, Any]:
    """Return a response as the tree that is compared."""
    headers: dict[str, Any] = {}
    for name, value in response.headers:
        if name not in UNTOLD:
            headers.setdefault(name.decode().lower(), []).append(
                value.decode("latin-1")
            )
    tree = {
        "status": response.status,
        "headers": {name: sorted(values) for name, values in headers.items()},
    }
    if response.body.data:
        tree["content"] = _content(response.body.data, headers)
    return tree


def _content(data: bytes, headers: dict[str, list[str]]) -> Any:
    media = headers.get("content-type", [""])[0]
    if "html" in media:
        return _Tree.of(data.decode("utf-8", "replace"))
    lines = data.decode("utf-8", "replace").splitlines()
    if "ndjson" in media:
        return [msgspec.json.decode(line) for line in lines]
    return msgspec.json.decode(data) if "json" in media else lines


class _Tree(HTMLParser):
    """HTML as `HtmlLifter` has it: tag, own text, attributes, children."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[dict[str, Any]] = [_element("", {})]

    @classmethod
    def of(cls, text: str) -> dict[str, Any]:
        parser = cls()
        parser.feed(text)
        return parser._open[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = _element(tag, {name: value or "" for name, value in attrs})
        self._open[-1]["children"].append(element)
        if tag not in EMPTY_TAGS:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if any(element["tag"] == tag for element in self._open):
            while self._open[-1]["tag"] != tag:
                self._open.pop()
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1]["text"] = f"{self._open[-1]['text']} {data.strip()}".strip()


def _element(tag: str, attributes: dict[str, str]) -> dict[str, Any]:
    return {"tag": tag, "text": "", "attributes": attributes, "children": []}


def fields_of(endpoint: str, live: Any, other: Any) -> set[Field]:
    """Return the flattened fields in which two lifted responses differ."""
    return {(endpoint, path, name) for path, name in _differences(live, other, "")}


def _differences(live: Any, other: Any, path: str) -> Iterator[tuple[str, str]]:
    if type(live) is not type(other):
        yield path, "TypeDifference"
    elif live == other:
        return
    elif isinstance(live, dict):
        yield from _objects(live, other, path)
    elif isinstance(live, list):
        yield from _lists(live, other, path)
    else:
        yield path, "PrimitiveDifference"


def _objects(
    live: dict[str, Any], other: dict[str, Any], path: str
) -> Iterator[tuple[str, str]]:
    is_map = not all(map(_is_identifier, (*live, *other)))
    for name in live.keys() & other.keys():
        below = f"{path}/*" if is_map else f"{path}/{name}"
        yield from _differences(live[name], other[name], below)
    if is_map:
        if live.keys() != other.keys():
            yield f"{path}/*", "SetDifference"
        return
    for name in live.keys() - other.keys():
        yield f"{path}/{name}", "MissingField"
    for name in other.keys() - live.keys():
        yield f"{path}/{name}", "ExtraField"


def _is_identifier(name: str) -> bool:
    # Names of headers are kept as they are.
    return IDENTIFIER.fullmatch(name.replace("-", "_")) is not None and not (
        "-" in name and any(map(str.isdigit, name))
    )


def _lists(live: list[Any], other: list[Any], path: str) -> Iterator[tuple[str, str]]:
    if len(live) != len(other):
        yield path, "SeqSizeDifference"
        return
    if sorted(map(repr, live)) == sorted(map(repr, other)):
        yield path, "OrderingDifference"
        return
    for one, another in zip(live, other, strict=True):
        yield from _differences(one, another, f"{path}/*")
