"""A small bookshop on Django, with a v2 that answers differently in planted ways."""

from __future__ import annotations
