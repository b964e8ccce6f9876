"""
The shadow's answer with live's names in it, so that what differs then differs indeed.

Only what the session knows for sure is renamed. The answer as it came stays what is
stored; this one is what is compared.
"""

from __future__ import annotations

import html
from typing import Any, Final

import msgspec

from shadow_middleware.compare.media import media_of
from shadow_middleware.exchange import Body, Headers, Response
from shadow_middleware.transform.encode import encoded
from shadow_middleware.transform.rebind import pages
from shadow_middleware.transform.rebind.learn import Answers, Side, json_leaves
from shadow_middleware.transform.rebind.links import (
    Place,
    field_place,
    is_link,
    rewrite_link,
    rewrite_words,
)
from shadow_middleware.transform.rebind.nouns import container_noun, member_of, named
from shadow_middleware.transform.rebind.spans import Path, leaves, splice
from shadow_middleware.transform.rebind.table import Table

__all__ = ["restated"]

_LINK_HEADERS: Final = frozenset({b"location", b"content-location"})


def restated(
    answers: Answers, live: Side, shadow: Side, table: Table
) -> Response | None:
    """Return the shadow's answer in live's names, or None where there is none in it."""
    names = _Names(answers, table)
    headers = names.headers()
    text = shadow.text
    if live.form == shadow.form == "json" and live.value != shadow.value:
        text = names.json(live.value, shadow)
    elif live.form == shadow.form == "page" and live.text != shadow.text:
        text = names.page(live.text, shadow.text)
    if text == shadow.text and headers == answers.shadow.headers:
        return None
    body = answers.shadow.body
    if text != shadow.text:
        body = _written(text, answers.shadow)
    return msgspec.structs.replace(answers.shadow, headers=headers, body=body)


def _written(text: str, like: Response) -> Body:
    media = media_of(like)
    data = text.encode(media.charset or "utf-8", "surrogatepass")
    data = encoded(data, media.codings)
    return Body(data, len(data))


class _Names:
    """Renames what stands in one answer."""

    def __init__(self, answers: Answers, table: Table) -> None:
        self._answers = answers
        self._table = table

    # --- headers ------------------------------------------------------------------------

    def headers(self) -> Headers:
        """Return the shadow's headers with live's names in them."""
        ours = {name.lower(): value for name, value in self._answers.live.headers}
        fields = self._answers.shadow.headers
        new = [
            (name, self._header(name.lower(), value, ours)) for name, value in fields
        ]
        return fields if [*fields] == new else new

    def _header(self, name: bytes, value: bytes, ours: dict[bytes, bytes]) -> bytes:
        live = ours.get(name)
        if live is None or live == value or name == b"set-cookie":
            return value
        one, other = live.decode("latin-1"), value.decode("latin-1")
        if name in _LINK_HEADERS:
            new = self._link(one, other)
        else:
            key = name.decode("latin-1")
            nouns = ("etag",) if key == "etag" else self._field(key).nouns
            new = one if self._table.explains(one, other, nouns) else other
        return new.encode("latin-1", "replace")

    def _field(self, name: str) -> Place:
        return field_place(name, self._answers.route, "")

    def _link(self, live: str, shadow: str) -> str:
        """Return a link of the shadow's by live's names, its host as it is."""

        def back(value: str, place: Place) -> str | None:
            return self._table.name_of(value, place.nouns)

        new = rewrite_link(shadow, "", back)
        if new != live:
            # Numbers without a word before them, or slugs that look like fixed words.
            found = rewrite_words(live, shadow, self._explains_any)
            return shadow if found is None and new == shadow else (found or new)
        return new

    def _explains_any(self, live: str, shadow: str) -> bool:
        return self._table.explains(live, shadow, ())

    # --- bodies -------------------------------------------------------------------------

    def json(self, live: Any, shadow: Side) -> str:
        """Return the shadow's JSON with live's names in it."""
        changes: dict[Path, Any] = {}
        met: set[Path] = set()
        for leaf in json_leaves(live, shadow.value, self._answers.route):
            met.add(leaf.path)
            if leaf.live != leaf.shadow:
                self._change(changes, leaf.path, leaf.live, leaf.shadow)
        for path, value in leaves(shadow.value):
            if path not in met:
                self._change(changes, path, None, value)
        return splice(shadow.text, changes) if changes else shadow.text

    def _change(
        self, changes: dict[Path, Any], path: Path, live: Any, value: Any
    ) -> None:
        new = self._value(path, live, value)
        if new is not None and new != value:
            changes[path] = new

    def _value(self, path: Path, live: Any, value: Any) -> Any:
        """Return what live would say there; None where that is not known."""
        if not isinstance(value, int | str) or isinstance(value, bool):
            return None
        nouns = self._nouns(path)
        if live is None:
            return self._alone(value, nouns)
        if type(live) is not type(value):
            return None
        if self._table.explains(str(live), str(value), nouns):
            return live
        if isinstance(value, str) and isinstance(live, str):
            if is_link(value) and is_link(live):
                return self._link(live, value)
            return rewrite_words(live, value, self._explains_any)
        return None

    def _alone(self, value: int | str, nouns: tuple[str, ...]) -> Any:
        """Return live's name of a value that nothing of live's stands beside."""
        if isinstance(value, str) and is_link(value):
            return self._link("", value)
        found = self._table.name_of(str(value), nouns) if nouns else None
        if found is None or isinstance(value, str):
            return found
        return int(found) if found.isdigit() else None

    def _nouns(self, path: Path) -> tuple[str, ...]:
        said = named(member_of(path))
        if said.role == "self":
            return container_noun(path, self._answers.route)
        return (said.noun,) if said.noun else ()

    def page(self, live: str, shadow: str) -> str:
        """Return the shadow's page with live's names in it, line by line."""
        page = self._attributes(live, shadow)
        ours, theirs = live.split("\n"), page.split("\n")
        if len(ours) != len(theirs):
            return page
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if one != other:
                theirs[index] = self._line(one, other)
        return "\n".join(theirs)

    def _line(self, live: str, shadow: str) -> str:
        return rewrite_words(live, shadow, self._explains_any) or shadow

    def _attributes(self, live: str, shadow: str) -> str:
        changes: list[tuple[int, int, str]] = []
        for ours, theirs in pages.aligned(pages.slots(live), pages.slots(shadow)):
            if ours.value == theirs.value:
                continue
            if theirs.link:
                new = self._link(ours.value, theirs.value)
            elif self._table.explains(
                ours.value, theirs.value, self._field(theirs.name).nouns
            ):
                new = ours.value
            else:
                continue
            changes.append((theirs.start, theirs.end, html.escape(new)))
        out, end = [], 0
        for start, stop, new in sorted(changes):
            out += [shadow[end:start], new]
            end = stop
        return "".join([*out, shadow[end:]])
