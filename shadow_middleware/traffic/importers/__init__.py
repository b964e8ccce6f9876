"""
Importers: one file for each format, from bytes to recorded exchanges.

Pure: pieces of bytes in, `Recorded | BadRecord` out, in bounded memory, whatever the
bytes are. `formats` names them all.
"""
