"""What is read and decided over HTTP as JSON, and who may do so."""

from __future__ import annotations

from shadow_middleware.api.app import api, endpoints

__all__ = ["api", "endpoints"]
