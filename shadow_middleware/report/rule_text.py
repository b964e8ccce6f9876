"""Rules as text: the TOML of one, a file with more of them, and the diff between."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from shadow_middleware.rule import Rule, stated

__all__ = ["added_to", "difference_of", "rule_toml"]


def rule_toml(rule: Rule, comment: str = "") -> str:
    """
    Return a rule as one TOML table, with only the fields that it sets.

    Args:
        rule: What to write.
        comment: A line to put above it.
    """
    lines = [f"# {line}" for line in comment.splitlines()]
    lines.append("[[rules]]")
    lines += [f"{name} = {_value(value)}" for name, value in stated(rule).items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A basic string of TOML knows JSON's escapes, and a delete must be one.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def added_to(text: str, blocks: Iterable[str]) -> str:
    """Return the text of a file with more tables at its end, a blank line between."""
    parts = [text.rstrip("\n") + "\n"] if text.strip() else []
    return "\n".join([*parts, *blocks])


def difference_of(before: str, after: str, file: str, *, is_new: bool = False) -> str:
    """Return a unified diff that `patch` and `git apply` understand."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        "/dev/null" if is_new else f"a/{file}",
        f"b/{file}",
    )
    return "".join(_ended(line) for line in lines)


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
