"""How a record crosses the wall."""
