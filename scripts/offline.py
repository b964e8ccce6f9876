"""Refuse built pages that would load anything from another host when opened."""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Links that a reader may follow are fine; what a browser fetches by itself is not.
LOADS = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=["']?(?:https?:)?//[^>]*>"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preconnect|preload|icon))"""
    r"""[^>]*\bhref=["']?(?:https?:)?//[^>]*>""",
    re.IGNORECASE,
)

STYLES = re.compile(
    r"""(?:@import\s*|url\()\s*["']?(?:https?:)?//[^;)]*""", re.IGNORECASE
)
"""What a style sheet fetches."""


def main(folder: str) -> int:
    """Print every element that loads from elsewhere; return 1 if there is one."""
    found = [
        f"{page}: {match.group(0)}\n"
        for kind, pattern in (("*.html", LOADS), ("*.html", STYLES), ("*.css", STYLES))
        for page in sorted(Path(folder).rglob(kind))
        for match in pattern.finditer(page.read_text(encoding="utf-8"))
    ]
    sys.stdout.writelines(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
