"""Two versions of a real application as live and shadow, beside its release notes."""
