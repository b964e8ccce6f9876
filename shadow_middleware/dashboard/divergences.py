"""The list of stored divergences, and one of them with both answers beside each other."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from shadow_middleware.dashboard.filters import NUMBER
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.evidence import (
    DivergenceFilter,
    DivergenceRecord,
    StoredDivergence,
)
from shadow_middleware.exchange import Difference, Kind
from shadow_middleware.report.curl import Command, command_of
from shadow_middleware.report.diff import Diff, sections

__all__ = ["SCREENS", "VIEWS", "address_of", "missing", "view_of"]

VIEWS: Final = ("split", "unified")
"""How two answers can be shown."""
_PAGE: Final = 50
_LONGEST: Final = 1_000
"""Characters of a value in the table of changes."""


class _Change(msgspec.Struct, frozen=True):
    """One difference, ready to be shown."""

    where: str
    kind: str
    live: str | None
    """None where live has nothing."""
    shadow: str | None
    note: str
    noise: str
    group: str


class _Detail(msgspec.Struct, frozen=True):
    """One divergence, ready to be shown."""

    stored: StoredDivergence
    changes: list[_Change]
    sections: tuple[Diff, ...]
    command: Command
    request: str
    live: str
    shadow: str

    @property
    def record(self) -> DivergenceRecord:
        """The divergence itself."""
        return self.stored.record


def address_of(visit: Visit, record: DivergenceRecord) -> str:
    """Return where a request of a target is sent; the host that it named if unknown."""
    known = visit.reading.addresses().get(record.target)
    if known:
        return known
    hosts = (value for name, value in record.request_headers if name.lower() == "host")
    return f"http://{next(hosts, 'localhost')}"


def missing(what: str, message: str) -> Shown:
    """Return the page that says that something is not there."""
    values = {"heading": what, "message": message, "advice": ()}
    return Shown(template="problem.html", values=values, status=404, title=what)


def _divergences(visit: Visit) -> Shown:
    filters = visit.filters
    group = visit.query.get("group") or None
    where = DivergenceFilter(
        target=filters.target,
        route=filters.route,
        since=filters.start,
        live_status=_status(visit, "live"),
        shadow_status=_status(visit, "shadow"),
        group=group,
    )
    offset = visit.number("offset", 0)
    page = visit.reading.divergences(where, limit=_PAGE, offset=offset)
    targets = visit.reading.names()
    values = {
        "rows": page.rows,
        "total": page.total,
        "offset": offset,
        "limit": _PAGE,
        "group": group,
        "live": where.live_status,
        "shadow": where.shadow_status,
        "routes": visit.reading.route_names(),
        "several": len(targets) > 1,
        "narrowed": where != DivergenceFilter(),
        "targets": targets,
    }
    return Shown(template="divergences.html", values=values)


def _status(visit: Visit, name: str) -> int | None:
    number = visit.number(name, -1)
    return None if number < 0 else number


def _divergence(visit: Visit) -> Shown:
    key = visit.path["key"]
    stored = visit.reading.divergence(key)
    if not stored:
        return missing(
            "No such divergence",
            f"No stored divergence has the number or exchange id {key!r}. "
            "It may have been purged.",
        )
    values = {
        "found": [_detail(visit, one) for one in stored],
        "key": key,
        "view": view_of(visit),
    }
    return Shown(
        template="divergence.html", values=values, title=f"Divergence {stored[0].id}"
    )


def view_of(visit: Visit) -> str:
    """Return how answers are shown; '' is as wide as the screen allows."""
    asked = visit.query.get("view", "")
    return asked if asked in VIEWS else ""


def _detail(visit: Visit, stored: StoredDivergence) -> _Detail:
    record = stored.record
    return _Detail(
        stored,
        [_change(one) for one in record.differences],
        sections(record),
        command_of(record, address_of(visit, record)),
        _whole(record.request_headers, record.request_body),
        _whole(record.live_headers, record.live_body),
        _whole(record.shadow_headers, record.shadow_body),
    )


def _change(one: Difference) -> _Change:
    return _Change(
        f"{one.part.value} {one.path}".rstrip(),
        one.kind.value,
        None if one.kind is Kind.ADDED else _short(one.live),
        None if one.kind is Kind.MISSING else _short(one.shadow),
        one.note,
        one.noise,
        one.group,
    )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _whole(headers: Iterable[tuple[str, str]], body: str) -> str:
    return "\n".join([*(f"{name}: {value}" for name, value in headers), "", body])


SCREENS = (
    Screen(
        name="divergences",
        path="/divergences",
        show=_divergences,
        label="Divergences",
        key="e",
        choices={"live": NUMBER, "shadow": NUMBER, "offset": NUMBER},
        every=10,
    ),
    Screen(
        name="divergence",
        path="/divergences/{key}",
        show=_divergence,
        part_of="divergences",
        choices={"view": VIEWS},
    ),
)
