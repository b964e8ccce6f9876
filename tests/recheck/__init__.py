"""Recheck: samples sent again, with real servers and a real store."""
