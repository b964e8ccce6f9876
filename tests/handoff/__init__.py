"""Tests of `shadow_middleware.handoff`."""

from __future__ import annotations
