"""Two real apps with a login, a database and ids of their own, for `benchmarks.sessions`."""
