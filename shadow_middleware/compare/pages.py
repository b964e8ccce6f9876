"""
Text in HTML: its lines, without the white space that no reader of a page ever sees.

Templates that are moved, included or nested otherwise leave other indentation and other
blank lines. Around a line break, any white space means the same as the break alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["lines_of_page"]

BLANK = " \t\r\n\f"
"""White space as HTML has it: a no-break space is none."""
STARTS = re.compile(
    r"<(?i:(pre|textarea|script|style|listing|xmp|plaintext))\b"
    r"|=\"[^\"\n]*\n|='[^'\n]*\n"
)
"""Where white space begins to count: in some elements, and in a value of many lines."""
ENDS = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("pre", "textarea", "script", "style", "listing", "xmp", "plaintext")
}


def lines_of_page(text: str) -> list[str]:
    """
    Return the lines of a page that are not blank, without their indentation.

    Where white space counts, lines stay as they are: in `pre`, `textarea`, `script`
    and `style`, and within quoted values. The time is linear in the length.
    """
    pieces, at = [], 0
    text = f"\n{text}\n"
    for start, end in _kept(text):
        pieces += [_folded(text[at:start]), text[start:end]]
        at = end
    pieces.append(_folded(text[at:]))
    return "".join(pieces).removeprefix("\n").removesuffix("\n").split("\n")


def _kept(text: str) -> Iterator[tuple[int, int]]:
    """Yield from where to where white space counts."""
    found = STARTS.search(text)
    while found is not None:
        end = _end(text, found)
        yield found.start(), end
        found = STARTS.search(text, end)


def _end(text: str, start: re.Match[str]) -> int:
    if start[1]:
        closing = ENDS[start[1].lower()].search(text, start.end())
        return closing.end() if closing else len(text)
    closed = text.find(start[0][1], start.end())
    return closed + 1 if closed >= 0 else len(text)


def _folded(text: str) -> str:
    """Return the text with each run of white space around a line break as the break."""
    first, *rest = text.split("\n")
    if not rest:
        return text
    *middle, last = rest
    full = (line.strip(BLANK) for line in middle)
    return "\n".join([first.rstrip(BLANK), *filter(None, full), last.lstrip(BLANK)])
