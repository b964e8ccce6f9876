"""
Set-Cookie by name and attributes.

The value of a cookie is by nature each server's own: a session made by live is not
the one made by the shadow. So by default a cookie must be there on both sides and
have the same attributes, and the name `cookie-value` says that values differed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shadow_middleware.compare.findings import Findings
from shadow_middleware.compare.rules import RuleSet
from shadow_middleware.exchange import Kind

__all__ = ["compare_cookies", "cookie_texts"]

KNOWN = {
    *("domain", "expires", "httponly", "max-age", "partitioned", "path", "priority"),
    "secure",
}
SITES = {"samesite=lax", "samesite=none", "samesite=strict"}
TIMES = ("expires",)
"""Attributes that follow the clock; only their presence is compared."""


class Cookie(NamedTuple):
    """One Set-Cookie line."""

    name: str
    value: str
    attributes: dict[str, str]


def compare_cookies(
    live: Sequence[bytes], shadow: Sequence[bytes], rules: RuleSet, findings: Findings
) -> None:
    """Write cookies that differ under `set-cookie/NAME`; values are never shown."""
    ours, theirs = _jar(live), _jar(shadow)
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        path = f"set-cookie/{name}"
        left, right = ours.get(name, []), theirs.get(name, [])
        reason = _rule_for(path, rules)
        if left == right:
            continue
        if reason:
            findings.hit(reason, str(_kind(left, right)))
        elif len(left) != len(right):
            shown = _shown(left), _shown(right)
            findings.add_cookie(
                path, _kind(left, right), shown, _attributes(left, right)
            )
        else:
            for one, other in zip(left, right, strict=True):
                _compare_pair(path, one, other, rules, findings)
    if ours == theirs:
        # The same cookies, in another order, spacing or case.
        findings.explain("cookie-form")


def cookie_texts(lines: Sequence[bytes]) -> dict[str, str]:
    """Return the attributes of each cookie under its path, without its value."""
    jar = _jar(lines).items()
    return {f"set-cookie/{name}".lower(): _shown(found) or "" for name, found in jar}


def _compare_pair(
    path: str, live: Cookie, shadow: Cookie, rules: RuleSet, findings: Findings
) -> None:
    if _compared(live) != _compared(shadow):
        shown = _shown([live]), _shown([shadow])
        findings.add_cookie(path, Kind.CHANGED, shown, _attributes([live], [shadow]))
    elif bool(live.value) != bool(shadow.value) or (
        live.value != shadow.value and not rules.default_ignores
    ):
        states = "a value" if live.value else "empty", _other(live, shadow)
        values = live.value, shadow.value
        findings.add_cookie(path, Kind.CHANGED, states, values, by_value=True)
    elif live.value != shadow.value:
        findings.explain("cookie-value")
    elif live != shadow:
        findings.explain("cookie-time")


def _kind(live: list[Cookie], shadow: list[Cookie]) -> Kind:
    if len(live) == len(shadow):
        return Kind.CHANGED
    return Kind.MISSING if len(live) > len(shadow) else Kind.ADDED


def _attributes(live: list[Cookie], shadow: list[Cookie]) -> tuple[str, str]:
    """Return what each side's cookies are, by the attributes that all know."""
    return _form(live), _form(shadow)


def _form(cookies: list[Cookie]) -> str:
    found = {name for cookie in cookies for name in cookie.attributes}
    sites = {f"samesite={c.attributes.get('samesite')}" for c in cookies}
    known = (found & KNOWN) | (sites & SITES)
    return " ".join(["cookie", *sorted(known)]) if cookies else ""


def _other(live: Cookie, shadow: Cookie) -> str:
    if not shadow.value:
        return "empty"
    return "another value" if live.value else "a value"


def _rule_for(path: str, rules: RuleSet) -> str:
    for rule in rules.for_header(path.lower()):
        if rule.rule.action == "ignore" and not (rule.conditional or rule.judges):
            return rule.name
    return ""


def _jar(lines: Sequence[bytes]) -> dict[str, list[Cookie]]:
    jar: dict[str, list[Cookie]] = {}
    for line in lines:
        cookie = _cookie(line.decode("latin-1"))
        jar.setdefault(cookie.name, []).append(cookie)
    return jar


def _cookie(line: str) -> Cookie:
    first, *rest = line.split(";")
    name, _, value = first.partition("=")
    pairs = (piece.partition("=") for piece in rest if piece.strip())
    attributes = {key.strip().lower(): text.strip() for key, _, text in pairs}
    if "samesite" in attributes:
        attributes["samesite"] = attributes["samesite"].lower()
    return Cookie(name.strip(), value.strip().strip('"'), attributes)


def _compared(cookie: Cookie) -> dict[str, str]:
    return {
        key: "" if key in TIMES else text for key, text in cookie.attributes.items()
    }


def _shown(cookies: list[Cookie]) -> str | None:
    """Return attributes only: a cookie's value is a secret."""
    if not cookies:
        return None
    return ", ".join(
        "; ".join([f"{cookie.name}=…", *_pairs(cookie.attributes)])
        for cookie in cookies
    )


def _pairs(attributes: dict[str, str]) -> list[str]:
    return [f"{k}={text}" if text else k for k, text in sorted(attributes.items())]
