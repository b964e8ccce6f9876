"""
What is known of noise: read from the store, added to here, handed over in batches.

A profile belongs to one thread. It is bounded in cells, in routes and in signatures;
what has no room is counted under `MANY`, where nothing is ever learned to be noise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

from shadow_middleware.judge.account import KEPT_WAITING, Account, Row, Today
from shadow_middleware.judge.book import Book, Entry, Finding
from shadow_middleware.judge.decay import FADED
from shadow_middleware.judge.learned import NOTHING, Learned, Route, is_tested
from shadow_middleware.judge.ruling import Policy
from shadow_middleware.judge.tally import BASES, CELL, RAW, Tally, add, twins
from shadow_middleware.knowledge import (
    MANY,
    GroupKey,
    Known,
    NoiseBase,
    NoiseCount,
    NoiseRuling,
    Sighting,
    Signature,
    signature_of,
)

__all__ = ["Profile", "Taken"]

_ROUTE_SHARE: Final = 10
"""One route may have one in so many of all cells."""
_CELLS_A_ROUTE: Final = 4
"""There is room for one route for every so many cells."""
_STATUSES: Final = 16
"""Statuses of one route that are told apart; the others are 0."""
_ERAS: Final = 8
"""Live versions of one day that are told apart."""

CellId = tuple[str, int, str]
"""Fingerprint, status, size."""


class Taken(msgspec.Struct, frozen=True):
    """What was added since the last time: four fields of a batch."""

    noise: tuple[NoiseCount, ...] = ()
    noise_bases: tuple[NoiseBase, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    signatures: tuple[Signature, ...] = ()


class Profile:
    """
    Counts of noise, for every route of every target.

    `learn` and `take` may be called at any time between two judgements. Where nothing
    is stored, call `take` all the same, and throw away what it returns.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.overflow = 0
        """Findings that had no room, since this profile was made."""
        self.today = Today(self.policy.half_life)
        self._learned = NOTHING
        self._books: dict[Route, Book] = {}
        self._cells: dict[CellId, Account] = {}
        self._keys: dict[str, GroupKey] = {}
        """Of the groups in `_cells`."""
        self._bases: dict[tuple[str, str, int], Account] = {}
        self._used: dict[Route, int] = {}
        """Cells of each route, known and added."""
        self._fresh = 0
        """Cells that were added and are not known."""
        self._fresh_routes = 0
        self._tests: dict[str, int] = {}
        self._waiting: list[Row] = []
        self._sightings: dict[str, tuple[GroupKey, list[float]]] = {}
        self._signatures: dict[str, tuple[str, ...]] = {}
        self._unsent: list[Signature] = []
        self._eras: set[str] = set()

    # --- to and from the store --------------------------------------------------------

    def learn(self, known: Known, today: int) -> None:
        """
        Replace what the store knows; what was not taken yet is kept and added.

        `known` is to be read after what was taken is written; otherwise that is
        missing until the next time.
        """
        self.adopt(self.digest(known, today), today)

    def digest(self, known: Known, today: int) -> Learned:
        """Fold what the store knows; changes nothing, so any thread may do it."""
        policy = self.policy
        return Learned.of(known, policy.half_life, today=today, most=policy.cells)

    def adopt(self, learned: Learned, today: int) -> None:
        """Do what `learn` does, with what `digest` returned."""
        self._learned = learned
        self.today.learned = today
        self.today.day = max(today, self.today.day)
        self._books = {}
        self._tests = dict(learned.tests)
        self._used = dict(learned.used)
        self._fresh = self._fresh_routes = 0
        waiting = {row.name for row in self._waiting}
        self._bases = {name: self._bases[name] for name in waiting & {*self._bases}}
        self._cells = {name: self._cells[name] for name in waiting & {*self._cells}}
        self._keys = {name[0]: self._keys[name[0]] for name in self._cells}
        for (target, route, status), base in self._bases.items():
            known = learned.bases.get((target, route), {}).get(status, {})
            base.learn(known, today)
        for name, cell in self._cells.items():
            cell.learn(_known_of(learned, name), today)
        for cell in self._cells.values():
            self._count_in(cell)

    def take(self) -> Taken:
        """Return what was added since the last time, for the next batch."""
        rows, self._waiting = self._waiting, []
        sightings, self._sightings = self._sightings, {}
        unsent, self._unsent = self._unsent, []
        return Taken(
            tuple(_noise(row) for row in rows if len(row.now) == CELL),
            tuple(_base(row) for row in rows if len(row.now) == BASES),
            tuple(
                Sighting(key, int(count), first, last)
                for key, (count, first, last) in sightings.values()
            ),
            tuple(unsent),
        )

    # --- looking things up ------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many cells are told apart, known and added."""
        return self._learned.size + self._fresh

    def tests(self, target: str) -> int:
        """Return how many cells of a target two answers of one version have shown."""
        return self._tests.get(target, 0)

    def turn(self, day: int, era: str) -> str:
        """Let it be `day`, if it is later; return the name the era is counted under."""
        if day > self.today.day:
            self._new_day(day)
        if era not in self._eras:
            if len(self._eras) >= _ERAS:
                return MANY
            self._eras.add(era)
        return era

    def book(self, target: str, route: str) -> Book:
        """Return the book of a route, or of all those that there is no room for."""
        book = self._books.get((target, route))
        if book is None:
            if (target, route) not in self._learned.bases:
                if self._has_room_for_route():
                    self._fresh_routes += 1
                else:
                    self.overflow += 1
                    route = MANY
            book = self._books.setdefault((target, route), Book(target, route))
        return book

    def field(self, book: Book, entry: Entry, era: str) -> tuple[Tally, Tally]:
        """Return the sums of a whole field and of all looks at its route, for Diffy."""
        learned, key = self._learned, entry.key
        for status in learned.bases.get((book.target, book.route), {}):
            self.base(book, status)
        for name in learned.fields.get((key.target, key.route, key.part, key.path), ()):
            other = learned.keys[name]
            finding = (other.part, other.path, other.kind, other.live, other.shadow)
            sibling = self.entry(book, finding)
            for status, size in learned.cells[name]:
                self.cell(book, sibling, status, size)
        field, looked = [0.0] * CELL, [0.0] * BASES
        for cell in book.cells_of(key.part, key.path):
            add(field, cell.look(era, self.today))
        for base in set(book.bases.values()):
            add(looked, base.look(era, self.today))
        return field, looked

    def base(self, book: Book, status: int) -> tuple[int, Account]:
        """Return the account of how often one status was looked at, and its name."""
        account = book.bases.get(status)
        if account is None:
            known = self._learned.bases.get((book.target, book.route), {})
            if status not in known and len({*book.bases, *known}) >= _STATUSES:
                status = 0
            name = (book.target, book.route, status)
            account = self._bases.get(name)
            if account is None:
                account = self._account(name, BASES, known.get(status, {}))
                self._bases[name] = account
            book.bases[status] = account
        return status, account

    def entry(self, book: Book, finding: Finding) -> Entry:
        """Return the group of a finding; that of `MANY` where there is no room."""
        entry = book.entries.get(finding)
        if entry is None:
            key = book.key(finding)
            fingerprint = key.fingerprint
            if not self._has_room_for_group(book, fingerprint):
                return self.many(book, finding)
            entry = book.entries[finding] = self._prepared(Entry(key, fingerprint))
        return entry

    def many(self, book: Book, finding: Finding) -> Entry:
        """Return the group of findings that there is no room for."""
        return self._prepared(book.many(finding))

    def cell(self, book: Book, entry: Entry, status: int, size: str) -> Account | None:
        """Return the account of a cell; None, and counted, where there is no room."""
        if entry.is_many:
            return None
        name = (status, size)
        if name not in entry.cells:
            found = self._cell(book, entry, status, size)
            if found is None:
                return None
            entry.cells[name] = found
        return entry.cells[name]

    def _cell(self, book: Book, entry: Entry, status: int, size: str) -> Account | None:
        name = (entry.fingerprint, status, size)
        account = self._cells.get(name)
        if account is None:
            known = _known_of(self._learned, name)
            if not known and not self._has_room(book):
                return None
            account = self._cells[name] = self._account(name, CELL, known)
            self._keys[entry.fingerprint] = entry.key
            if not known:
                self._use(book.target, book.route)
        return account

    def _account(
        self, name: tuple[Any, ...], size: int, known: Mapping[str, Tally]
    ) -> Account:
        return Account(name, size, known, self.today.learned)

    def _has_room(self, book: Book) -> bool:
        most = self.policy.cells
        used = self._used.get((book.target, book.route), 0)
        return self.size < most and used < max(1, most // _ROUTE_SHARE)

    def _has_room_for_group(self, book: Book, fingerprint: str) -> bool:
        return (
            fingerprint in self._learned.cells
            or fingerprint in self._keys
            or (book.route != MANY and self._has_room(book))
        )

    def _has_room_for_route(self) -> bool:
        most = max(1, self.policy.cells // _CELLS_A_ROUTE)
        return len(self._learned.bases) + self._fresh_routes < most

    def _prepared(self, entry: Entry) -> Entry:
        learned = self._learned
        entry.ruling = learned.rulings.get(entry.fingerprint, NoiseRuling.LEARNED)
        entry.announced = entry.announced or entry.fingerprint in learned.keys
        return entry

    def _use(self, target: str, route: str) -> None:
        self._used[target, route] = self._used.get((target, route), 0) + 1
        self._fresh += 1

    def _count_in(self, cell: Account) -> None:
        """Count an added cell where what is known does not."""
        known = _known_of(self._learned, cell.name)
        key = self._keys[cell.name[0]]
        if not known:
            self._use(key.target, key.route)
        if not is_tested(known) and _added_twins(cell) >= FADED:
            self._tests[key.target] = self._tests.get(key.target, 0) + 1

    # --- adding -----------------------------------------------------------------------

    def note(
        self, account: Account, day: int, era: str, indexes: Iterable[int]
    ) -> Tally:
        """Raise counts of an account by one; return their sum as it counts today."""
        row = account.row(day, era)
        if not row.waiting:
            row.waiting = True
            self._waiting.append(row)
        total = account.look(era, self.today)
        worth = self.today.worth(day)
        for index in indexes:
            row.now[index] += 1.0
            total[index] += worth
        return total

    def note_twins(self, target: str, before: float, after: float) -> None:
        """Count a cell as tested from the first time that twins have shown it."""
        if before < FADED <= after:
            self._tests[target] = self._tests.get(target, 0) + 1

    def note_overflow(self, entry: Entry, day: int, era: str) -> None:
        """Count a finding that had no room, where `noise` shows it."""
        self.overflow += 1
        name = (entry.fingerprint, 0, "")
        account = self._cells.get(name)
        if account is None:
            account = self._cells[name] = self._account(name, CELL, {})
            self._keys[entry.fingerprint] = entry.key
        self.note(account, day, era, (RAW,))

    def announce(self, entry: Entry, at: float) -> None:
        """Let the store know the key of a group in which only noise was seen."""
        if not entry.announced:
            self._sight(entry, at, 0)

    def sight(self, entry: Entry, at: float) -> None:
        """Count a divergence of a group."""
        self._sight(entry, at, 1)

    def _sight(self, entry: Entry, at: float, count: int) -> None:
        entry.announced = True
        seen = self._sightings.get(entry.fingerprint)
        if seen is None:
            self._sightings[entry.fingerprint] = (entry.key, [count, at, at])
            return
        numbers = seen[1]
        numbers[0] += count
        numbers[1] = min(numbers[1], at)
        numbers[2] = max(numbers[2], at)

    def signature(self, fingerprints: Collection[str]) -> str:
        """Return what a divergence is counted under; `MANY` where there are too many."""
        distinct = tuple(sorted(set(fingerprints)))
        signature = signature_of(distinct)
        if len(distinct) < 2 or signature in self._signatures:
            return signature
        if len(self._signatures) >= max(1, self.policy.cells // _CELLS_A_ROUTE):
            return MANY
        self._signatures[signature] = distinct
        self._unsent.append(Signature(signature, distinct))
        return signature

    def _new_day(self, day: int) -> None:
        self.today.day = day
        self._eras.clear()
        self._signatures.clear()
        for account in (*self._cells.values(), *self._bases.values()):
            account.fold(self.today)
        self._waiting = [
            row for row in self._waiting if day - row.at[0] <= KEPT_WAITING
        ]


def _known_of(learned: Learned, name: CellId) -> Mapping[str, Tally]:
    fingerprint, status, size = name
    return learned.cells.get(fingerprint, {}).get((status, size), {})


def _added_twins(cell: Account) -> float:
    total = [0.0] * CELL
    for row in cell.rows.values():
        add(total, row.now)
    return twins(total)


def _noise(row: Row) -> NoiseCount:
    fingerprint, status, size = row.name
    day, era = row.at
    return NoiseCount(day, era, fingerprint, status, size, *row.hand_over())


def _base(row: Row) -> NoiseBase:
    target, route, status = row.name
    day, era = row.at
    return NoiseBase(day, era, target, route, status, *row.hand_over())
