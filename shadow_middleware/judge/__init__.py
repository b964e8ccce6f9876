"""From differences to an outcome: which of them are noise, and which group they join. Pure."""

from __future__ import annotations
