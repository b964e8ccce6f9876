"""
Fills in the documentation from the code while MkDocs builds it.

A line `<!-- name -->` in a page is replaced by what the generator of that name
returns, and `<!-- include FILE -->` by a file of the project, its links turned to
the pages that hold them. So the text exists once, and a reference cannot go stale.
"""

from __future__ import annotations

import ast
import inspect
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from typer.main import get_command
from typer.testing import CliRunner

from shadow_middleware import settings, signals
from shadow_middleware.cli import main

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent
MARKER: Final = re.compile(
    r"^<!-- (?:include (?P<file>\S+)|(?P<name>[a-z]+)) -->$", re.M
)
LINK: Final = re.compile(
    r"\[(?P<text>[^\]]+)\]\((?![a-z]+:|#)(?P<to>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)"
)
SECTION: Final = re.compile(r"^    # --- (.+?) -*$")

PAGES: Final = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "benchmarks/README.md": "benchmarks.md",
    "examples/README.md": "examples/index.md",
    "examples/django_app/README.md": "examples/django_app.md",
    "examples/fastapi_app/README.md": "examples/fastapi_app.md",
}
"""Where a file of the project stands in the documentation."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting as the reference shows it."""

    name: str
    section: str
    kind: str
    default: str
    doc: str


def fields(owner: type) -> Iterator[Field]:
    """Yield each field with the text that stands below it in the source."""
    source = inspect.getsource(owner)
    lines = source.splitlines()
    (body,) = [n.body for n in ast.parse(source).body if isinstance(n, ast.ClassDef)]
    section, seen = "", 0
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        for line in lines[seen : node.lineno]:
            if found := SECTION.match(line):
                section = found.group(1)
        seen = node.lineno
        yield Field(
            name=node.target.id,
            section=section,
            kind=ast.unparse(node.annotation).replace("Patterns", "tuple[str, ...]"),
            default="required" if node.value is None else _default(node.value),
            doc=_text(after),
        )


def _default(node: ast.expr) -> str:
    text = ast.unparse(node).replace("SAFE_METHODS", repr(settings.SAFE_METHODS))
    text = text.replace("VALUE_SHAPES", repr(settings.VALUE_SHAPES))
    text = re.sub(r"^(?:(\d+) \* )?MIB$", lambda m: f"{m.group(1) or 1} MiB", text)
    return re.sub(r"^(\d+) \* 1024$", r"\1 KiB", text)


def _text(node: ast.stmt | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
        case _:
            return ""


def settings_reference() -> str:
    """Return every setting, target field and rule field as tables."""
    parts: list[str] = []
    section = None
    for field in fields(settings.Settings):
        if field.section != section:
            section = field.section
            parts.append(f"\n## {section[:1].upper()}{section[1:]}\n\n{_HEAD}")
        parts.append(_row(field))
    for owner, title in (
        (settings.Target, "A target"),
        (settings.Rule, "A rule"),
        (settings.Transform, "A step of `transform`"),
    ):
        parts.append(f"\n## {title}\n\n{inspect.getdoc(owner)}\n\n{_HEAD}")
        parts.extend(map(_row, fields(owner)))
    return "\n".join(parts)


_HEAD: Final = "| setting | default | what it does |\n|---|---|---|"


def _row(field: Field) -> str:
    kind = field.kind.replace("|", "\\|")
    return f"| `{field.name}`<br>`{kind}` | `{field.default}` | {field.doc} |"


def signals_reference() -> str:
    """Return every signal with its promise and its payload."""
    return "\n\n".join(
        f"## {name}\n\n{inspect.cleandoc(signal.__doc__ or '')}"
        for name, signal in signals.ALL.items()
    )


def commands() -> Iterator[str]:
    """Yield every command as it is typed, the bare program first."""

    def below(command: Any, path: str) -> Iterator[str]:
        yield path
        for name, child in getattr(command, "commands", {}).items():
            if not child.hidden:
                yield from below(child, f"{path} {name}".strip())

    return below(get_command(main.app), "")


def cli_reference() -> str:
    """Return the `--help` of every command, as a terminal of 88 columns shows it."""
    return "\n\n".join(_help(command) for command in commands())


def _help(command: str) -> str:
    result = CliRunner().invoke(
        main.app,
        [*command.split(), "--help"],
        prog_name="shadow-middleware",
        env={"COLUMNS": "88", "TERM": "dumb", "NO_COLOR": "1"},
        catch_exceptions=False,
    )
    text = "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())
    title = f"shadow-middleware {command}".strip()
    return f"## {title}\n\n```text\n{text}\n```"


GENERATORS: Final[dict[str, Callable[[], str]]] = {
    "settings": settings_reference,
    "signals": signals_reference,
    "cli": cli_reference,
}


def included(file: str, page: str) -> str:
    """Return a file of the project with its links as the page at `page` needs them."""
    folder = posixpath.dirname(file)
    here = posixpath.dirname(page)

    def turned(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match["to"]))
        if target not in PAGES and not target.startswith("docs/"):
            return match["text"]  # a file that the site does not hold
        target = PAGES.get(target, target.removeprefix("docs/"))
        target = posixpath.relpath(target, here or ".")
        return f"[{match['text']}]({target}{match['anchor'] or ''})"

    return LINK.sub(turned, (ROOT / file).read_text(encoding="utf-8"))


def filled(markdown: str, page: str) -> str:
    """Return the page with every marker replaced."""

    def content(match: re.Match[str]) -> str:
        if file := match.group("file"):
            return included(file, page)
        return GENERATORS[match.group("name")]()

    return MARKER.sub(content, markdown)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let MkDocs have each page filled in."""
    return filled(markdown, page.file.src_uri)
