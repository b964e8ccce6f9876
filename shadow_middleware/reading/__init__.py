"""What a store holds, as every face shows it: read here once, rendered elsewhere."""

from __future__ import annotations

from shadow_middleware.reading.reading import Overview, Reading, Series
from shadow_middleware.reading.steering import Steering
from shadow_middleware.reading.triage import Triage

__all__ = ["Overview", "Reading", "Series", "Steering", "Triage"]
