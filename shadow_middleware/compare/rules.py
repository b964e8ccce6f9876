"""
Rules as the comparison uses them: checked once, compiled, picked by route.

A `RuleBook` is built with the settings and refuses what could never work. For each
target and route it hands out a `RuleSet` with only the rules that apply there, so a
route without rules pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import re2

from shadow_middleware.compare.globs import PathMatcher, compile_name
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.rule_checks import TOLERANCES, complaint
from shadow_middleware.settings import Rule, Settings

__all__ = ["DEFAULT_IGNORES", "CompiledRule", "RuleBook", "RuleSet"]

DEFAULT_IGNORES = (
    "age",
    "alt-svc",
    "cf-ray",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "request-id",
    "server",
    "server-timing",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "via",
    "x-amzn-requestid",
    "x-amzn-trace-id",
    "x-b3-traceid",
    "x-cloud-trace-context",
    "x-correlation-id",
    "x-powered-by",
    "x-process-time",
    "x-request-id",
    "x-response-time",
    "x-runtime",
    "x-served-by",
    "x-timer",
    "x-trace-id",
)
"""Headers that two healthy servers of one version differ in."""

MAX_SETS = 1024
"""Routes whose rules are kept; a raw path stands in for a route where none is known."""
MAX_MATCHED = 8192
"""Characters of a value that a pattern is run on; longer ones never match."""
PATTERN_MEMORY = 1 << 20


class CompiledRule:
    """One rule, checked, with its name made up where none was given."""

    __slots__ = ("_pattern", "method", "name", "path", "route", "rule", "target")

    def __init__(self, rule: Rule, place: str) -> None:
        self.rule = rule
        self.name = rule.name or _made_name(rule)
        where = f"{place} ({self.name!r})"
        found = complaint(rule)
        if found:
            raise ConfigurationError(f"{where}: {'; '.join(found)}")
        self._pattern = _compile_pattern(rule.matches, where)
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
        if self._pattern is None:
            return True
        text = _text(value)
        if text is None or len(text) > MAX_MATCHED:
            return False
        try:
            return self._pattern.fullmatch(text) is not None
        except UnicodeEncodeError:
            return False

    @property
    def conditional(self) -> bool:
        """Whether it depends on the values that it meets."""
        return self._pattern is not None

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


class RuleSet:
    """The rules that apply to one target and route, by what they are about."""

    __slots__ = (
        "_header_rules",
        "_headers",
        "body_ignores",
        "body_tolerances",
        "default_ignores",
        "has_body_rules",
        "statuses",
    )

    def __init__(self, rules: tuple[CompiledRule, ...], default_ignores: bool) -> None:
        self.default_ignores = default_ignores
        self.statuses = [rule for rule in rules if rule.rule.part == "status"]
        body = [rule for rule in rules if rule.rule.part == "body"]
        self.body_ignores = _matcher([r for r in body if r.rule.action == "ignore"])
        self.body_tolerances = _matcher(
            [rule for rule in body if rule.rule.action == "tolerate"]
        )
        self.has_body_rules = bool(body)
        self._header_rules = [
            (compile_name(_header_glob(rule.path)), rule)
            for rule in rules
            if rule.rule.part == "header"
        ]
        self._headers: dict[str, tuple[CompiledRule, ...]] = {}

    def for_header(self, name: str) -> tuple[CompiledRule, ...]:
        """Return the rules about the header `name` (lower case)."""
        if not self._header_rules:
            return ()
        found = self._headers.get(name)
        if found is None:
            found = tuple(r for glob, r in self._header_rules if glob.fullmatch(name))
            if len(self._headers) < MAX_SETS:
                self._headers[name] = found
        return found


class RuleBook:
    """
    Every rule of the settings, and those that were added at run time, compiled.

    Raises:
        ConfigurationError: a rule could never do what it says; names rule and field.
    """

    def __init__(self, settings: Settings, added: Sequence[Rule] = ()) -> None:
        stated = tuple(
            CompiledRule(rule, f"rules[{number}]")
            for number, rule in enumerate(_all_rules(settings))
        )
        self._rules = stated + tuple(
            CompiledRule(rule, f"added rules[{number}]")
            for number, rule in enumerate(added)
        )
        self._default_ignores = settings.default_ignores
        self._chosen: dict[tuple[str, str, str], RuleSet] = {}
        self._sets: dict[tuple[int, ...], RuleSet] = {}

    def select(self, target: str, method: str, route: str) -> RuleSet:
        """Return the rules for this target and route."""
        wanted = (target, method, route)
        chosen = self._chosen.get(wanted)
        if chosen is None:
            chosen = self._choose(wanted)
            if len(self._chosen) >= MAX_SETS:
                self._chosen.clear()
            self._chosen[wanted] = chosen
        return chosen

    def _choose(self, wanted: tuple[str, str, str]) -> RuleSet:
        numbers = tuple(
            number for number, rule in enumerate(self._rules) if rule.applies(*wanted)
        )
        known = self._sets.get(numbers)
        if known is None:
            rules = tuple(self._rules[number] for number in numbers)
            known = RuleSet(rules, self._default_ignores)
            if len(self._sets) < MAX_SETS:
                self._sets[numbers] = known
        return known


def _all_rules(settings: Settings) -> Iterator[Rule]:
    yield from settings.rules
    for name in settings.ignore_headers:
        yield Rule(name=f"ignore_headers:{name}", part="header", path=name)
    for path in settings.ignore_paths:
        yield Rule(name=f"ignore_paths:{path}", path=path)


def _matcher(rules: list[CompiledRule]) -> PathMatcher[CompiledRule] | None:
    return PathMatcher((rule.path, rule) for rule in rules) if rules else None


def _header_glob(path: str) -> str:
    return path.lower().replace("**", "*")


def _made_name(rule: Rule) -> str:
    stated = [
        f"{field}={getattr(rule, field)}"
        for field in ("matches", *TOLERANCES)
        if getattr(rule, field)
    ]
    return " ".join([rule.action, rule.part, rule.path, *stated])


def _compile_pattern(pattern: str, where: str) -> Any:
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
            f"{where}: matches={pattern!r} is not an RE2 pattern: {text}; RE2 knows no "
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
