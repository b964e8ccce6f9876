"""Traffic in files: recorded exchanges, written, read, imported and exported."""
