"""The broker: what agents publish, what workers make of it, and what never gets lost."""
