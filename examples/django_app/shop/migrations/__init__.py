"""How the bookshop's tables come to be."""

from __future__ import annotations
