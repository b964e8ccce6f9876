"""One rule as the comparison uses it: checked, compiled, with a name."""

from __future__ import annotations

from typing import Any

import re2

from shadow_middleware.compare.globs import PathMatcher, compile_name
from shadow_middleware.compare.sayings import Saying
from shadow_middleware.compare.value_shapes import family
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.exchange import Kind
from shadow_middleware.rule_checks import TOLERANCES, complaint
from shadow_middleware.settings import Rule

__all__ = ["CompiledRule"]

MAX_MATCHED = 8192
"""Characters of a value that a pattern is run on; longer ones never match."""
PATTERN_MEMORY = 1 << 20


class CompiledRule:
    """
    One rule, checked, with its name made up where none was given.

    Raises:
        ConfigurationError: it could never do what it says; names rule and field.
    """

    __slots__ = (
        *("_live", "_pattern", "_shadow", "expects", "judges", "method", "name"),
        *("path", "route", "rule", "target"),
    )

    def __init__(self, rule: Rule, place: str) -> None:
        self.rule = rule
        self.name = rule.name or _made_name(rule)
        where = f"{place} ({self.name!r})"
        found = complaint(rule)
        if found:
            raise ConfigurationError(f"{where}: {'; '.join(found)}")
        self._pattern = _compile_pattern("matches", rule.matches, where)
        self._live = _compile_pattern("live", rule.live, where)
        self._shadow = _compile_pattern("shadow", rule.shadow, where)
        self.expects = rule.action == "expect"
        self.judges = self.expects or bool(rule.kind or rule.shape)
        self.path = rule.path
        method, _, route = rule.route.rpartition(" ")
        self.method = method.strip().upper()
        self.route = PathMatcher([(route, True)])
        self.target = compile_name(rule.target)

    def applies(self, target: str, method: str, route: str) -> bool:
        """Whether the rule is about this target and this route."""
        return (
            self.method in ("", "*", method)
            and self.target.fullmatch(target) is not None
            and bool(self.route.find(route))
        )

    def fits(self, value: Any) -> bool:
        """Whether a scalar value has the form that the rule asks for, if any."""
        return _fits(self._pattern, value)

    def concerns(self, live: Any) -> bool:
        """Whether a change of live's value is expected."""
        return _fits(self._live, live)

    @property
    def conditional(self) -> bool:
        """Whether it depends on the values that it meets."""
        return self._pattern is not None

    def explains(self, kind: Kind, values: tuple[Any, Any], said: Saying) -> bool:
        """Whether it explains a difference that was found where it looks."""
        if kind is Kind.UNCHANGED or (self.rule.kind and self.rule.kind != kind.value):
            return False
        if self.expects:
            return self._is_expected(kind, *values)
        sides = _sides(kind, values)
        return all(map(self.fits, sides)) and self._has_shape(kind, said)

    def close(self, live: float, shadow: float) -> bool:
        """Whether two numbers are within the stated tolerance."""
        try:
            distance = abs(live - shadow)
            largest = max(abs(live), abs(shadow))
            return bool(
                distance <= self.rule.absolute
                or distance <= self.rule.relative * largest
            )
        except OverflowError:
            return False

    def _is_expected(self, kind: Kind, live: Any, shadow: Any) -> bool:
        if kind is Kind.ORDER or (kind in (Kind.MISSING, Kind.ADDED)) != (
            self.rule.kind in ("missing", "added")
        ):
            return False
        gone, new = kind is Kind.MISSING, kind is Kind.ADDED
        return (new or _fits(self._live, live)) and (
            gone or _fits(self._shadow, shadow)
        )

    def _has_shape(self, kind: Kind, said: Saying) -> bool:
        wanted = self.rule.shape
        if not wanted:
            return True
        sorts = {sort for sort in (said.live_is, said.shadow_is) if sort}
        if kind in (Kind.MISSING, Kind.ADDED):
            return bool(self.rule.kind) and {wanted} == {family(s) for s in sorts}
        if said.alike == wanted:
            return True
        return said.live_is == said.shadow_is and family(said.live_is) == wanted


def _sides(kind: Kind, values: tuple[Any, Any]) -> tuple[Any, ...]:
    if kind is Kind.MISSING:
        return values[:1]
    return values[1:] if kind is Kind.ADDED else values


def _fits(pattern: Any, value: Any) -> bool:
    if pattern is None:
        return True
    text = _text(value)
    if text is None or len(text) > MAX_MATCHED:
        return False
    try:
        return pattern.fullmatch(text) is not None
    except UnicodeEncodeError:
        return False


def _made_name(rule: Rule) -> str:
    stated = [
        f"{field}={getattr(rule, field)}"
        for field in ("matches", *TOLERANCES, "kind", "shape", "live", "shadow")
        if getattr(rule, field)
    ]
    return " ".join([rule.action, rule.part, rule.path, *stated])


def _compile_pattern(field: str, pattern: str, where: str) -> Any:
    if not pattern:
        return None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    options.dot_nl = True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise ConfigurationError(
            f"{where}: {field}={pattern!r} is not an RE2 pattern: {text}; RE2 knows no "
            f"look-around and no back-references"
        ) from error


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() < 4096 else None
    return None if isinstance(value, dict | list) else str(value)
