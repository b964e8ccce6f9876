"""
Rules as the comparison uses them: checked once, compiled, picked by route.

A `RuleBook` is built with the settings and refuses what could never work. For each
target and route it hands out a `RuleSet` with only the rules that apply there, so a
route without rules pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.compare.globs import PathMatcher, compile_name, split_pointer
from shadow_middleware.compare.sayings import Saying
from shadow_middleware.exchange import Kind, Part
from shadow_middleware.settings import Rule, Settings

__all__ = ["DEFAULT_IGNORES", "RuleBook", "RuleSet"]

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


class RuleSet:
    """The rules that apply to one target and route, by what they are about."""

    __slots__ = (
        *("_header_rules", "_headers", "_judging", "body_expects", "body_ignores"),
        *("body_judges", "body_tolerances", "default_ignores", "expects"),
        *("has_body_rules", "header_expects", "statuses"),
    )

    def __init__(self, rules: tuple[CompiledRule, ...], default_ignores: bool) -> None:
        self.default_ignores = default_ignores
        self.expects = any(rule.expects for rule in rules)
        self.statuses = [rule for rule in rules if rule.rule.part == "status"]
        body = [rule for rule in rules if rule.rule.part == "body"]
        plain = [rule for rule in body if not rule.judges]
        self.body_ignores = _matcher([r for r in plain if r.rule.action == "ignore"])
        self.body_tolerances = _matcher(
            [rule for rule in plain if rule.rule.action == "tolerate"]
        )
        self.body_judges = _matcher([rule for rule in body if rule.judges])
        self.body_expects = _matcher([rule for rule in body if rule.expects])
        self.has_body_rules = bool(body)
        headers = [rule for rule in rules if rule.rule.part == "header"]
        self._header_rules = [(compile_name(_header_glob(r.path)), r) for r in headers]
        self.header_expects = [rule for rule in headers if rule.expects]
        self._headers: dict[str, tuple[CompiledRule, ...]] = {}
        self._judging = any(rule.judges for rule in rules)

    @property
    def judging(self) -> RuleSet | None:
        """Itself, where some rule looks at what was found."""
        return self if self._judging else None

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

    def explaining(
        self, part: Part, path: str, kind: Kind, values: tuple[Any, Any], said: Saying
    ) -> CompiledRule | None:
        """Return the first rule that explains a difference that was found, if any."""
        for rule in self._looking(part, path):
            if rule.judges and rule.explains(kind, values, said):
                return rule
        return None

    def _looking(self, part: Part, path: str) -> Iterable[CompiledRule]:
        if part is Part.HEADER:
            return self.for_header(path.lower())
        if part is Part.BODY and self.body_judges is not None:
            return _on_the_way(self.body_judges, path)
        return self.statuses if part is Part.STATUS else ()


def _on_the_way(
    matcher: PathMatcher[CompiledRule], path: str
) -> Iterator[CompiledRule]:
    """Yield rules about `path`, and those that ignore something that it is in."""
    state, pieces = matcher.start, split_pointer(path)
    for number in range(len(pieces) + 1):
        whole = number == len(pieces)
        yield from (rule for rule in state.accepts if whole or not rule.expects)
        if not whole:
            state = matcher.step(state, pieces[number])


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
        self.expects = any(rule.expects for rule in self._rules)
        self._chosen: dict[tuple[str, str, str, bool], RuleSet] = {}
        self._sets: dict[tuple[int, ...], RuleSet] = {}

    def select(
        self, target: str, method: str, route: str, *, twins: bool = False
    ) -> RuleSet:
        """Return the rules for this target and route; for twins without `expect`."""
        wanted = (target, method, route, twins)
        chosen = self._chosen.get(wanted)
        if chosen is None:
            chosen = self._choose(wanted)
            if len(self._chosen) >= MAX_SETS:
                self._chosen.clear()
            self._chosen[wanted] = chosen
        return chosen

    def _choose(self, wanted: tuple[str, str, str, bool]) -> RuleSet:
        *where, twins = wanted
        numbers = tuple(
            number
            for number, rule in enumerate(self._rules)
            if rule.applies(*where) and not (twins and rule.expects)
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
    if name := settings.version_header:  # two builds name themselves, that is its use
        yield Rule(name=f"default:{name}", part="header", path=name)


def _matcher(rules: list[CompiledRule]) -> PathMatcher[CompiledRule] | None:
    return PathMatcher((rule.path, rule) for rule in rules) if rules else None


def _header_glob(path: str) -> str:
    return path.lower().replace("**", "*")
