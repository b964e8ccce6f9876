"""Two small shops that mirror themselves to a second version with planted faults."""

from __future__ import annotations
