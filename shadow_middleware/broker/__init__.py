"""
Exchanges by way of a broker: published by agents, consumed by workers on other hosts.

    agent ─▶ relay ─▶ publisher ─▶ NATS JetStream ─▶ reader ─▶ worker ─▶ Bench

The stream divides what comes among partitions, by a stable hash of the key. Here is
what both ends share; the worker itself stands above, as it needs a whole bench.
"""
