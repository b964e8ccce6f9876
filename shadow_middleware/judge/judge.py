"""
From the differences of one exchange to its outcome: the stage between compare and record.

First the exchange is added to what is known, then it is judged by that. Read `_why`
for the order in which things are asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from shadow_middleware.compare import Comparison
from shadow_middleware.exchange import Difference, Outcome
from shadow_middleware.judge.account import Account
from shadow_middleware.judge.book import Book, Entry, Finding, finding_of
from shadow_middleware.judge.case import Case, Judgement
from shadow_middleware.judge.latency import Slowness
from shadow_middleware.judge.profile import Profile
from shadow_middleware.judge.ruling import (
    BY_CONTROL,
    BY_PERSON,
    CHECKED,
    is_rare,
    learned,
    learned_by_diffy,
    learned_by_steps,
    unwatched,
)
from shadow_middleware.judge.sequence import SEQUENCE, Sequences
from shadow_middleware.judge.sightings import (
    Excuse,
    Shown,
    excuses,
    pair,
    shown,
    size_of,
)
from shadow_middleware.judge.tally import (
    ALIKE,
    CONTROL_BOTH,
    LOOKED_CONTROL,
    LOOKED_PROBE,
    PROBE_BOTH,
    RAW,
    Tally,
    twins,
)
from shadow_middleware.knowledge import NoiseRuling
from shadow_middleware.settings import Settings

__all__ = ["Judge"]

CUT: Final = "cut"
"""Why an answer with nothing but noise cannot be decided: not all of it was compared."""

MATCH: Final = Judgement(Outcome.MATCH)


class _Seen(msgspec.Struct):
    """One case while it is looked at."""

    case: Case
    book: Book
    status: int
    day: int
    era: str
    looked: Tally
    differences: Sequence[Difference]
    control: dict[Finding, Excuse]
    """What the control of this very exchange shows."""
    with_control: bool
    placed: bool
    """Whether all places are known, of all comparisons."""
    rising: set[Finding]
    """Those that are counters on both sides, as far as one can tell."""


class Judge:
    """Judges cases by the settings, and by what its profile knows. Not for two threads."""

    def __init__(self, settings: Settings, profile: Profile) -> None:
        self._slowness = Slowness(settings)
        self._diffy = settings.noise_rule == "diffy"
        self._most = settings.max_differences
        self._profile = profile
        self._sequences = Sequences()

    def judge(self, case: Case) -> Judgement:
        """Add the case to the profile, and return what becomes of it."""
        slow = self._slowness(case.live_ms, case.shadow_ms)
        found = case.found
        if found.result == "incomparable" and slow is None:
            return Judgement(Outcome.INCOMPARABLE)
        differences = (*found.differences, slow) if slow else found.differences
        control, probe = _answered(case.control), _answered(case.probe)
        slow_control = (
            None if control is None else self._slowness(case.live_ms, case.control_ms)
        )
        by_control = _differences(control, slow_control)
        by_probe = _differences(probe, None)
        seen = self._look(case, differences, control, probe)
        if not (differences or by_control or by_probe):
            return MATCH
        self._learn(seen, shown(by_control), shown(by_probe), control, probe)
        return self._conclude(seen) if differences else MATCH

    def _look(
        self,
        case: Case,
        differences: Sequence[Difference],
        control: Comparison | None,
        probe: Comparison | None,
    ) -> _Seen:
        """Count that the exchange was looked at."""
        profile, day = self._profile, case.day
        era = profile.turn(day, case.era)
        book = profile.book(case.target, case.route)
        status, base = profile.base(book, case.status)
        indexes = [RAW]
        if control is not None:
            indexes.append(LOOKED_CONTROL)
        if probe is not None:
            indexes.append(LOOKED_PROBE)
        looked = profile.note(base, day, era, indexes)
        return _Seen(
            case,
            book,
            status,
            day,
            era,
            looked,
            differences,
            {},
            control is not None,
            self._is_placed(case.found, control, probe),
            set(),
        )

    def _is_placed(self, *comparisons: Comparison | None) -> bool:
        """Whether no comparison has left places out."""
        return not self._diffy and all(
            one is None or len(one.differences) < self._most for one in comparisons
        )

    # --- learning ---------------------------------------------------------------------

    def _learn(
        self,
        seen: _Seen,
        by_control: Shown,
        by_probe: Shown,
        control: Comparison | None,
        probe: Comparison | None,
    ) -> None:
        raw = shown(seen.differences)
        seen.control = excuses(by_control)
        whole = not seen.case.found.cut
        marks = {
            name: self._marks(seen, name[0], some[0]) for name, some in raw.items()
        }
        for twins_found, cells, first in (
            (control, by_control, CONTROL_BOTH),
            (probe, by_probe, PROBE_BOTH),
        ):
            if twins_found is not None:
                both_whole = whole and not twins_found.cut
                pair(marks, raw, cells, first, whole=both_whole, placed=seen.placed)
        for (finding, size), indexes in marks.items():
            self._note(seen, finding, size, indexes)

    def _marks(self, seen: _Seen, finding: Finding, first: Difference) -> list[int]:
        """Return what is counted of a cell for having been seen."""
        if first.alike == SEQUENCE:
            group = self._profile.entry(seen.book, finding).fingerprint
            if not self._sequences.rises(group, first.live, first.shadow):
                return [RAW]
            seen.rising.add(finding)
        return [RAW, ALIKE] if first.alike else [RAW]

    def _note(
        self, seen: _Seen, finding: Finding, size: str, indexes: Sequence[int]
    ) -> None:
        profile = self._profile
        entry = profile.entry(seen.book, finding)
        cell = profile.cell(seen.book, entry, seen.status, size)
        if cell is None:
            profile.note_overflow(profile.many(seen.book, finding), seen.day, seen.era)
            return
        before = twins(cell.look(seen.era, profile.today))
        after = profile.note(cell, seen.day, seen.era, indexes)
        profile.note_twins(seen.case.target, before, twins(after))
        profile.announce(entry, seen.case.at)

    # --- judging ----------------------------------------------------------------------

    def _conclude(self, seen: _Seen) -> Judgement:
        judged: list[Difference] = []
        left: dict[str, Entry] = {}
        whys: set[str] = set()
        for difference in seen.differences:
            entry, why = self._judged(seen, difference)
            if why:
                whys.add(why)
            else:
                left[entry.fingerprint] = entry
            judged.append(
                msgspec.structs.replace(difference, group=entry.fingerprint, noise=why)
            )
        if left:
            return self._divergence(seen, judged, left)
        if seen.case.found.cut or seen.case.found.result == "incomparable":
            return Judgement(Outcome.INCOMPARABLE, CUT, tuple(judged))
        return Judgement(Outcome.NOISE, _joined(whys), tuple(judged))

    def _divergence(
        self, seen: _Seen, judged: Iterable[Difference], left: dict[str, Entry]
    ) -> Judgement:
        profile = self._profile
        for entry in left.values():
            profile.sight(entry, seen.case.at)
        groups = tuple(sorted(left))
        return Judgement(
            Outcome.DIVERGENCE,
            differences=tuple(judged),
            signature=profile.signature(groups),
            groups=groups,
        )

    def _judged(self, seen: _Seen, difference: Difference) -> tuple[Entry, str]:
        profile = self._profile
        finding = finding_of(difference)
        entry = profile.entry(seen.book, finding)
        cell = profile.cell(seen.book, entry, seen.status, size_of(difference))
        if cell is None:
            entry = profile.many(seen.book, finding)
        return entry, self._why(seen, difference, finding, entry, cell)

    def _why(
        self,
        seen: _Seen,
        difference: Difference,
        finding: Finding,
        entry: Entry,
        cell: Account | None,
    ) -> str:
        """Return why a difference is noise; '' if nothing explains it."""
        if entry.ruling is not NoiseRuling.LEARNED:
            return BY_PERSON if entry.ruling is NoiseRuling.NOISE else ""
        excuse = seen.control.get(finding)
        if excuse is not None and excuse.covers(difference, placed=seen.placed):
            return BY_CONTROL
        if difference.alike in CHECKED:
            return difference.alike
        if cell is None:
            return ""
        return self._learned(seen, entry, cell) or self._likely(
            seen, difference, finding, cell
        )

    def _learned(self, seen: _Seen, entry: Entry, cell: Account) -> str:
        """Return by what it is known as noise; asked again only where counts changed."""
        profile = self._profile
        if self._diffy:
            return learned_by_diffy(*profile.field(seen.book, entry, seen.era))
        tally = cell.look(seen.era, profile.today)
        tests = profile.tests(seen.case.target)
        asked = (tests, *tally[CONTROL_BOTH:])
        if cell.answer is None or cell.answer[0] != asked:
            cell.answer = (asked, learned(tally, tests))
        return cell.answer[1] or self._by_steps(seen, entry, cell.name[2])

    def _by_steps(self, seen: _Seen, entry: Entry, size: str) -> str:
        sizes = {
            name: cell.look(seen.era, self._profile.today)
            for (status, name), cell in entry.cells.items()
            if status == seen.status
        }
        return learned_by_steps(sizes, size, seen.looked)

    def _likely(
        self, seen: _Seen, difference: Difference, finding: Finding, cell: Account
    ) -> str:
        """Return what both values may be, where nothing better is known."""
        alike = difference.alike
        if not alike or (alike == SEQUENCE and finding not in seen.rising):
            return ""
        tally = cell.look(seen.era, self._profile.today)
        if seen.with_control or not unwatched(seen.looked):
            return ""
        return "" if is_rare(tally, seen.looked) else alike


def _answered(twins_found: Comparison | None) -> Comparison | None:
    """Return the comparison of two twins, if it says anything."""
    if twins_found is None or twins_found.result == "incomparable":
        return None
    return twins_found


def _differences(
    found: Comparison | None, slow: Difference | None
) -> tuple[Difference, ...]:
    differences = found.differences if found is not None else ()
    return (*differences, slow) if slow else differences


def _joined(whys: Iterable[str]) -> str:
    """Return what explains an exchange, as one short word and how many more."""
    names = sorted(whys)
    return f"{names[0]} and {len(names) - 1} more" if names[1:] else names[0]
