"""
Who finds what in the corpus: this tool, DeepDiff alone, Diffy's published algorithm.

Every contestant says for each exchange what it sees, `score` keeps the accounts, and
in the end each says which of its groups it would show.
"""

from __future__ import annotations
