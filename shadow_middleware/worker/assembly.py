"""Exchanges that take several messages, put together again. Pure."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Assembly", "Whole"]


class Whole(NamedTuple):
    """One exchange as it was closed, and the places of its messages."""

    id: str
    data: bytes
    places: tuple[int, ...]


class _Started:
    def __init__(self, number: int) -> None:
        self.parts: dict[int, bytes] = {}
        self.places: list[int] = []
        self.number = number


class Assembly:
    """What has come of exchanges that are not whole yet, in one partition."""

    def __init__(self) -> None:
        self._started: dict[str, dict[str, _Started]] = {}

    def add(
        self, name: str, part: str, data: bytes, place: int
    ) -> tuple[Whole | None, list[int]]:
        """
        Take a message; return what is whole now, and places that lead to nothing.

        A publisher sends the parts of one exchange one after the other. So when
        something else of its session comes, the rest never will: it was killed, or
        begins again under another name.

        Args:
            name: The message's id.
            part: `2/5`, or '' for one that is whole by itself.
            data: What it holds.
            place: Where it stands.
        """
        name = name.rpartition("/")[0] if part else name
        identity = name.partition("~")[0]
        session = identity.rpartition("-")[0]
        of_session = self._started.get(session, {})
        over = [
            other
            for key in list(of_session)
            if key != name
            for other in of_session.pop(key).places
        ]
        if not part:
            self._started.pop(session, None)
            return Whole(identity, data, (place,)), over
        number, _, many = part.partition("/")
        started = of_session.setdefault(name, _Started(int(many)))
        self._started[session] = of_session
        if int(number) in started.parts:
            return None, [*over, place]
        started.parts[int(number)] = data
        started.places.append(place)
        if len(started.parts) < started.number:
            return None, over
        del self._started[session]
        whole = b"".join(started.parts[one] for one in sorted(started.parts))
        return Whole(identity, whole, tuple(started.places)), over
