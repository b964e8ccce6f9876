"""
Fills in the documentation from the code while MkDocs builds it.

A line that is a link with the title `included` is replaced by the file that it leads
to, whose links are turned to the pages that hold them; one with the title `generated:
NAME` by what the generator of that name returns. So a text exists once, a reference
cannot go stale, and whoever reads a page where nothing fills it in has the link.
"""

from __future__ import annotations

import ast
import inspect
import posixpath
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from typer.main import get_command
from typer.testing import CliRunner

from shadow_middleware import errors, settings, signals
from shadow_middleware.api.app import OPERATIONS
from shadow_middleware.api.document import document_of
from shadow_middleware.cli import main
from shadow_middleware.metrics.instruments import ALL as INSTRUMENTS
from shadow_middleware.metrics.instruments import Instrument
from shadow_middleware.store.schema import HEAD, VERSION_TABLE, metadata

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent
MARKER: Final = re.compile(
    r"^\[[^\]]+\]\((?P<to>\S+) \"(?:included|generated: (?P<name>[a-z]+))\"\)$", re.M
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
    "benchmarks/RESULTS.md": "measured.md",
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
    return f"| `{field.name}`<br>`{field.kind}` | `{field.default}` | {field.doc} |"


def signals_reference() -> str:
    """Return every signal with its promise and its payload."""
    return "\n\n".join(
        f"## {name}\n\n{inspect.cleandoc(signal.__doc__ or '')}"
        for name, signal in signals.ALL.items()
    )


@cache
def program() -> Any:
    """Return the command line as one object; to build it takes longer than to ask it."""
    return get_command(main.app)


def commands() -> Iterator[str]:
    """Yield every command as it is typed, the bare program first."""

    def below(command: Any, path: str) -> Iterator[str]:
        yield path
        for name, child in getattr(command, "commands", {}).items():
            if not child.hidden:
                yield from below(child, f"{path} {name}".strip())

    return below(program(), "")


@cache
def cli_reference() -> str:
    """Return the `--help` of every command, as a terminal of 88 columns shows it."""
    return "\n\n".join(_help(command) for command in commands())


def _help(command: str) -> str:
    environ = {"COLUMNS": "88", "TERM": "dumb", "NO_COLOR": "1"}
    words = [*command.split(), "--help"]
    with CliRunner().isolation(env=environ) as streams:
        program().main(words, "shadow-middleware", standalone_mode=False)
        sys.stdout.flush()
        output = streams[0].getvalue().decode()
    text = "\n".join(line.rstrip() for line in output.strip("\n").splitlines())
    title = f"shadow-middleware {command}".strip()
    return f"## {title}\n\n```text\n{text}\n```"


@cache
def endpoints_reference() -> str:
    """Return every endpoint with its parameters, its body and what it answers."""
    document = document_of(OPERATIONS, "")
    return "\n\n".join(
        _endpoint(method.upper(), path, told, document)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    )


def _endpoint(
    method: str, path: str, told: dict[str, Any], document: dict[str, Any]
) -> str:
    rows = [
        f"| `{one['name']}` | {one['in']} | {_kind(one['schema'], document)} |"
        for one in told["parameters"]
    ]
    body = told.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        rows += [
            f"| `{name}` | body | {_kind(schema, document)} |"
            for name, schema in _members(body["schema"], document).items()
        ]
    head = f"### `{method} /api{path}`\n\n{' '.join(told['summary'].split())}"
    table = ["| parameter | in | kind |", "|---|---|---|", *rows] if rows else []
    (status, answer), *_ = told["responses"].items()
    content = answer.get("content", {}).get("application/json", {}).get("schema", {})
    members = ", ".join(f"`{name}`" for name in _members(content, document))
    ends = f"Answers {status}" + (f" with {members}." if members else ".")
    return "\n\n".join(filter(None, [head, "\n".join(table), ends]))


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return what a schema refers to, or itself."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"].get(name, schema)
    return found


def _members(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = _resolved(schema, document).get("properties", {})
    return members


def _kind(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """Return what a value may be, in a few words."""
    schema = _resolved(schema, document)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        kinds = [_kind(one, document) for one in schema["anyOf"]]
        return " or ".join(kind for kind in kinds if kind != "null")
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = "" if high is None else f", {low or 0:,.0f} to {high:,.0f}"
    form = (
        f", `{schema['pattern']}`" if "x00" not in schema.get("pattern", "x00") else ""
    )
    return f"{schema.get('type', 'value')}{bounds}{form}"


def metrics_reference() -> str:
    """Return every instrument: its two names, what kind it is, and what it tells."""
    head = (
        "| Prometheus | kind | labels | OpenTelemetry | tells |\n|---|---|---|---|---|"
    )
    return "\n".join([head, *map(_instrument, INSTRUMENTS.values())])


def exposed(one: Instrument) -> str:
    """Return the name that a query in Prometheus uses."""
    return one.prometheus + ("_total" if one.kind == "counter" else "")


def _instrument(one: Instrument) -> str:
    labels = ", ".join(one.labels)
    otel = "" if one.stored else f"`{one.otel}`"
    return f"| `{exposed(one)}` | {one.kind} | {labels} | {otel} | {one.help} |"


def words_of_tables() -> dict[str, dict[str, str]]:
    """Return what tables and columns hold, in words."""
    file = ROOT / "docs" / "reference" / "schema.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def schema_reference() -> str:
    """Return every table of the store with its columns, as Postgres has them."""
    version = f"Schema `{HEAD}`; its number stands in `{VERSION_TABLE}`."
    import_module("shadow_middleware.store.sql")  # it knows all tables, wherever made
    words = words_of_tables()
    tables = (_table(table, **words) for table in metadata.sorted_tables)
    return "\n\n".join([version, *tables])


def _table(table: Table, tables: dict[str, str], columns: dict[str, str]) -> str:
    rows = "\n".join(_column(one, columns) for one in table.columns)
    indexes = ", ".join(
        sorted(f"({', '.join(index.columns.keys())})" for index in table.indexes)
    )
    parts = [
        f"### {table.name}",
        tables.get(table.name, ""),
        f"| column | type | |\n|---|---|---|\n{rows}",
        f"Indexes: {indexes}." if indexes else "",
    ]
    return "\n\n".join(filter(None, parts))


def _column(column: Column[Any], columns: dict[str, str]) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    kind = column.type.compile(dialect=dialect).split(" COLLATE")[0]
    words = [
        "key" if column.primary_key else "",
        "may be null" if column.nullable else "",
        columns.get(column.name, ""),
    ]
    return f"| `{column.name}` | {kind.lower()} | {'; '.join(filter(None, words))} |"


def errors_reference() -> str:
    """Return every exception: what it says, from what it comes, how a command ends."""
    return "\n\n".join(
        f"### {name}\n\n{inspect.getdoc(getattr(errors, name))}\n\n"
        f"Is a `{getattr(errors, name).__base__.__name__}`."
        for name in errors.__all__
    )


GENERATORS: Final[dict[str, Callable[[], str]]] = {
    "settings": settings_reference,
    "signals": signals_reference,
    "cli": cli_reference,
    "endpoints": endpoints_reference,
    "errors": errors_reference,
    "metrics": metrics_reference,
    "schema": schema_reference,
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
        if name := match["name"]:
            return GENERATORS[name]()
        folder = posixpath.join("docs", posixpath.dirname(page))
        return included(posixpath.normpath(posixpath.join(folder, match["to"])), page)

    return MARKER.sub(content, markdown)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let MkDocs have each page filled in."""
    return filled(markdown, page.file.src_uri)
