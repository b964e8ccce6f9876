"""
Bounds and tests, each with its source. Pure arithmetic on counts.

What is promised here holds however often one looks, unless a function says otherwise.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import msgspec

__all__ = ["Interval", "betainc", "log_betainc", "log_paired_e", "wilson"]


class Interval(msgspec.Struct, frozen=True):
    """Where the true share lies, with the confidence that was asked for."""

    low: float
    high: float


def wilson(agrees: int, n: int, confidence: float = 0.95) -> Interval:
    """
    Return the score interval of a share `agrees / n`; 0 to 1 where `n` is 0.

    For one look at a number of trials that was fixed beforehand.
    Wilson, E. B.: Probable inference, the law of succession, and statistical
    inference. Journal of the American Statistical Association 22 (1927), 209-212.
    It takes replays as independent, so traffic of very few clients says less than
    it claims.
    """
    if n <= 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, z2 = agrees / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if agrees == 0 else max(0.0, middle - half)
    return Interval(low, 1.0 if agrees == n else min(1.0, middle + half))


def betainc(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function `I_x(a, b)`."""
    return math.exp(log_betainc(a, b, x))


def log_betainc(a: float, b: float, x: float) -> float:
    """
    Return the logarithm of `I_x(a, b)`, exact also where that is too small to hold.

    The continued fraction DLMF 8.17.22 (https://dlmf.nist.gov/8.17.E22), evaluated by
    Lentz's method, on the side of the mean where it converges fast (8.17.4).
    """
    if x <= 0.0:
        return -math.inf
    if x >= 1.0:
        return 0.0
    if x > (a + 1) / (a + b + 2):
        other = _log_tail(b, a, 1 - x)
        return math.log1p(-math.exp(other)) if other < 0 else -math.inf
    return _log_tail(a, b, x)


def _log_tail(a: float, b: float, x: float) -> float:
    front = a * math.log(x) + b * math.log1p(-x) - log_beta(a, b) - math.log(a)
    return front + math.log(_fraction(a, b, x))


def log_beta(a: float, b: float) -> float:
    """Return the logarithm of the beta function."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


_TINY = 1e-300
_CLOSE = 1e-14
_MAX_STEPS = 100_000


def _fraction(a: float, b: float, x: float) -> float:
    """Return the value of the continued fraction; Lentz, from the front."""
    d = 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > _TINY else _TINY)
    c, value = 1.0, d
    for m in range(1, _MAX_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > _TINY else _TINY)
            c = 1 + term / c
            c = c if abs(c) > _TINY else _TINY
            change = c * d
            value *= change
        if abs(change - 1) < _CLOSE:
            break
    return value


def log_paired_e(more: float, less: float) -> float:
    """
    Return the logarithm of the evidence that a coin falls on its first side too often.

    McNemar's test in anytime-valid form: of the pairs that disagree, `more` fell one
    way and `less` the other. Against a fair coin stands a mixture of all coins that
    favour the first side, uniform over p in (1/2, 1]. The ratio is a test martingale:
    under a fair coin it ever reaches 1/alpha with probability at most alpha (Ville).
    Counts may be fractions, where old ones are made to count less; then that promise
    is one of practice and not of proof.

    McNemar, Q.: Note on the sampling error of the difference between correlated
    proportions or percentages. Psychometrika 12 (1947), 153-157. Robbins, H.:
    Statistical methods related to the law of the iterated logarithm. Annals of
    Mathematical Statistics 41 (1970), 1397-1409.
    """
    a, b = more + 1, less + 1
    # 2 B(a, b) I_{1/2}(b, a) is the mixture; 2^(more + less) the fair coin's inverse.
    return (a + b - 1) * math.log(2) + log_beta(a, b) + log_betainc(b, a, 0.5)
