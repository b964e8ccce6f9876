"""
Two bodies: the same bytes, the same meaning, or where they differ.

Cheap questions first: the bytes, what is under the codings, the parsed values. Only
then a walk. What cannot be compared by structure is compared by length, digest and
the first byte that differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from shadow_middleware.compare.decode import Decoded, decode
from shadow_middleware.compare.findings import Findings
from shadow_middleware.compare.media import Form, Media, media_of, text_of
from shadow_middleware.compare.pages import lines_of_page
from shadow_middleware.compare.parse import (
    MAX_SECONDS,
    NotJson,
    Unknowable,
    parse_cost,
)
from shadow_middleware.compare.place import ROOT, below
from shadow_middleware.compare.prune import ignored_whole
from shadow_middleware.compare.render import first_difference
from shadow_middleware.compare.rules import RuleSet
from shadow_middleware.compare.sayings import Saying
from shadow_middleware.compare.structure import JSON, NDJSON, Reader, compare_values
from shadow_middleware.compare.tables import (
    SEPARATORS,
    NotATable,
    rows_of,
    separator_of,
)
from shadow_middleware.exchange import Body, Kind, Part, Response

__all__ = ["UNSEEN", "compare_bodies", "same_bytes"]

COSTLY = 0.6
"""Share of the time left that parsing may take at worst, to be tried at all."""
MAX_LINES = 20_000
"""Lines of a text that are aligned; beyond, only the first difference is told."""
UNSEEN = "Whether an expected change is there could not be seen in time: raise compare_budget"


class Side(NamedTuple):
    """One body with what its headers say about it."""

    name: str
    body: Body
    media: Media


def same_bytes(live: Body, shadow: Body) -> bool:
    """Whether both bodies are the same bytes, as far as they are known to be."""
    if live.digest is None and shadow.digest is None:
        return live.data == shadow.data and live.length == shadow.length
    return live.length == shadow.length and _digest(live) == _digest(shadow)


def compare_bodies(
    live: Response,
    shadow: Response,
    rules: RuleSet,
    findings: Findings,
    max_expanded: int,
) -> None:
    """
    Write into `findings` what differs in two bodies of other bytes or other codings.

    Raises:
        BudgetSpent: time or entries ran out; the bytes do differ.
    """
    left = Side("live", live.body, media_of(live))
    right = Side("shadow", shadow.body, media_of(shadow))
    ignored = ignored_whole(rules.body_ignores)
    if ignored:
        findings.hit(ignored, "changed")
    elif left.body.complete and right.body.complete:
        _Whole(left, right, rules, findings).compare(max_expanded)
    else:
        _compare_cut(left, right, rules, findings, max_expanded)


def _digest(body: Body) -> bytes | None:
    if body.digest is not None:
        return body.digest
    return hashlib.sha256(body.data).digest() if body.complete else None


def _compare_cut(
    live: Side, shadow: Side, rules: RuleSet, findings: Findings, cap: int
) -> None:
    """Decide from prefix, length and digest; where rules may matter, do not."""
    findings.hint = (
        "A body was cut by a cap, so only its length, its digest and its first bytes "
        "could be compared: raise max_response_body (live) or max_shadow_body"
    )
    plain = not live.media.codings and not shadow.media.codings
    left, right = _decoded(live, cap).data, _decoded(shadow, cap).data
    common = min(len(left), len(right))
    offset = first_difference(left[:common], right[:common])
    if rules.has_body_rules or (not plain and offset == common):
        findings.undecided = True
        return
    note = (
        f"first differing byte at offset {offset}"
        if offset < common
        else "the first bytes are the same, the rest is not"
    )
    findings.cut = True
    shown = _described(live.body), _described(shadow.body)
    said = Saying(_sort(live.body), _sort(shadow.body))
    findings.add(Part.BODY, "", Kind.CHANGED, *shown, note, said=said)


def _decoded(side: Side, cap: int) -> Decoded:
    if not side.media.codings:
        return Decoded(side.body.data, "whole")
    return decode(side.body.data, side.media.codings, cap)


def _described(body: Body) -> str:
    digest = _digest(body)
    shown = f", sha256 {digest.hex()[:16]}…" if digest else ""
    return f"{body.length} bytes{shown}"


def _sort(body: Body) -> str:
    return "bytes" if body.length else "empty"


class _Whole:
    """Two bodies of which every byte is here."""

    def __init__(
        self, live: Side, shadow: Side, rules: RuleSet, findings: Findings
    ) -> None:
        self._sides = (live, shadow)
        self._rules = rules
        self._findings = findings

    def compare(self, max_expanded: int) -> None:
        live, shadow = (_decoded(side, max_expanded) for side in self._sides)
        self._findings.tick()
        if "broken" in (live.state, shadow.state):
            self._note_broken(live, shadow)
        elif "part" in (live.state, shadow.state):
            self._compare_parts(live.data, shadow.data)
        else:
            if self._sides[0].media.codings or self._sides[1].media.codings:
                self._findings.explain("content-encoding")
            if live.data != shadow.data or self._rules.body_expects is not None:
                self._by_form(live.data, shadow.data)

    def _note_broken(self, live: Decoded, shadow: Decoded) -> None:
        broken = [
            f"the {side.name} body is not the {', '.join(side.media.codings)} it claims"
            for side, decoded in zip(self._sides, (live, shadow), strict=True)
            if decoded.state == "broken"
        ]
        raw = self._sides[0].body.data, self._sides[1].body.data
        self._bytes(*raw, "; ".join(broken))

    def _compare_parts(self, live: bytes, shadow: bytes) -> None:
        common = min(len(live), len(shadow))
        if live[:common] != shadow[:common] and not self._rules.has_body_rules:
            self._findings.cut = True
            self._bytes(live, shadow, "expanded only in part")
            return
        self._findings.undecided = True
        self._findings.hint = (
            "A compressed body ends early or expands beyond a cap: "
            "see max_expanded_body"
        )

    def _by_form(self, live: bytes, shadow: bytes) -> None:
        form = self._form()
        if form in ("json", "ndjson"):
            self._json(live, shadow, JSON if form == "json" else NDJSON)
        elif form == "form":
            self._text(live, shadow, _fields, "form-formatting")
        elif form == "table":
            self._table(live, shadow)
        elif form == "page":
            self._text(live, shadow, lines_of_page, "html-formatting")
        elif form == "text":
            self._text(live, shadow, _lines, "charset")
        elif live != shadow:
            self._bytes(live, shadow)

    def _form(self) -> Form:
        """JSON wins: where one side mislabels it, the label is the difference."""
        stated = [side.media.form for side in self._sides]
        if "json" in stated or stated == ["unknown", "unknown"]:
            return "json"
        if stated == ["page", "page"]:
            return "page"
        stated = ["text" if form == "page" else form for form in stated]
        ranked: tuple[Form, ...] = ("ndjson", "form", "table", "text", "bytes")
        return next((form for form in ranked if form in stated), "bytes")

    def _json(self, live: bytes, shadow: bytes, reader: Reader) -> None:
        if self._is_costly(live, shadow):
            return
        try:
            compare_values(live, shadow, reader, self._rules, self._findings)
        except Unknowable:
            if live != shadow:
                self._findings.cut = True
                self._bytes(live, shadow, "nested too deeply to compare by structure")
        except NotJson:
            self._not_json(live, shadow, reader)

    def _not_json(self, live: bytes, shadow: bytes, reader: Reader) -> None:
        if live == shadow:
            return
        valid = [reader.accepts(raw, self._findings) for raw in (live, shadow)]
        declared = [side.media.form in ("json", "ndjson") for side in self._sides]
        if valid == [False, False]:
            form = _lines if self._looks_like_text(live, shadow) else None
            if form is None:
                self._bytes(live, shadow)
            else:
                self._text(live, shadow, form, "charset")
        elif any(declared):
            kinds = ["JSON" if ok else "not JSON" for ok in valid]
            shown = [
                f"{k}: {_start(b)}" for k, b in zip(kinds, (live, shadow), strict=True)
            ]
            sorts = [
                ("json" if ok else "not-json") if raw else "empty"
                for ok, raw in zip(valid, (live, shadow), strict=True)
            ]
            said = Saying(sorts[0], sorts[1])
            self._findings.add(Part.BODY, "", Kind.TYPE, *shown, said=said)
        else:
            self._bytes(live, shadow)

    def _looks_like_text(self, live: bytes, shadow: bytes) -> bool:
        declared = [side.media.form != "unknown" for side in self._sides]
        return any(declared) and b"\0" not in live[:1024] + shadow[:1024]

    def _text(
        self,
        live: bytes,
        shadow: bytes,
        split: Callable[[str], Any],
        reason: str,
    ) -> None:
        charsets = [side.media.charset for side in self._sides]
        left, right = text_of(live, charsets[0]), text_of(shadow, charsets[1])
        if left is None or right is None:
            if live != shadow:
                self._bytes(live, shadow, "not text in the stated charset")
        elif max(left.count("\n"), right.count("\n")) > MAX_LINES:
            self._long_text(left, right)
        elif split is _fields and max(left.count("&"), right.count("&")) > MAX_LINES:
            if live != shadow:
                self._findings.cut = True
                self._bytes(live, shadow, "too many fields to compare one by one")
        else:
            texts = {live: left, shadow: right}
            lines = split in (_lines, lines_of_page)
            why = "charset" if left == right else reason
            reader = Reader.of_texts(texts, split, why, lines)
            compare_values(live, shadow, reader, self._rules, self._findings)

    def _table(self, live: bytes, shadow: bytes) -> None:
        heads = [raw.partition(b"\n")[0].decode("latin-1") for raw in (live, shadow)]
        ours, theirs = map(separator_of, heads)
        if ours != theirs:
            if ours not in heads[0] or theirs not in heads[1]:
                self._text(live, shadow, _lines, "charset")
                return
            # Whoever reads the one cannot read the other: no matter of formatting. It
            # is one difference, though, and beside it are those of the cells.
            live_is = f"columns between {SEPARATORS[ours]}"
            shadow_is = f"columns between {SEPARATORS[theirs]}"
            said = Saying(live_is, shadow_is)
            self._findings.add(
                Part.BODY, "", Kind.CHANGED, live_is, shadow_is, said=said
            )
        try:
            self._text(live, shadow, rows_of, "csv-formatting")
        except NotATable:
            self._text(live, shadow, _lines, "charset")

    def _long_text(self, live: str, shadow: str) -> None:
        if live == shadow:
            if self._sides[0].body != self._sides[1].body:
                self._findings.explain("charset")
            return
        self._findings.cut = True
        line = live.count("\n", 0, first_difference(live, shadow))
        note = f"only the first of {live.count(chr(10))} lines that differs is told"
        shown = live.split("\n", line + 1)[line], shadow.split("\n", line + 1)[line]
        place = below(ROOT, line)
        self._findings.add_in_body(Kind.CHANGED, place, *shown, note, line=True)

    def _is_costly(self, live: bytes, shadow: bytes) -> bool:
        seconds = parse_cost(live), parse_cost(shadow)
        affordable = sum(seconds) <= self._findings.remaining() * COSTLY
        if affordable and max(seconds) <= MAX_SECONDS:
            return False
        if live == shadow:
            self._findings.undecided = True
            self._findings.hint = UNSEEN
            return True
        self._findings.cut = True
        note = "too costly to compare by structure within compare_budget"
        self._bytes(live, shadow, note)
        return True

    def _bytes(self, live: bytes, shadow: bytes, note: str = "") -> None:
        offset = first_difference(live, shadow)
        found = f"first differing byte at offset {offset}"
        left, right = Body(live, len(live)), Body(shadow, len(shadow))
        self._findings.add(
            Part.BODY,
            "",
            Kind.CHANGED,
            _described(left),
            _described(right),
            f"{note}; {found}" if note else found,
            said=Saying(_sort(left), _sort(right)),
        )


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _fields(text: str) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for name, value in parse_qsl(
        text, keep_blank_values=True, errors="surrogateescape"
    ):
        members.setdefault(name, []).append(value)
    return members


def _start(raw: bytes) -> str:
    return raw[:80].decode("utf-8", "backslashreplace")
