"""The benchmark of importing runs, and counts what it says it counts."""

from __future__ import annotations

import pytest

from benchmarks import importing


@pytest.mark.parametrize("form", importing.SOURCES)
def test_every_format_is_measured(form: str) -> None:
    """No rate is that of an empty loop."""
    name, *rates = importing.measured(form, importing.SOURCES[form], 60).split()

    assert form == name
    assert 3 == len(rates)
    assert all(float(rate.replace(",", "")) > 0 for rate in rates)
