"""What a person decides: each is posted, done, and answered with the page it was on."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from shadow_middleware.dashboard.divergences import missing
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.errors import ConfigurationError, DecodeError
from shadow_middleware.knowledge import RULINGS, GroupState
from shadow_middleware.report.groups import expectation
from shadow_middleware.report.rule_text import rule_toml

__all__ = ["SCREENS"]

_STATES: Final = {
    "ignore": (GroupState.IGNORED, "ignored"),
    "resolve": (GroupState.RESOLVED, "resolved"),
    "reopen": (GroupState.OPEN, "reopened"),
}
_NOTE: Final = 1_000


def _decide(visit: Visit) -> Shown:
    """Set the state of a group, or rule whether it is noise."""
    group, word = visit.path["fingerprint"], visit.form.get("decision", "")
    note = visit.form.get("note", "").strip()[:_NOTE] or None
    state, told = _STATES.get(word, (None, word))
    if state is None and word not in RULINGS:
        return missing("No such decision", f"{word!r} cannot be decided.")
    ruling = RULINGS.get(word)
    if not visit.triage.decide(group, state=state, ruling=ruling, note=note):
        return missing("No such group", f"No group has the fingerprint {group!r}.")
    if visit.form.get("back") == "noise":
        return _to("/noise", told)
    return _to(_page(group), told)


def _expect(visit: Visit) -> Shown:
    """Add the rule that calls a group an intended change."""
    group = visit.path["fingerprint"]
    found = visit.reading.group(group)
    rule = expectation(found.row) if found else None
    if found is None or rule is None:
        return missing("No such group", f"No rule can expect the group {group!r}.")
    added = visit.triage.add_rules(rule_toml(rule), note=f"group {group}")
    return _to(_page(group), "expected" if added else "twice")


def _recheck(visit: Visit) -> Shown:
    """Begin to send the samples of a group again."""
    group = visit.path["fingerprint"]
    try:
        visit.triage.recheck(group, resolve=visit.form.get("resolve") == "yes")
    except ConfigurationError:
        return _to(_page(group), "unset")
    return _to(_page(group), "started")


def _apply(visit: Visit) -> Shown:
    """Add a rule that was suggested."""
    try:
        added = visit.triage.add_rules(visit.form.get("toml", ""), note="suggested")
    except (ConfigurationError, DecodeError):
        return _to("/rules", "refused")
    return _to("/rules", "added" if added else "twice")


def _apply_all(visit: Visit) -> Shown:
    """Add every rule that is suggested now."""
    proposals = visit.reading.suggestions().proposals
    text = "\n".join(rule_toml(one.rule) for one in proposals)
    added = visit.triage.add_rules(text, note="suggested") if proposals else 0
    return _to("/rules", "added" if added else "twice")


def _remove(visit: Visit) -> Shown:
    """Remove a rule that was added at run time."""
    removed = visit.triage.remove_rule(visit.form.get("name", ""))
    return _to("/rules", "removed" if removed else "gone")


def _page(group: str) -> str:
    return f"/groups/{quote(group, safe='')}"


def _to(path: str, told: str) -> Shown:
    return Shown(goto=f"{path}?{urlencode({'said': told})}")


SCREENS = tuple(
    Screen(name=name, path=path, show=show, method="POST", part_of=part_of)
    for name, path, show, part_of in (
        ("decide", "/groups/{fingerprint}/decision", _decide, "groups"),
        ("expect", "/groups/{fingerprint}/expectation", _expect, "groups"),
        ("recheck", "/groups/{fingerprint}/recheck", _recheck, "groups"),
        ("apply-rule", "/rules/add", _apply, "rules"),
        ("apply-rules", "/rules/add-all", _apply_all, "rules"),
        ("remove-rule", "/rules/remove", _remove, "rules"),
    )
)
