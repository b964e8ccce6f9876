"""The quick forms of the benchmarks that hold a promise."""
