"""Tests of `shadow_middleware.store`."""

from __future__ import annotations
