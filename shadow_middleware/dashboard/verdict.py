"""The page of the verdict: every criterion with its reason, and the verdict as a file."""

from __future__ import annotations

from typing import Final

import msgspec

from shadow_middleware.dashboard.filters import NUMBER
from shadow_middleware.dashboard.screen import Document, Screen, Shown, Visit
from shadow_middleware.report.checks import Check, State
from shadow_middleware.report.junit import junit_of
from shadow_middleware.report.markdown import markdown_of
from shadow_middleware.report.verdict import TargetVerdict, Verdict

__all__ = ["SCREENS"]

_SHOWN: Final = 100
_ORDER: Final = (State.FAILED, State.OPEN, State.PASSED)


def _verdict(visit: Visit) -> Shown:
    found = _found(visit, whole=False)
    values = {
        "targets": visit.reading.names(),
        "found": found,
        "checks": {one.target: _checks(one) for one in found.targets},
        "routes": {
            one.target: {share.route for share in one.routes} for one in found.targets
        },
        "limit": visit.number("limit", _SHOWN, least=1),
    }
    return Shown(template="verdict.html", values=values)


def _checks(target: TargetVerdict) -> list[Check]:
    """Return the criteria, those that speak against promoting first."""
    return sorted(target.checks, key=lambda check: _ORDER.index(check.state))


def _file(visit: Visit) -> Shown:
    form = visit.path["form"]
    if form not in _FORMS:
        values = {
            "heading": "There is no such form of a verdict",
            "message": f"A verdict can be had as {', '.join(_FORMS)}.",
            "advice": (),
        }
        return Shown(template="problem.html", values=values, status=404)
    write, ending, media = _FORMS[form]
    document = Document(write(_found(visit)), media, f"verdict.{ending}")
    return Shown(document=document)


def _found(visit: Visit, *, whole: bool = True) -> Verdict:
    where = visit.filters
    return visit.reading.verdict(since=where.start, target=where.target, whole=whole)


def _json(found: Verdict) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


_FORMS: Final = {
    "markdown": (markdown_of, "md", "text/markdown"),
    "junit": (junit_of, "xml", "application/xml"),
    "json": (_json, "json", "application/json"),
}


SCREENS = (
    Screen(
        name="verdict",
        path="/verdict",
        show=_verdict,
        label="Verdict",
        key="v",
        choices={"limit": NUMBER},
        every=15,
    ),
    Screen(
        name="verdict-file",
        path="/verdict/file/{form}",
        show=_file,
        part_of="verdict",
    ),
)
