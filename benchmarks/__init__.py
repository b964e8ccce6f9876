"""Programs that measure; each is run as `scripts/bench NAME`."""

from __future__ import annotations
