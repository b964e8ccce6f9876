"""What the pipeline tells the world: numbers, log lines, signals."""
