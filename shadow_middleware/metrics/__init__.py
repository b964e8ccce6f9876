"""
Numbers for whoever watches: what an agent counts, as Prometheus and OpenTelemetry.

`instruments` says which there are, `meter` counts, `board` shows. The live process
has no part in it, except that it says what it paid.
"""
