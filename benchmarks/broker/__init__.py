"""What the broker's path holds and costs: `python -m benchmarks.broker order|speed`."""
