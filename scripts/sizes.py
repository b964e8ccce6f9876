"""Refuse files and functions of the package that have grown beyond one screenful."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 400
MAX_BODY_LINES = 60


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines the body takes, its docstring left out."""
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    if not body:
        return 0
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1


def doc_lines(tree: ast.Module) -> int:
    """Return how many lines docstrings take, those of fields included."""
    return sum(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def too_long(path: Path) -> Iterator[str]:
    """Yield one sentence for everything in the file that is over its limit."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    lines = len(source.splitlines()) - doc_lines(tree)
    if lines > MAX_FILE_LINES:
        yield f"{path}: {lines} lines beside docstrings, at most {MAX_FILE_LINES}"
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if (length := body_lines(node)) > MAX_BODY_LINES:
            yield (
                f"{path}:{node.lineno}: {node.name} has {length} body lines, "
                f"at most {MAX_BODY_LINES}"
            )


def main() -> int:
    """Print what is too long; return 1 if anything is."""
    complaints = [
        complaint
        for path in sorted(Path("shadow_middleware").rglob("*.py"))
        for complaint in too_long(path)
    ]
    sys.stdout.writelines(f"{complaint}\n" for complaint in complaints)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
