"""Mirrored writes against real shadows, and whether anything of the world has moved."""
