"""What is known of groups, noise and rules, read from a store for every face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from shadow_middleware.configuration import Place, read_tables
from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.judge import Policy
from shadow_middleware.knowledge import Group, GroupFilter
from shadow_middleware.reading.learned import (
    Learned,
    all_groups,
    learned_of,
    learned_of_one,
    noise_now,
    rows_of,
)
from shadow_middleware.reading.remembering import remembered
from shadow_middleware.report.coverings import Cell
from shadow_middleware.report.groups import NOISE, GroupRow, state_of
from shadow_middleware.report.noise import (
    NoiseRow,
    NoiseSummary,
    noise_cells,
    noise_summary,
)
from shadow_middleware.report.rule_list import Origin, RuleRow, origins_of, rule_rows
from shadow_middleware.report.series import Seen, seen_in, steps_of
from shadow_middleware.report.suggest import Suggestion, suggest
from shadow_middleware.report.versions import version_at
from shadow_middleware.rule import Rule
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = [
    "GroupDetail",
    "group_detail",
    "groups_fitting",
    "noise_known",
    "origins_known",
    "rules_known",
    "suggestion",
]

_HISTORY = 24


class GroupDetail(msgspec.Struct, frozen=True):
    """One group with all that is kept of it."""

    row: GroupRow
    evidence: NoiseRow | None
    """None where nothing was counted of its noise."""
    samples: tuple[StoredDivergence, ...]
    """The newest first."""
    history: tuple[Seen, ...]
    """How often it was seen over time; what was purged is not in it."""
    since_version: str = ""
    """The shadow's version when it was first seen; '' where none was named."""
    last_version: str = ""
    """The shadow's version when it was last seen; '' where none was named."""


def groups_fitting(
    reader: Reader, settings: Settings, where: GroupFilter
) -> list[GroupRow]:
    """Return the groups that fit, those with the most divergences first."""
    return remembered(
        reader,
        ("group rows", where, Policy.of(settings)),
        lambda: rows_of(reader, all_groups(reader, where), noise_now(reader, settings)),
    )


def group_detail(
    reader: Reader, settings: Settings, fingerprint: str
) -> GroupDetail | None:
    """Return the group of that whole fingerprint; None where there is none."""
    where = GroupFilter(fingerprint=fingerprint, with_noise=True)
    found = next(
        (one for one in reader.groups(where) if one.fingerprint == fingerprint), None
    )
    if found is None:
        return None
    learned = learned_of_one(reader, settings, found)
    versions = reader.versions(found.key.target)
    evidence = noise_summary(learned.known, learned.rulings).rows
    return GroupDetail(
        rows_of(reader, [found], learned)[0],
        evidence[0] if evidence else None,
        tuple(reader.samples(fingerprint)),
        _history(reader, found),
        version_at(versions, found.first_at),
        version_at(versions, found.last_at),
    )


def _history(reader: Reader, group: Group) -> tuple[Seen, ...]:
    if not group.count:
        return ()
    ours = [
        one.signature for one in reader.signatures() if group.fingerprint in one.groups
    ]
    first, last = int(group.first_at // 60), int(group.last_at // 60)
    steps = steps_of(first, last, _HISTORY)
    seen = Counter[int]()
    for row in reader.divergences_by_step(
        steps, [group.fingerprint, *ours], group.key.target, group.key.route
    ):
        seen[row.start] += row.count
    return seen_in([(step, seen[step.start]) for step in steps])


def noise_known(reader: Reader, settings: Settings) -> NoiseSummary:
    """Return what was learned of noise, and how it is held today."""
    learned = learned_of(reader, settings)
    return remembered(
        reader,
        ("noise", learned.policy),
        lambda: noise_summary(learned.known, learned.numbers_of()),
    )


def origins_known(reader: Reader, settings: Settings) -> list[Origin]:
    """Return every rule that holds, with where it was stated."""
    in_file = 0
    if settings.rules_file:
        place = Place("rules_file", "settings")
        in_file = len(read_tables(settings.rules_file, "rules", place))
    return origins_of(settings, in_file, reader.rules())


def rules_known(reader: Reader, settings: Settings) -> list[RuleRow]:
    """Return every rule with what it took away so far."""
    return rule_rows(origins_known(reader, settings), reader.rule_totals())


def suggestion(
    reader: Reader,
    settings: Settings,
    target: str | None = None,
    also: Sequence[Rule] = (),
) -> Suggestion:
    """Return the fewest rules that explain the noise so far, besides those there are."""
    learned = learned_of(reader, settings)
    noisy, signal = noise_cells(learned.known, learned.rulings)
    groups = all_groups(reader, GroupFilter())
    signal += _unlearned(groups, learned, {cell.key.fingerprint for cell in signal})
    shared = (one.rule for one in learned.known.rules)
    today = [*settings.rules, *shared, *also]
    wanted = [one for one in noisy if target in (None, one.cell.key.target)]
    return suggest(wanted, signal, today)


def _unlearned(
    groups: Iterable[Group], learned: Learned, known: set[str]
) -> list[Cell]:
    """Return the groups that count, or did, of which no cell is known by now."""
    cells = []
    for group in groups:
        ruling = learned.rulings.get(group.fingerprint)
        why = ruling.why if ruling is not None and ruling.noise else ""
        seen = group.count > 0 and group.fingerprint not in known
        if seen and state_of(group, why) != NOISE and not why:
            cells.append(Cell(group.key))
    return cells
