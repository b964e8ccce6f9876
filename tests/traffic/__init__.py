"""Traffic in files: captured, read back, imported and exported."""
