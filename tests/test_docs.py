"""The documentation is held to the code: references whole, examples sound, links alive."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from scripts import links, reference
from shadow_middleware import settings, signals
from shadow_middleware.compare.compiled_rule import CompiledRule
from tests.django import project

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
BLOCK = re.compile(
    r'^( *)```(\w+)(?: title="([^"]+)")?\n(.*?)^\1```$', re.MULTILINE | re.DOTALL
)
CHECKED = {
    "apache": "tests/traffic/importers",
    "bash": "as sh",
    "diff": "tests/test_docs_tutorials.py",
    "ini": "here",
    "json": "here",
    "nginx": "tests/traffic/importers",
    "python": "here, and with a title in tests/test_docs_tutorials.py",
    "sh": "tests/promises/test_project.py, tests/test_docs_commands.py; with a title in tests/test_docs_tutorials.py",
    "sql": "tests/isolation",
    "text": "no code",
    "toml": "here",
    "yaml": "here",
}
"""Where each sort of block is executed or loaded."""
UNITS = re.compile(
    r"\b(bytes|seconds|replays|exchanges|failures|divergences|differences|events"
    r"|share|numbers|days|milliseconds|fields|times|as `)",
    re.IGNORECASE,
)
OWNERS = (settings.Settings, settings.Target, settings.Rule, settings.Transform)


def fences(page: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each fenced block, in a list or not: its language, its title, its text."""
    for match in BLOCK.finditer(page.read_text("utf-8")):
        yield match[2], match[3] or "", textwrap.dedent(match[4])


def blocks(language: str) -> list[Any]:
    """Return every block of the language without a title, with a readable id."""
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}:{number}")
        for page in PAGES
        for number, (kind, title, text) in enumerate(fences(page))
        if kind == language and not title
    ]


def command_lines() -> list[str]:
    """Return every line of ours that a reader may copy into a shell."""
    inline = [
        " ".join(match.split())
        for page in PAGES
        for match in re.findall(r"`(shadow-middleware [^`]+)`", page.read_text("utf-8"))
    ]
    shell = [*blocks("sh"), *blocks("bash")]
    fenced = [line for block in shell for line in block.values[0].splitlines()]
    return sorted({*inline, *(x for x in fenced if x.startswith("shadow-middleware "))})


@pytest.mark.parametrize("owner", OWNERS)
def test_every_setting_is_in_the_reference_with_its_default(owner: type) -> None:
    """No setting can be added without a sentence that users find."""
    shown = {field.name: field for field in reference.fields(owner)}

    assert {field.name for field in msgspec.structs.fields(owner)} == set(shown)
    assert [] == [name for name, field in shown.items() if not field.doc]
    page = reference.settings_reference()
    assert [] == [
        name
        for name, field in shown.items()
        if not re.search(rf"`{name}`.*\| `{re.escape(field.default)}` \|", page)
    ]


@pytest.mark.parametrize("owner", OWNERS)
def test_every_number_has_a_unit(owner: type) -> None:
    """Nobody has to guess whether a timeout is in seconds or milliseconds."""
    numbers = [f for f in reference.fields(owner) if f.kind in ("int", "float")]

    assert [] == [field.name for field in numbers if not UNITS.search(field.doc)]


@pytest.mark.parametrize("name", sorted(signals.ALL))
def test_every_signal_is_in_the_reference_with_its_payload(name: str) -> None:
    """A signal is documented by what its event holds."""
    section = reference.signals_reference().split(f"## {name}\n")[1].split("\n## ")[0]

    assert "`event`:" in section


def test_every_command_is_in_the_reference_with_its_help() -> None:
    """A command is documented by the help that it prints itself."""
    page = reference.cli_reference()
    titles = [f"## shadow-middleware {name}".strip() for name in reference.commands()]

    assert len(titles) > 5
    assert titles == re.findall(r"^## .*$", page, re.MULTILINE)
    assert len(titles) == page.count("Usage: ")


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_in_the_documentation_is_understood(line: str) -> None:
    """What readers copy into a shell names commands and options that exist."""
    words = shlex.split(line.split(" | ")[0], comments=True)[1:]
    command = reference.program()
    while words and (child := getattr(command, "commands", {}).get(words[0])):
        command, words = child, words[1:]
    options = {name for parameter in command.params for name in parameter.opts}

    assert set() == {word for word in words if word.startswith("-")} - options


@pytest.mark.parametrize("code", blocks("python"))
def test_every_python_example_uses_settings_that_exist(code: str) -> None:
    """A renamed setting cannot live on in an example."""
    known = {field.name for owner in OWNERS for field in msgspec.structs.fields(owner)}
    used = {
        keyword.arg
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and _is_ours(node)
        for keyword in node.keywords
        if keyword.arg
    }

    assert set() == used - known


def _is_ours(call: ast.Call) -> bool:
    names = {"Rule", "Shadow", "ShadowMiddleware", "Target", "add_middleware"}
    function = call.func
    return getattr(function, "id", getattr(function, "attr", "")) in names


@pytest.mark.parametrize("code", blocks("python"))
def test_every_python_example_runs(code: str) -> None:
    """What readers copy works as it stands; constructing a middleware starts nothing."""
    assert project.urlpatterns  # a `urls.py` is read within a project
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "example", "exec"), names)

    if "rules" in names:
        given = {"shadow_url": "http://127.0.0.1:9000", "rules": names["rules"]}
        assert names["rules"] == settings.load(given, environ={}).rules
        assert all(CompiledRule(rule, "rules[0]").name for rule in names["rules"])


def files_shown() -> list[tuple[str, str]]:
    """Return the TOML files that pages show by name."""
    every = [fence for page in PAGES for fence in fences(page)]
    return [(title, text) for kind, title, text in every if kind == "toml" and title]


@pytest.mark.parametrize(
    "text", [*blocks("toml"), *(text for _, text in files_shown() if "_url" in text)]
)
def test_every_toml_example_is_a_valid_configuration(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What readers put into their file is accepted as it stands, with what it names."""
    monkeypatch.chdir(tmp_path)
    for name, content in files_shown():
        Path(name).write_text(content, encoding="utf-8")
    assert tomllib.loads(text)
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="utf-8")

    assert settings.load(config=config, environ={}).all_targets


@pytest.mark.parametrize("text", blocks("json"))
def test_every_json_example_is_json(text: str) -> None:
    """Each document, or each line of a file of them, can be read."""
    try:
        assert msgspec.json.decode(text)
    except msgspec.DecodeError:
        assert [msgspec.json.decode(line) for line in text.splitlines()]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_yaml_example_is_yaml(text: str) -> None:
    """What readers put into a pipeline or a scrape can be loaded."""
    assert yaml.safe_load(text)


@pytest.mark.parametrize("text", blocks("ini"))
def test_every_ini_example_has_sections_and_keys(text: str) -> None:
    """What readers put into a unit of systemd can be loaded."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(text)

    assert all(dict(unit[section]) for section in unit.sections())


def test_no_block_goes_unchecked() -> None:
    """A block in a language that no test looks at would go stale unseen."""
    used = {
        language
        for page in PAGES
        for language in re.findall(r"^ *```(\w+)", page.read_text("utf-8"), re.M)
    }

    assert set() == used - set(CHECKED)


def test_every_environment_variable_that_is_named_is_accepted() -> None:
    """A variable that the documentation or the code speaks of is no unknown setting."""
    sources = [*PAGES, *(ROOT / "shadow_middleware").rglob("*.py")]
    found = {
        name
        for source in sources
        for name in re.findall(
            r"SHADOW_MIDDLEWARE_([A-Z][A-Z_]*[A-Z])", source.read_text("utf-8")
        )
    }
    known = {field.name.upper() for field in msgspec.structs.fields(settings.Settings)}
    others = {
        "CONFIG": "",
        "DASHBOARD_TOKEN": "x" * 16,
        "HTTP_CLIENT": "httpx2",
        "TARGETS_TOKEN": "x" * 16,
    }
    environ = {f"SHADOW_MIDDLEWARE_{name}": value for name, value in others.items()}

    assert set(others) == found - known
    assert not settings.load({"enabled": False}, environ=environ).enabled


def test_the_django_example_is_a_valid_configuration() -> None:
    """The settings dict in the quickstart and the README passes the validator."""
    for page in (ROOT / "README.md", ROOT / "docs" / "quickstart" / "django.md"):
        (found,) = re.findall(
            r"^SHADOW_MIDDLEWARE = (\{.*?\})$", page.read_text(), re.M | re.S
        )

        assert settings.load(ast.literal_eval(found), environ={}).all_targets


def test_no_link_inside_the_project_is_dead() -> None:
    """Every link leads to a file, and to a heading in it where it names one."""
    assert [] == list(links.dead_links())


def test_a_dead_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that went and a heading that was renamed are both told."""
    (tmp_path / "one.md").write_text("# One two\n[a](two.md) [b](#one-two) [c](#one)\n")
    monkeypatch.setattr(links, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "ROOT", tmp_path)

    assert [
        "one.md: two.md: no such file",
        "one.md: #one: no such heading",
    ] == list(links.dead_links())


def test_the_readme_fits_on_a_few_screens() -> None:
    """The first page sells, installs and shows; the rest is documentation."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 150


def test_pages_that_are_filled_in_lead_on_where_nothing_fills_them_in() -> None:
    """In a clone, what is included or generated is a link to where it stands."""
    pages = {page: page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md")}
    led = [
        (page.parent / match["to"]).resolve()
        for page, text in pages.items()
        for match in reference.MARKER.finditer(text)
    ]

    assert len(led) > 15
    assert [] == [str(one) for one in led if not one.is_file()]
    assert [] == [page.name for page, text in pages.items() if "<!-- inc" in text]


def test_included_links_point_to_the_pages_that_hold_them() -> None:
    """What the README links to is found from the site as well."""
    index = reference.included("README.md", "index.md")

    assert "](architecture.md)" in index
    assert "](docs/" not in index


def test_included_links_to_what_the_site_does_not_hold_become_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to a source file would be broken on the site, so it is none there."""
    (tmp_path / "README.md").write_text("See [the code](code.py) and [us](README.md).")
    monkeypatch.setattr(reference, "ROOT", tmp_path)

    assert "See the code and [us](../index.md)." == reference.included(
        "README.md", "deep/page.md"
    )
