"""The page of targets: how each stands, what is set of it at run time, and the switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode

from shadow_middleware.dashboard.said import said
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.reading.steering import name_for
from shadow_middleware.report.standing import set_in_words, standing_in_words, tone_of

__all__ = ["SCREENS"]

_BY: Final = "the dashboard"
_NOTE: Final = 1_000


def _targets(visit: Visit) -> Shown:
    return Shown(template="targets.html", values=_values(visit))


def _values(visit: Visit, problem: str = "") -> dict[str, Any]:
    rows = visit.reading.targets()
    standing = [one.standing for one in rows]
    return {
        "rows": rows,
        "states": [standing_in_words(one) if one else "" for one in standing],
        "tones": [tone_of(one) if one else "quiet" for one in standing],
        "sets": [set_in_words(one.stored) if one and one.stored else []
                 for one in standing],
        "switch": visit.reading.switch(),
        "allowed": visit.reading.settings.target_allow,
        "problem": problem,
        "entered": visit.form if problem else {},
        **said(visit),
    }  # fmt: skip


# --- what is posted -------------------------------------------------------------------


def _add(visit: Visit) -> Shown:
    """Add a target at a URL that is allowed."""
    form, steering = visit.form, visit.steering
    url = form.get("url", "").strip()
    taken = steering.names()
    name = form.get("name", "").strip() or name_for(url, taken)
    if name in taken:
        return _refused(visit, f"There is a target named {name!r} already.")
    # What is left empty is as the whole says; a note that is empty is none.
    table = {key: value for key, value in _table(form).items() if value is not None}
    return _changed(visit, {**table, "name": name, "url": url}, "target-added")


def _set(visit: Visit) -> Shown:
    """Change what a form has of a target; what is empty follows the settings again."""
    name = visit.form.get("name", "")
    return _changed(visit, {"name": name, **_table(visit.form)}, "target-set")


def _changed(visit: Visit, table: Mapping[str, Any], told: str) -> Shown:
    try:
        visit.steering.change(table, by=_BY, source="form")
    except ConfigurationError as error:
        return _refused(visit, str(error))
    return _to(told)


def _refused(visit: Visit, problem: str) -> Shown:
    values = _values(visit, problem)
    return Shown(template="targets.html", values=values, status=422, title="Targets")


def _remove(visit: Visit) -> Shown:
    """Forget what was set of a target."""
    removed = visit.steering.remove(visit.form.get("name", ""))
    return _to("target-removed" if removed else "gone")


def _turn(visit: Visit) -> Shown:
    """Stop all copies, or have them made again."""
    on = visit.form.get("on") == "yes"
    reason = visit.form.get("reason", "").strip()[:_NOTE]
    visit.steering.turn(on=on, reason=reason, by=_BY)
    return _to("switched-on" if on else "switched-off")


def _to(told: str) -> Shown:
    return Shown(goto=f"/targets?{urlencode({'said': told})}")


# --- from a form to a table -------------------------------------------------------------


def _number(kind: Callable[[str], float]) -> Callable[[str], object]:
    def read(text: str) -> object:
        with suppress(ValueError):
            return kind(text)
        return text  # what checks it says what is wrong

    return read


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _yes(text: str) -> object:
    return {"yes": True, "no": False}.get(text, text)


_FIELDS: Final[Mapping[str, Callable[[str], object]]] = {
    "enabled": _yes,
    "rate": _number(float),
    "rate_limit": _number(float),
    "concurrency": _number(int),
    "methods": _words,
    "include": str.split,
    "exclude": str.split,
    "persistent": _yes,
    "note": str,
}


def _table(form: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form says of a target; None where a field is empty."""
    return {
        name: read(text) if (text := form[name].strip()) else None
        for name, read in _FIELDS.items()
        if name in form
    }


SCREENS = (
    Screen(
        name="targets",
        path="/targets",
        show=_targets,
        label="Targets",
        key="t",
        every=5,
    ),
    *(
        Screen(name=name, path=path, show=show, method="POST", part_of="targets")
        for name, path, show in (
            ("add-target", "/targets/add", _add),
            ("set-target", "/targets/set", _set),
            ("remove-target", "/targets/remove", _remove),
            ("turn-switch", "/targets/switch", _turn),
        )
    ),
)
