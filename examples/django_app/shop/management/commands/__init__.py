"""Commands of the bookshop: seed."""

from __future__ import annotations
