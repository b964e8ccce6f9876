"""What both examples share: starting servers, visits, and the words for faults."""

from __future__ import annotations
