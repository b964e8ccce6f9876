"""Headers and trailers, as multimaps with names in any case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.compare.cookies import compare_cookies, cookie_texts
from shadow_middleware.compare.expect import note_unchanged_headers
from shadow_middleware.compare.findings import Findings
from shadow_middleware.compare.media import parameters
from shadow_middleware.compare.rules import DEFAULT_IGNORES, RuleSet
from shadow_middleware.exchange import Headers, Kind

__all__ = ["Section", "compare_headers"]

Values = tuple[bytes, ...]
Table = dict[str, Values]

LISTS = {
    "accept-ranges",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "allow",
    "cache-control",
    "clear-site-data",
    "pragma",
    "vary",
}
"""Headers that are sets of tokens: neither order, case nor spacing means anything."""

MAX_NAMES = 4096
_names: dict[bytes, str] = {}


class Section(NamedTuple):
    """What to know about the headers or trailers that are compared."""

    rules: RuleSet
    framed: bool
    """Whether the bodies are compared, and with them their lengths."""
    note: str = ""


def compare_headers(
    live: Headers, shadow: Headers, section: Section, findings: Findings
) -> frozenset[str]:
    """
    Write every header that differs into `findings`; return the names of all that do.

    Raises:
        BudgetSpent: there are too many.
    """
    left, right = _table(live), _table(shadow)
    if section.rules.header_expects:
        tables = _readable(left), _readable(right)
        note_unchanged_headers(*tables, section.rules, findings)
    if left == right:
        return frozenset()
    differing = {}
    for name in [*left, *(name for name in right if name not in left)]:
        ours, theirs = left.get(name, ()), right.get(name, ())
        if ours != theirs:
            differing[name] = ours, theirs
    for name, (ours, theirs) in differing.items():
        findings.tick()
        _compare(name, ours, theirs, section, findings)
    return frozenset(differing)


def _table(headers: Headers) -> Table:
    table: Table = {}
    for name, value in headers:
        known = _names.get(name)
        if known is None:
            known = _lower(name)
        if known in table:
            table[known] += (value,)
        else:
            table[known] = (value,)
    return table


def _readable(table: Table) -> dict[str, str]:
    """Return each header as one text, and each cookie as its attributes."""
    texts = {name: _text(values) or "" for name, values in table.items()}
    return texts | cookie_texts(table.get("set-cookie", ()))


def _lower(name: bytes) -> str:
    known = name.decode("latin-1").lower()
    if len(_names) < MAX_NAMES:
        _names[bytes(name)] = known
    return known


def _compare(
    name: str, live: Values, shadow: Values, section: Section, findings: Findings
) -> None:
    kind = _kind(live, shadow)
    rule = _rule_for(name, live, shadow, section.rules)
    reason = rule or _reason(name, live, shadow, section)
    if rule:
        findings.hit(rule, str(kind))
    elif reason:
        findings.explain(reason)
    elif name == "set-cookie":
        compare_cookies(live, shadow, section.rules, findings)
    else:
        texts = _text(live), _text(shadow)
        findings.add_header(name, kind, *texts, section.note)


def _rule_for(name: str, live: Values, shadow: Values, rules: RuleSet) -> str:
    """Return the name of the rule that explains the difference, or ''."""
    for rule in rules.for_header(name):
        if _is_explained(rule, live, shadow):
            return rule.name
    return ""


def _reason(name: str, live: Values, shadow: Values, section: Section) -> str:
    """Return the default or normaliser that explains the difference, or ''."""
    # Without a body, as for HEAD, the stated length is all that tells of it.
    telling = name == "content-length" and not section.framed and live and shadow
    if section.rules.default_ignores and name in DEFAULT_IGNORES and not telling:
        return f"default:{name}"
    if not live or not shadow:
        return ""
    return _normaliser(name, live, shadow)


def _normaliser(name: str, live: Values, shadow: Values) -> str:
    if name == "content-type":
        same = [*map(_media_type, live)] == [*map(_media_type, shadow)]
        return "media-type-form" if same else ""
    if name in LISTS:
        return "header-list-form" if _tokens(live) == _tokens(shadow) else ""
    return ""


def _is_explained(rule: CompiledRule, live: Values, shadow: Values) -> bool:
    if rule.judges or not all(
        rule.fits(value.decode("latin-1")) for value in (*live, *shadow)
    ):
        return False
    if rule.rule.action == "ignore":
        # A pattern asks for both values, so a header that is absent never fits it.
        return not rule.conditional or bool(live and shadow)
    if rule.rule.unordered and sorted(_items(live)) == sorted(_items(shadow)):
        return True
    return len(live) == len(shadow) and all(map(_Close(rule), live, shadow))


class _Close:
    """Whether two header values are numbers within a rule's tolerance."""

    def __init__(self, rule: CompiledRule) -> None:
        self._rule = rule

    def __call__(self, live: bytes, shadow: bytes) -> bool:
        try:
            return self._rule.close(float(live), float(shadow))
        except ValueError:
            return False


def _media_type(value: bytes) -> tuple[str, dict[str, str]]:
    name, stated = parameters(value.decode("latin-1"))
    if "charset" in stated:
        stated["charset"] = stated["charset"].lower()
    return name, stated


def _items(values: Values) -> list[bytes]:
    return [item.strip() for value in values for item in value.split(b",")]


def _tokens(values: Values) -> list[bytes]:
    return sorted(item.lower() for item in _items(values) if item)


def _kind(live: Sequence[bytes], shadow: Sequence[bytes]) -> Kind:
    if not shadow:
        return Kind.MISSING
    if not live:
        return Kind.ADDED
    return Kind.ORDER if sorted(live) == sorted(shadow) else Kind.CHANGED


def _text(values: Values) -> str | None:
    return ", ".join(value.decode("latin-1") for value in values) if values else None
