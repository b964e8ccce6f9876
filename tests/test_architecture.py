"""ARCHITECTURE.md and the import contract speak of the same layers, in the same order."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def contract() -> dict[str, int]:
    """Return each module of the layers' contract with its place from the top."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["id"] == "layers"]
    return {
        name: place
        for place, layer in enumerate(layers)
        for name in re.findall(r"\w+", layer)
    }


def table() -> list[list[str]]:
    """Return the modules of each row of the table in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    return [re.findall(r"`(\w+)/?`", row) for row in rows]


def test_the_table_of_layers_has_every_module_of_the_contract() -> None:
    """A module that came or went cannot be missing from the page, or haunt it."""
    shown = [name for row in table() for name in row]

    assert set(contract()) == set(shown)
    assert len(set(shown)) == len(shown)


def test_the_table_of_layers_goes_down_as_imports_do() -> None:
    """Whoever reads from the top meets nothing before what it is built upon."""
    places = [min(contract()[name] for name in row) for row in table()]

    assert sorted(places) == places
