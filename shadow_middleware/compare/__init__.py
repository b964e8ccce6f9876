"""Pure comparison of two responses."""
