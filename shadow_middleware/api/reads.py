"""The endpoints that read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec

from shadow_middleware.api.operation import (
    Fingerprint,
    Listed,
    Nothing,
    Operation,
    Page,
    Question,
    Slice,
    Text,
    Time,
    page_of,
)
from shadow_middleware.api.problem import Refused
from shadow_middleware.evidence import DivergenceFilter, StoredDivergence
from shadow_middleware.exchange import Part
from shadow_middleware.knowledge import GroupFilter, VersionSeen
from shadow_middleware.reading import Overview, Series
from shadow_middleware.reading.knowing import GroupDetail
from shadow_middleware.report.coverage import Coverage
from shadow_middleware.report.groups import COUNTED, STATES, GroupRow
from shadow_middleware.report.noise import NoiseRow
from shadow_middleware.report.rule_list import RuleRow
from shadow_middleware.report.search import in_group, in_noise, in_route, words_of
from shadow_middleware.report.stats import DivergenceLine, Stats, line_of
from shadow_middleware.report.suggest import Suggestion
from shadow_middleware.report.summary import RouteSummary, Summary
from shadow_middleware.report.verdict import Verdict

__all__ = ["READS"]

_STATE = f"({'|'.join(('counted', 'all', *STATES))})"
_Status = Annotated[int, msgspec.Meta(ge=100, le=999)]


class OfTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which target is meant; left out, all are."""

    target: Text | None = None


class Span(OfTarget, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From when on evidence counts."""

    since: Time | None = None


class Where(Span, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which evidence is meant."""

    route: Text | None = None


class OfSeries(Where, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which evidence, and in how many steps at most."""

    steps: Annotated[int, msgspec.Meta(ge=1, le=300)] = 60


class OfRoutes(Slice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which routes are meant."""

    target: Text | None = None
    since: Time | None = None
    find: Text | None = None
    """Words that all have to be in a row, in any case."""


class OfGroups(Slice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which groups are meant."""

    target: Text | None = None
    since: Time | None = None
    route: Text | None = None
    part: Part | None = None
    state: Annotated[
        str,
        msgspec.Meta(
            pattern=f"^{_STATE}(,{_STATE})*$",
            extra={
                "words": f"one of counted, all, {', '.join(STATES)}, or several of "
                "them, as open,noise"
            },
        ),
    ] = "counted"
    """One or several; `counted` is open and regressed."""
    find: Text | None = None
    """Words that all have to be in a row, in any case."""


class OfDivergences(Slice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which divergences are meant."""

    target: Text | None = None
    since: Time | None = None
    route: Text | None = None
    until: Time | None = None
    live_status: _Status | None = None
    shadow_status: _Status | None = None
    group: Fingerprint | None = None


class OfNoise(Slice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which of what was learned is meant."""

    target: Text | None = None
    route: Text | None = None
    held: Literal["noise", "signal"] | None = None
    find: Text | None = None
    """Words that all have to be in a row, in any case."""


class TargetRoute(msgspec.Struct, frozen=True):
    """A route of one target."""

    target: str
    summary: RouteSummary


class NoisePage(Page[NoiseRow], frozen=True):
    """A part of what was learned of noise."""

    compared: float
    """Exchanges that the whole profile rests on."""


def _stats(asked: Question) -> Stats:
    """Return the figures that scripts and status pages ask for."""
    where: Where = asked.query
    return asked.reading.stats(where.since, target=where.target, route=where.route)


def _summary(asked: Question) -> Summary:
    """Return what became of all replays, by target: outcomes, latency, groups."""
    where: Where = asked.query
    return asked.reading.summary(where.since, target=where.target, route=where.route)


def _overview(asked: Question) -> Overview:
    """Return the summary and the verdict, from one reading of the evidence."""
    where: Where = asked.query
    return asked.reading.overview(where.since, target=where.target, route=where.route)


def _routes(asked: Question) -> Page[TargetRoute]:
    """List routes, the busiest first."""
    where: OfRoutes = asked.query
    words = words_of(where.find or "")
    summary = asked.reading.summary(where.since, target=where.target)
    rows = [
        TargetRoute(one.target, route)
        for one in summary.targets
        for route in one.routes
        if in_route(words, one.target, route.route)
    ]
    rows.sort(key=lambda row: -row.summary.count)
    return page_of(rows, where)


def _series(asked: Question) -> Series:
    """Return outcomes, match rate and latency over time."""
    where: OfSeries = asked.query
    return asked.reading.series(
        where.since, target=where.target, route=where.route, steps=where.steps
    )


def _groups(asked: Question) -> Page[GroupRow]:
    """List groups of divergences, those with the most first; by default those that count."""
    asked_for: OfGroups = asked.query
    where = GroupFilter(
        target=asked_for.target,
        route=asked_for.route,
        part=asked_for.part,
        since=asked_for.since,
        with_noise=True,
    )
    limit, offset = asked_for.limit, asked_for.offset
    states, words = set(asked_for.state.split(",")), words_of(asked_for.find or "")
    if "all" in states and not words:
        rows, total = asked.reading.group_page(where, limit=limit, offset=offset)
        return Page(rows, total, limit, offset)
    wanted = _states(states)
    fitting = [
        row
        for row in asked.reading.groups(where)
        if row.state in wanted and in_group(words, row)
    ]
    return page_of(fitting, asked_for)


def _states(named: set[str]) -> set[str]:
    if "all" in named:
        return set(STATES)
    return named | set(COUNTED) if "counted" in named else named


def _group(asked: Question) -> GroupDetail:
    """Return one group with its noise, its history and its samples, redacted."""
    found = asked.reading.group(asked.path["fingerprint"])
    if found is None:
        raise Refused(404, "there is no such group")
    return found


def _divergences(asked: Question) -> Page[DivergenceLine]:
    """List stored divergences in short, the newest first."""
    given: OfDivergences = asked.query
    names = DivergenceFilter.__struct_fields__
    where = DivergenceFilter(**{name: getattr(given, name) for name in names})
    page = asked.reading.divergences(where, limit=given.limit, offset=given.offset)
    lines = [line_of(one) for one in page.rows]
    return Page(lines, page.total, given.limit, given.offset)


def _divergence(asked: Question) -> StoredDivergence:
    """Return one divergence with its exchange, both answers redacted and bounded."""
    number = int(asked.path["id"])
    for one in asked.reading.divergence(str(number)):
        if one.id == number:
            return one
    raise Refused(404, "there is no divergence of that number")


def _exchange(asked: Question) -> Listed[StoredDivergence]:
    """Return what is stored of one exchange, redacted: a divergence for each target."""
    name = asked.path["exchange_id"]
    found = [
        one for one in asked.reading.divergence(name) if one.record.exchange_id == name
    ]
    if not found:
        raise Refused(404, "nothing is stored of that exchange")
    return Listed(found)


def _noise(asked: Question) -> NoisePage:
    """List what was learned of noise, by target, route and place."""
    where: OfNoise = asked.query
    wanted = None if where.held is None else where.held == "noise"
    words = words_of(where.find or "")
    found = asked.reading.noise()
    rows = [
        row
        for row in found.rows
        if where.target in (None, row.key.target)
        and where.route in (None, row.key.route)
        and wanted in (None, row.noise)
        and in_noise(words, row)
    ]
    page = page_of(rows, where)
    return NoisePage(page.items, page.total, page.limit, page.offset, found.compared)


def _rules(asked: Question) -> Listed[RuleRow]:
    """List every rule: where it was stated, how often it fired, what it took away."""
    return Listed(asked.reading.rules())


def _suggestions(asked: Question) -> Suggestion:
    """Return the fewest rules that would explain the noise seen so far."""
    return asked.reading.suggestions(asked.query.target)


def _coverage(asked: Question) -> Coverage:
    """Return what of the app was put to the test, and what was not."""
    where: Span = asked.query
    return asked.reading.coverage(where.since, target=where.target)


def _verdict(asked: Question) -> Verdict:
    """Return whether each target may be promoted, with every criterion and its reason."""
    where: Where = asked.query
    return asked.reading.verdict(
        since=where.since, target=where.target, route=where.route
    )


def _versions(asked: Question) -> Listed[VersionSeen]:
    """List the versions of each target, the latest seen first."""
    return Listed(asked.reading.reader.versions(asked.query.target))


def _read(
    path: str, run: Callable[[Question], Any], answer: Any, query: Any = Nothing
) -> Operation:
    return Operation(
        name=run.__name__.strip("_"), path=path, run=run, answer=answer, query=query
    )


READS: Final = (
    # The one without a version in its path: scripts know it by this name.
    _read("/stats", _stats, Stats, Where),
    _read("/v1/summary", _summary, Summary, Where),
    _read("/v1/overview", _overview, Overview, Where),
    _read("/v1/routes", _routes, Page[TargetRoute], OfRoutes),
    _read("/v1/series", _series, Series, OfSeries),
    _read("/v1/groups", _groups, Page[GroupRow], OfGroups),
    _read("/v1/groups/{fingerprint}", _group, GroupDetail),
    _read("/v1/divergences", _divergences, Page[DivergenceLine], OfDivergences),
    _read("/v1/divergences/{id}", _divergence, StoredDivergence),
    _read("/v1/exchanges/{exchange_id}", _exchange, Listed[StoredDivergence]),
    _read("/v1/noise", _noise, NoisePage, OfNoise),
    _read("/v1/rules", _rules, Listed[RuleRow]),
    _read("/v1/suggestions", _suggestions, Suggestion, OfTarget),
    _read("/v1/coverage", _coverage, Coverage, Span),
    _read("/v1/verdict", _verdict, Verdict, Where),
    _read("/v1/versions", _versions, Listed[VersionSeen], OfTarget),
)
