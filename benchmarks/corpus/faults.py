"""Every regression that is planted in the shadow, and nowhere else."""

from __future__ import annotations

from benchmarks.corpus.fault import Place, Regression
from benchmarks.corpus.faults_answer import ANSWER_FAULTS
from benchmarks.corpus.faults_noisy import NOISY_FAULTS
from benchmarks.corpus.faults_shape import SHAPE_FAULTS
from benchmarks.corpus.faults_value import VALUE_FAULTS

__all__ = ["REGRESSIONS", "Place", "Regression"]

REGRESSIONS: tuple[Regression, ...] = (
    *VALUE_FAULTS,
    *SHAPE_FAULTS,
    *ANSWER_FAULTS,
    *NOISY_FAULTS,
)
