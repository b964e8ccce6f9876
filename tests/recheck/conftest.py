"""The tea shop's store and the command line, as the commands' own tests have them."""

from __future__ import annotations

from tests.cli.conftest import empty_url, run, tea

__all__ = ["empty_url", "run", "tea"]
