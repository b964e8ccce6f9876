"""One file for each change; its name begins with its number."""

from __future__ import annotations
