"""The reference is whole: whatever the code offers can be looked up there."""

from __future__ import annotations

import msgspec

from scripts import reference
from shadow_middleware import errors, settings, signals
from shadow_middleware.api.app import OPERATIONS
from shadow_middleware.exchange import Outcome
from shadow_middleware.metrics.instruments import ALL as INSTRUMENTS
from shadow_middleware.store.schema import metadata
from shadow_middleware.traffic import ndjson

OWNERS = (settings.Settings, settings.Target, settings.Rule, settings.Transform)


OFFERED: dict[str, list[str]] = {
    "settings.md": [
        f"| `{field.name}`<br>"
        for one in OWNERS
        for field in msgspec.structs.fields(one)
    ],
    "signals.md": [f"## {name}\n" for name in signals.ALL],
    "cli.md": [
        f"## {f'shadow-middleware {command}'.strip()}\n"
        for command in reference.commands()
    ],
    "api.md": [f"### `{one.method} /api{one.path}`\n" for one in OPERATIONS],
    "reference/metrics.md": [
        f"| `{reference.exposed(one)}` |" for one in INSTRUMENTS.values()
    ],
    "reference/schema.md": [f"### {name}\n" for name in metadata.tables],
    "reference/errors.md": [f"### {name}\n" for name in errors.__all__],
    "outcomes.md": [f"| `{outcome}` |" for outcome in Outcome],
    "capture.md": [
        f"`{field.encode_name}`"
        for one in (ndjson.Head, ndjson.Account, ndjson._Line)
        for field in msgspec.structs.fields(one)
    ],
}
"""What the code offers: by which words it is found, and on which page."""


def read(page: str) -> str:
    """Return a page as readers see it."""
    text = (reference.ROOT / "docs" / page).read_text(encoding="utf-8")
    return reference.filled(text, page)


def test_everything_that_the_code_offers_is_in_the_reference() -> None:
    """No setting, signal, command, endpoint, metric, table or error can be forgotten."""
    texts = {page: read(page) for page in OFFERED}

    assert [] == [
        f"{words.strip()} is not in {page}"
        for page, offered in OFFERED.items()
        for words in offered
        if words not in texts[page]
    ]


def test_every_table_says_what_it_holds() -> None:
    """The name of a table is not all that a reader gets, and no word is of one that went."""
    words = reference.words_of_tables()
    columns = {one.name for table in metadata.sorted_tables for one in table.columns}

    assert set(metadata.tables) == set(words["tables"])
    assert set() == set(words["columns"]) - columns


def test_every_endpoint_says_what_it_is_for() -> None:
    """Each has a sentence, and what it answers or that it answers nothing."""
    parts = reference.endpoints_reference().split("### ")[1:]

    assert [] == [part for part in parts if len(part.split("\n\n")[1].split()) < 3]
    assert len(OPERATIONS) == len([part for part in parts if "\n\nAnswers 20" in part])


def test_rows_of_the_reference_show_bars_as_they_are() -> None:
    """In code a bar needs no escape, and one would be shown to the reader."""
    assert "\\|" not in reference.settings_reference() + reference.endpoints_reference()
