"""
Two implementations of one function: the old one answers, the new one is compared.

    @experiment(candidate=new_search, rate=0.1)
    def search(query): ...

What is learned of it, grouped, stored, judged and shown is what is for HTTP.
"""

from __future__ import annotations

from shadow_middleware.experiment.experiment import Experiment, experiment

__all__ = ["Experiment", "experiment"]
