"""Where coverage is not taken, since taking it costs more than the test itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

__all__ = ["children_uncounted", "untraced"]


@pytest.fixture
def untraced() -> Iterator[None]:
    """Run the test without the tracer: seven times faster where a loop is long."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


@pytest.fixture(scope="module")
def children_uncounted() -> Iterator[None]:
    """
    Count nothing of the processes that a module's tests start: half of their time.

    For whole applications from end to end, which walk through lines that smaller
    tests with processes of their own have counted.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
            patch.delenv(name, raising=False)
        yield
