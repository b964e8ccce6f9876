"""
The other end of the broker: exchanges replayed on any number of hosts.

    worker ─▶ shift ─┬▶ leases     which partitions are ours, for how long (the store)
                     └▶ partition  reader ─▶ assembly ─▶ ledger ─▶ Bench ─▶ store ─▶ ack

Nothing here sends, compares or judges: that is the bench's, as in an agent. A message
is confirmed to the broker once its outcome is in the store, with the place that the
partition has come to, in one transaction.
"""
