"""
Exporters: recorded exchanges for other programs, piece by piece.

Pure: `Recorded` in, text out. What a capture masks is masked here as well.
"""
