"""
One live response beside one shadow response: status, headers, trailers, body.

This is the stage between replay and judgement. It is pure but for the clock that it
is given, which bounds how long it may look.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from shadow_middleware.compare.body import UNSEEN, compare_bodies, same_bytes
from shadow_middleware.compare.expect import note_unchanged_status
from shadow_middleware.compare.findings import BudgetSpent, Findings
from shadow_middleware.compare.headers import Section, compare_headers
from shadow_middleware.compare.hints import hint_for
from shadow_middleware.compare.legs import Legs
from shadow_middleware.compare.likeness import Likeness
from shadow_middleware.compare.rules import RuleBook, RuleSet
from shadow_middleware.compare.sayings import Saying
from shadow_middleware.exchange import Difference, Exchange, Kind, Part, Response
from shadow_middleware.settings import Rule, Settings

__all__ = ["CHEAP_BYTES", "Comparer", "Comparison"]

CHEAP_BYTES = 16 * 1024
"""Bytes of both bodies together that no input makes cost 50 ms."""
BODILESS = (204, 304)


class Comparison(msgspec.Struct, frozen=True):
    """What came of comparing two responses."""

    result: Literal["equal", "explained", "different", "incomparable"]
    """`explained`: other bytes, and a name for every reason why that is no matter."""
    differences: tuple[Difference, ...] = ()
    explained: tuple[str, ...] = ()
    """Names of the rules and normalisers that were needed."""
    cut: bool = False
    """Whether a bound was reached before everything was compared."""
    hint: str = ""
    hits: tuple[tuple[str, str], ...] = ()
    """Each rule that took a difference away, with the sort of difference: `changed`,
    `missing`, `added`, `order`, `type: string → null`, `expected`."""


EQUAL = Comparison("equal")


class Comparer:
    """
    Compares responses by the settings' rules, within the settings' budget.

    Safe to use from several threads. `rules` are those that were added at run time;
    they come after those of the settings.

    Raises:
        ConfigurationError: a rule could never do what it says.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.thread_time,
        rules: Sequence[Rule] = (),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rules = RuleBook(settings, rules)

    def replace_rules(self, rules: Sequence[Rule]) -> None:
        """
        Put these in place of the rules that were added at run time.

        Raises:
            ConfigurationError: one of them could never do what it says; nothing has
                changed then.
        """
        self._rules = RuleBook(self._settings, rules)

    def compare(
        self,
        exchange: Exchange,
        target: str,
        response: Response,
        legs: Legs | None = None,
        *,
        twins: bool = False,
    ) -> Comparison:
        """
        Return how the shadow's response compares to the live one.

        Args:
            exchange: With the live response.
            target: The shadow's name, which rules may ask for.
            response: What the shadow answered.
            legs: When and where each side answered; without them nothing is said of
                times and host names.
            twins: Whether both answers are of one version, so that no rule may expect
                a change.
        """
        live = exchange.response
        if live is None:
            return Comparison("incomparable", hint="The live app did not answer")
        book, method = self._rules, exchange.request.method
        identical = _is_same_answer(live, response)
        if identical and (twins or not book.expects):
            return EQUAL
        rules = book.select(target, method, exchange.route, twins=twins)
        if identical and not rules.expects:
            return EQUAL
        likeness = Likeness(self._settings, legs)
        findings = Findings(self._settings, self._clock, likeness, rules.judging)
        try:
            self._compare(method, live, response, rules, findings)
        except BudgetSpent:
            _note_spent(findings, identical)
        return _concluded(findings, exchange, live, response)

    def is_cheap(self, exchange: Exchange, response: Response) -> bool:
        """Whether `compare` is sure to take well under 50 ms for these two."""
        live = exchange.response
        if live is None or live.body.length + response.body.length <= CHEAP_BYTES:
            return live is None or not (_is_coded(live) or _is_coded(response))
        return (
            live.body.digest is None
            and response.body.digest is None
            and live.body.data == response.body.data
        )

    def _compare(
        self,
        method: str,
        live: Response,
        shadow: Response,
        rules: RuleSet,
        findings: Findings,
    ) -> None:
        _compare_status(live.status, shadow.status, rules, findings)
        bodiless = method == "HEAD" or (
            live.status in BODILESS and shadow.status in BODILESS
        )
        differing: frozenset[str] = frozenset()
        if live.headers != shadow.headers or rules.header_expects:
            section = Section(rules, framed=not bodiless)
            differing = compare_headers(live.headers, shadow.headers, section, findings)
        if live.trailers != shadow.trailers:
            section = Section(rules, framed=True, note="trailer")
            compare_headers(live.trailers, shadow.trailers, section, findings)
        alike = "content-encoding" not in differing or not live.body.length
        identical = alike and same_bytes(live.body, shadow.body)
        if bodiless or (identical and rules.body_expects is None):
            return
        if _is_failure_on_one_side(live.status, shadow.status, findings):
            _note_other_body(live, shadow, findings)
        else:
            cap = self._settings.max_expanded_body
            compare_bodies(live, shadow, rules, findings, cap)


def _is_same_answer(live: Response, shadow: Response) -> bool:
    """Whether they are the same byte for byte, which most answers should be."""
    return (
        live.status == shadow.status
        and live.headers == shadow.headers
        and live.trailers == shadow.trailers
        and same_bytes(live.body, shadow.body)
    )


def _compare_status(live: int, shadow: int, rules: RuleSet, findings: Findings) -> None:
    if live == shadow:
        note_unchanged_status(live, shadow, rules, findings)
        return
    for rule in rules.statuses:
        if rule.rule.action == "ignore" or {live, shadow} <= {*rule.rule.statuses}:
            findings.hit(rule.name, "changed")
            return
    findings.add_status(Kind.CHANGED, live, shadow)


def _is_failure_on_one_side(live: int, shadow: int, findings: Findings) -> bool:
    """Whether the bodies are of another kind altogether, a page beside an error."""
    return live // 100 != shadow // 100 and any(
        difference.part is Part.STATUS for difference in findings.differences()
    )


def _note_other_body(live: Response, shadow: Response, findings: Findings) -> None:
    findings.add(
        Part.BODY,
        "",
        Kind.CHANGED,
        f"{live.body.length} bytes",
        f"{shadow.body.length} bytes",
        "not compared further, because the statuses differ",
        said=Saying("bytes", "bytes"),
    )


def _note_spent(findings: Findings, identical: bool) -> None:
    findings.cut = True
    if identical:
        findings.undecided = True
        findings.hint = UNSEEN
        return
    if not findings.found:
        findings.hint = (
            "The comparison ran out of time, so rules may not have been applied in "
            "full: raise compare_budget, or ignore what makes the body so large"
        )
        findings.add(
            Part.BODY,
            "",
            Kind.CHANGED,
            note="the bytes differ; the comparison ended at compare_budget "
            "before it could say where",
            said=Saying("bytes", "bytes"),
        )


def _concluded(
    findings: Findings, exchange: Exchange, live: Response, shadow: Response
) -> Comparison:
    explained = findings.explained
    hits = findings.hits
    if findings.found:
        hint = hint_for(exchange, live, shadow) or findings.hint
        found = findings.differences()
        return Comparison("different", found, explained, findings.cut, hint, hits)
    if findings.undecided:
        return Comparison("incomparable", (), explained, True, findings.hint, hits)
    if not explained:
        return EQUAL
    return Comparison("explained", (), explained, hits=hits)


def _is_coded(response: Response) -> bool:
    return any(name.lower() == b"content-encoding" for name, _ in response.headers)
