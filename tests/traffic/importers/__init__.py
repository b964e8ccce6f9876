"""Importers, held to lines that real servers wrote and to what nobody should write."""
