"""
How a regression gets into an answer: change, drop, add, cut, reorder.

Each function makes a planter for one path. A planter changes the answer in place and
says whether it did: where a branch of the answer lacks the path, there is nothing to
plant. Paths are JSON pointers in which `*` stands for one index or key, picked by
chance; in texts the path is a piece of the line that is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from benchmarks.corpus.leg import Answer

__all__ = [
    "Planter",
    "add_member",
    "answer_status",
    "change",
    "change_header",
    "change_line",
    "cut_list",
    "declare",
    "drop",
    "drop_header",
    "drop_line",
    "encode_as",
    "repeat_line",
    "repeat_row",
    "shift_page",
    "swap_lines",
    "swap_neighbours",
]

Planter = Callable[[Answer, Random], bool]
Change = Callable[[Any], Any]
Holder = tuple[Any, Any]
"""A list or an object, and the index or key of what is meant in it."""


# --- values ---------------------------------------------------------------------------


def change(path: str, how: Change) -> Planter:
    """Put another value there; nothing where `how` returns an equal one."""

    def plant(answer: Answer, chance: Random) -> bool:
        for holder, key in _found(answer.body, path, chance):
            before = holder[key]
            after = how(before)
            if repr(after) != repr(before):
                holder[key] = after
                return True
        return False

    return plant


def drop(path: str) -> Planter:
    """Leave a member out."""

    def plant(answer: Answer, chance: Random) -> bool:
        for holder, key in _found(answer.body, path, chance):
            del holder[key]
            return True
        return False

    return plant


def add_member(path: str, value: Any) -> Planter:
    """Add a member that live does not show."""
    above, _, name = path.rpartition("/")

    def plant(answer: Answer, chance: Random) -> bool:
        for holder, key in _found({"": answer.body}, f"/{above}", chance):
            holder[key][name] = value
            return True
        return False

    return plant


def cut_list(path: str) -> Planter:
    """Lose the last item."""
    return change(path, lambda items: items[:-1])


def repeat_row(path: str) -> Planter:
    """Show one row twice."""
    return change(path, lambda items: [*items[:2], *items[1:]] if items[1:] else items)


def swap_neighbours(path: str) -> Planter:
    """Exchange two items where their order matters."""
    return change(path, lambda items: [*items[1::-1], *items[2:]])


def shift_page(path: str, row: Change) -> Planter:
    """Begin a page one row too late, and end it so."""
    return change(path, lambda rows: [*rows[1:], row(rows[-1])])


def _found(body: Any, path: str, chance: Random) -> Iterator[Holder]:
    """Yield the places that fit, in an order by chance."""
    holders: list[Holder] = [({"": body}, "")]
    for name in path.split("/")[1:]:
        holders = [below for holder in holders for below in _below(holder, name)]
    chance.shuffle(holders)
    yield from holders


def _below(holder: Holder, name: str) -> list[Holder]:
    container, key = holder
    value = container[key]
    if isinstance(value, list):
        every = range(len(value)) if name == "*" else [int(name)]
        return [(value, index) for index in every if index < len(value)]
    if isinstance(value, dict):
        # A fault meets the same member, whatever order the members are written in.
        names = sorted(value) if name == "*" else [name]
        return [(value, each) for each in names if each in value]
    return []


# --- texts ----------------------------------------------------------------------------


def change_line(piece: str, how: Callable[[str], str]) -> Planter:
    """Write one of the lines that hold `piece` otherwise."""

    def plant(answer: Answer, chance: Random) -> bool:
        for index in _lines(answer, piece, chance):
            after = how(answer.body[index])
            if after != answer.body[index]:
                answer.body[index] = after
                return True
        return False

    return plant


def drop_line(piece: str) -> Planter:
    """Leave a line out."""

    def plant(answer: Answer, chance: Random) -> bool:
        for index in _lines(answer, piece, chance):
            del answer.body[index]
            return True
        return False

    return plant


def repeat_line(piece: str) -> Planter:
    """Write a line twice."""

    def plant(answer: Answer, chance: Random) -> bool:
        for index in _lines(answer, piece, chance):
            answer.body.insert(index, answer.body[index])
            return True
        return False

    return plant


def swap_lines(piece: str) -> Planter:
    """Exchange two of the lines that hold `piece`."""

    def plant(answer: Answer, chance: Random) -> bool:
        places = _lines(answer, piece, chance)
        for one in places:
            for other in places:
                if answer.body[one] != answer.body[other]:
                    lines = answer.body
                    lines[one], lines[other] = lines[other], lines[one]
                    return True
        return False

    return plant


def _lines(answer: Answer, piece: str, chance: Random) -> list[int]:
    if not (
        isinstance(answer.body, list) and answer.form in ("html", "text", "csv", "xml")
    ):
        return []
    found = [index for index, line in enumerate(answer.body) if piece in line]
    chance.shuffle(found)
    return found


# --- headers, status, encoding --------------------------------------------------------


def change_header(name: str, how: Callable[[str], str], piece: str = "") -> Planter:
    """Write a header field that holds `piece` otherwise."""

    def plant(answer: Answer, chance: Random) -> bool:
        for index, (field, value) in enumerate(answer.headers):
            if field == name and piece in value and how(value) != value:
                answer.headers[index] = (field, how(value))
                return True
        return False

    return plant


def drop_header(name: str, piece: str = "") -> Planter:
    """Leave a header field out."""

    def plant(answer: Answer, chance: Random) -> bool:
        for index, (field, value) in enumerate(answer.headers):
            if field == name and piece in value:
                del answer.headers[index]
                return True
        return False

    return plant


def answer_status(live: int, shadow: int) -> Planter:
    """Answer with another status where live answers with this one."""

    def plant(answer: Answer, chance: Random) -> bool:
        if answer.status != live:
            return False
        answer.status = shadow
        return True

    return plant


def declare(media: str) -> Planter:
    """State another media type."""

    def plant(answer: Answer, chance: Random) -> bool:
        answer.header("content-type", media)
        return True

    return plant


def encode_as(encoding: str) -> Planter:
    """Write the body in another charset, and say so."""

    def plant(answer: Answer, chance: Random) -> bool:
        answer.encoding = encoding
        return True

    return plant
