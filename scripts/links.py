"""Refuse links to pages, files and headings of the project that are not there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts import reference

ROOT: Final = reference.ROOT
FENCED: Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
HEADING: Final = re.compile(r"^#{1,6} (.+?)(?: \{#(?P<id>[\w-]+)\})?$", re.MULTILINE)
LINK: Final = re.compile(
    r"\[[^\]]+\]\((?![a-z]+:)(?P<to>[^)#\s]*)(?:#(?P<anchor>[^)\s]*))?\)"
)


def pages() -> list[Path]:
    """Return every page of the project, those that are parts of others left out."""
    folders = ("benchmarks", "docs", "examples")
    below = (page for folder in folders for page in (ROOT / folder).rglob("*.md"))
    every = sorted([*ROOT.glob("*.md"), *below])
    return [page for page in every if not page.name.endswith(".part.md")]


def text_of(page: Path) -> str:
    """Return a page as readers see it, with what is made from the code filled in."""
    text = page.read_text(encoding="utf-8")
    docs = ROOT / "docs"
    if page.is_relative_to(docs):
        text = reference.filled(text, page.relative_to(docs).as_posix())
    return FENCED.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the anchor of each heading, as Python-Markdown makes it."""
    found: set[str] = set()
    for match in HEADING.finditer(text):
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)|[`*]", r"\1", match.group(1))
        plain = re.sub(r"[^\w\s-]", "", plain).strip().lower()
        slug = match["id"] or re.sub(r"[-\s]+", "-", plain)
        number = next(n for n in range(1000) if _numbered(slug, n) not in found)
        found.add(_numbered(slug, number))
    return found


def _numbered(slug: str, number: int) -> str:
    return f"{slug}_{number}" if number else slug


def dead_links() -> Iterator[str]:
    """Yield one sentence for each link that leads nowhere."""
    texts = {page: text_of(page) for page in pages()}
    headings = {page: anchors(text) for page, text in texts.items()}
    for page, text in texts.items():
        for match in LINK.finditer(text):
            target = (page.parent / match["to"]).resolve() if match["to"] else page
            where = f"{page.relative_to(ROOT)}: {match['to']}"
            if not target.exists():
                yield f"{where}: no such file"
            elif match["anchor"] and match["anchor"] not in headings.get(target, ()):
                yield f"{where}#{match['anchor']}: no such heading"


def main() -> int:
    """Print every dead link; return 1 if there is one."""
    dead = list(dead_links())
    sys.stdout.writelines(f"{line}\n" for line in dead)
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
