"""
Which items of two sequences belong together, within a bound of work.

E. W. Myers, An O(ND) Difference Algorithm and Its Variations, 1986. What comes in may
be made to be slow, so the number of edits is bounded and no clock is needed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

__all__ = ["MOST_EDITS", "aligned"]

MOST_EDITS = 400
"""Items taken out or put in, beyond which two sequences are held to be unlike."""


def aligned(
    live: Sequence[Hashable], shadow: Sequence[Hashable], most: int = MOST_EDITS
) -> list[tuple[int, int]] | None:
    """
    Return the pairs of positions at which both have the same, in order.

    The result is a longest one. The work is at most `most` times the length of both.

    Args:
        live: One side.
        shadow: The other side.
        most: Edits to look for; None is returned where there are more.
    """
    head = _common(live, shadow)
    tail = _common(live[head:][::-1], shadow[head:][::-1])
    end, other = len(live) - tail, len(shadow) - tail
    middle = _paths(live[head:end], shadow[head:other], most)
    if middle is None:
        return None
    return [
        *((at, at) for at in range(head)),
        *((head + x, head + y) for x, y in middle),
        *((end + at, other + at) for at in range(tail)),
    ]


def _common(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Return how many items both begin with."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


def _paths(
    live: Sequence[Hashable], shadow: Sequence[Hashable], most: int
) -> list[tuple[int, int]] | None:
    """Return the matches on the way with the fewest edits; None beyond `most`."""
    furthest = {1: 0}
    """By diagonal (x - y), how far into live the way with so many edits comes."""
    steps: list[dict[int, int]] = []
    for edits in range(min(most, len(live) + len(shadow)) + 1):
        steps.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            before = _before(furthest, diagonal, edits)
            x = furthest[before] + (before < diagonal)
            y = x - diagonal
            while x < len(live) and y < len(shadow) and live[x] == shadow[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            if x >= len(live) and y >= len(shadow):
                return _walked_back(steps, x, y)
    return None


def _before(furthest: dict[int, int], diagonal: int, edits: int) -> int:
    """Return from which diagonal one comes: the one above, or the one to the left."""
    if diagonal == -edits:
        return diagonal + 1
    if diagonal == edits or furthest[diagonal - 1] >= furthest[diagonal + 1]:
        return diagonal - 1
    return diagonal + 1


def _walked_back(steps: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """Return the matches of the way that ends at `x` and `y`."""
    matches: list[tuple[int, int]] = []
    for edits, furthest in reversed(list(enumerate(steps))):
        before = _before(furthest, x - y, edits)
        old_x = furthest[before]
        old_y = old_x - before
        while x > old_x and y > old_y:
            x, y = x - 1, y - 1
            matches.append((x, y))
        x, y = old_x, old_y
    return matches[::-1]
