"""Sending copies: bounded, in order, behind a breaker."""
