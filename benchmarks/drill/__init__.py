"""
A live app under load, its agent and a shadow that counts, all in processes of their own.

What `benchmarks.faults` and `benchmarks.soak` break. Every request has a number; the
ledger says of each what live answered, and how often and when the shadow got a copy.
"""
