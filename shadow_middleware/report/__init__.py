"""Pure reading of what the store holds."""
