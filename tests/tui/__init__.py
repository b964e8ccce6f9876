"""The terminal UI, driven by keys."""
