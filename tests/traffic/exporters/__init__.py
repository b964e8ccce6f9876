"""Exporters, held to the programs that read what they write."""
