"""What benchmarks print is kept with where and when it was measured."""

from __future__ import annotations

from benchmarks.every import ALL, Conditions, page_of, with_section

HERE = Conditions("2026-11-21", "abc1234", 2, 0.5, 90.0, ("starlette 1.10",))


def test_a_section_says_what_was_measured_how_and_under_which_conditions() -> None:
    """Title and method come from the program, the figures from what it printed."""
    doc = "What one costs, in all:\n\nBoth take turns.\n"

    page = page_of(doc, "\n## by hand\n\n| a |\n|---|\n| 1 |\n", HERE)

    title, method, conditions, heading, *table = page.strip().split("\n\n")
    assert "## What one costs, in all" == title
    assert "Both take turns." == method
    assert "commit abc1234" in conditions
    assert "on 2 processors" in conditions
    assert "took 1.5 min. starlette 1.10" in conditions
    assert "### by hand" == heading
    assert ["| a |\n|---|\n| 1 |"] == table


def test_a_benchmark_that_runs_again_replaces_its_own_section_alone() -> None:
    """Sections stand in the order of the list, whichever ran first."""
    first, second = list(ALL)[:2]

    text = with_section("# Measured\n\n", second, "## second")
    text = with_section(text, first, "## first")
    text = with_section(text, second, "## second, anew")

    assert ["# Measured", "## first", "## second, anew"] == [
        line for line in text.splitlines() if line.startswith("#")
    ]
