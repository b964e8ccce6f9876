"""The documents of the examples name what their code does."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from examples.django_app import planted as django_planted
from examples.fastapi_app import planted as fastapi_planted
from examples.stage.servers import ROOT

EXAMPLES = [fastapi_planted, django_planted]


def home_of(planted: ModuleType) -> Path:
    """Return the folder of the example."""
    return Path(str(planted.__file__)).parent


@pytest.mark.parametrize("planted", EXAMPLES)
def test_the_readme_lists_exactly_what_is_planted(planted: ModuleType) -> None:
    """A row of the table for each fault, with its route, in the same order."""
    text = (home_of(planted) / "README.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| `(GET [^`]+)` \|", text, re.MULTILINE)
    assert [(it.name, it.endpoint) for it in planted.PLANTED] == rows


@pytest.mark.parametrize("planted", EXAMPLES)
def test_each_fault_is_marked_where_it_is_planted(planted: ModuleType) -> None:
    """Whoever reads a name in the list finds it in the code of version 2."""
    sources = "".join(path.read_text() for path in home_of(planted).rglob("*v2.py"))
    marks = re.findall(r"# PLANTED ([\w, -]+):", sources)
    marked = [name for mark in marks for name in mark.split(", ")]
    assert sorted(it.name for it in planted.PLANTED) == sorted(marked)


@pytest.mark.parametrize("planted", EXAMPLES)
def test_the_readme_names_each_noise_with_its_setting(planted: ModuleType) -> None:
    """Noise is not swept away in silence."""
    text = (home_of(planted) / "README.md").read_text()
    assert [] == [it for it in planted.NOISE if f"`{it.setting}`" not in text]


@pytest.mark.parametrize("planted", EXAMPLES)
def test_every_kind_of_difference_is_planted(planted: ModuleType) -> None:
    """Both examples show all kinds, in all parts of a response."""
    kinds = {it.kind for it in planted.PLANTED}
    parts = {it.part for it in planted.PLANTED}
    assert {"changed", "missing", "added", "type", "order"} == kinds
    assert {"status", "header", "body", "latency"} == parts


@pytest.mark.parametrize("planted", EXAMPLES)
def test_the_readme_links_to_files_that_exist(planted: ModuleType) -> None:
    """No link leads nowhere."""
    home = home_of(planted)
    links = re.findall(r"\]\(([^)]+)\)", (home / "README.md").read_text())
    assert [] == [link for link in links if not (home / link).exists()]
    assert (ROOT / "examples" / "README.md").is_file()
