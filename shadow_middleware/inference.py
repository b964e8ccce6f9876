"""
Bounds and tests, each with its source. Pure arithmetic on counts.

What is promised here holds however often one looks, unless a function says otherwise.
"""

from __future__ import annotations
