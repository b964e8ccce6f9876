"""
Bounds and tests, each with its source. Pure arithmetic on counts.

What is promised here holds however often one looks, unless a function says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

import msgspec

__all__ = [
    "Interval",
    "clopper_pearson",
    "confidence_sequence",
    "favours_first",
    "lies_above",
    "log_beta",
    "log_betainc",
    "log_paired_e",
    "more_needed",
    "wilson",
]

_CLOSE = 1e-14
_TINY = 1e-300
_MAX_STEPS = 100_000


class Interval(msgspec.Struct, frozen=True, gc=False):
    """Where the true share lies, with the confidence that was asked for."""

    low: float
    high: float


# --- for one look, at a number of trials fixed beforehand --------------------------------


def wilson(agrees: int, n: int, confidence: float = 0.95) -> Interval:
    """
    Return the score interval of a share `agrees / n`; 0 to 1 where `n` is 0.

    For one look, and near its confidence on average. Wilson, E. B.: Probable inference,
    the law of succession, and statistical inference. Journal of the American
    Statistical Association 22 (1927), 209-212. It takes replays as independent, so
    traffic of very few clients says less than it claims.
    """
    if n <= 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, z2 = agrees / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if agrees == 0 else max(0.0, middle - half)
    return Interval(low, 1.0 if agrees == n else min(1.0, middle + half))


@lru_cache(maxsize=16_384)
def clopper_pearson(agrees: int, n: int, confidence: float = 0.95) -> Interval:
    """
    Return the exact interval of a share `agrees / n`; 0 to 1 where `n` is 0.

    For one look, and never below its confidence. Clopper, C. J., Pearson, E. S.: The
    use of confidence or fiducial limits illustrated in the case of the binomial.
    Biometrika 26 (1934), 404-413.
    """
    tail = math.log((1 - confidence) / 2)
    low = _exact_low(agrees, n, tail)
    return Interval(low, 1.0 - _exact_low(n - agrees, n, tail))


def _exact_low(k: int, n: int, log_tail: float) -> float:
    """Return the share below which `k` or more of `n` are less likely than the tail."""
    if k <= 0:
        return 0.0
    return _last(
        lambda p: log_tail - log_betainc(k, n - k + 1, p),
        k / n,
        _away(k, n, -log_tail),
    )


# --- however often one looks -------------------------------------------------------------


@lru_cache(maxsize=16_384)
def confidence_sequence(agrees: int, n: int, confidence: float = 0.95) -> Interval:
    """
    Return bounds of a share that hold at all times at once; 0 to 1 where `n` is 0.

    With the confidence asked for, the true share lies within them after every trial,
    so one may look as often as one likes and stop when one likes. Each of the bounds
    alone holds with half of the error.

    For each share p that is too low stands a mixture of all higher shares: the ratio of
    its likelihood to that of p is a test martingale where p is true, and reaches
    1/alpha with probability at most alpha (Ville's inequality; the mixture is Robbins'
    method, 1970; as a sequence of intervals: Howard, Ramdas, McAuliffe, Sekhon:
    Time-uniform, nonparametric, nonasymptotic confidence sequences. Annals of
    Statistics 49 (2021), 1055-1080; Waudby-Smith, Ramdas: Estimating means of bounded
    random variables by betting. JRSS B 86 (2024), 1-27). The mixture is Jeffreys' prior
    Beta(1/2, 1/2), cut to the shares above p: near 1, where shares of agreement lie, it
    pays no more than elsewhere, half a logarithm of n.
    """
    log_needed = math.log(2 / (1 - confidence))
    low = _ever_low(agrees, n, log_needed)
    return Interval(low, 1.0 - _ever_low(n - agrees, n, log_needed))


def more_needed(
    agrees: int, n: int, goal: float, confidence: float = 0.95, most: int = 10**9
) -> int | None:
    """
    Return how many more trials would decide whether the share reaches `goal`.

    If they go on as so far, and by `confidence_sequence`, either way; 0 where it is
    decided. Where there were none, all are taken to agree. None where it takes more
    than `most`, as it does if the share is the goal.
    """
    share = agrees / n if n > 0 else 1.0
    log_needed = math.log(2 / (1 - confidence))

    def decides(more: int) -> bool:
        trials = n + more
        # Rounded towards the goal, so that nothing is promised too early.
        if share >= goal:
            above = math.floor(share * trials + 1e-6)
            return _log_mixture(above, trials, goal) >= log_needed
        below = trials - math.ceil(share * trials - 1e-6)
        return _log_mixture(below, trials, 1.0 - goal) >= log_needed

    return _least(decides, most)


def _least(decides: Callable[[int], bool], most: int) -> int | None:
    """Return the least number that decides, to about a two-hundredth."""
    if decides(0):
        return 0
    too_few, enough = 0, 1
    while not decides(enough):
        too_few, enough = enough, enough * 2
        if too_few >= most:
            return None
    while enough - too_few > max(1, enough // 200):
        middle = (too_few + enough) // 2
        if decides(middle):
            enough = middle
        else:
            too_few = middle
    return enough


def lies_above(agrees: int, n: int, share: float, confidence: float = 0.95) -> bool:
    """Return whether all of `confidence_sequence` lies above the share, at less cost."""
    return _log_mixture(agrees, n, share) >= math.log(2 / (1 - confidence))


def _ever_low(k: int, n: int, log_needed: float) -> float:
    if k <= 0:
        return 0.0
    evidence = _log_mixture_of(k, n)
    return _last(
        lambda p: evidence(p) - log_needed,
        k / n,
        _away(k, n, log_needed + math.log(n) / 2),
    )


def _away(k: int, n: int, log_needed: float) -> float:
    """Return about how far below `k / n` shares are that so much evidence rejects."""
    share = k / n
    return math.sqrt(2 * log_needed * max(share * (1 - share), share / n) / n)


def _log_mixture(k: int, n: int, p: float) -> float:
    return _log_mixture_of(k, n)(p)


def _log_mixture_of(k: int, n: int) -> Callable[[float], float]:
    """
    Return what gives the logarithm of the evidence that the share is above a number `p`.

    It is -inf where k/n is not above it.

    The mixture's mass above p after n trials is bounded from below by Chernoff:
    P(Beta(k + 1/2, n - k + 1/2) <= p) <= P(Bin(n, p) >= k) <= exp(-n KL(k/n, p)). So
    it is a little less than the martingale, and costs no special function.
    """
    misses = n - k
    if k <= 0:
        return lambda _: -math.inf
    at_best = k * math.log(k / n) + (misses * math.log(misses / n) if misses else 0.0)
    prior = log_beta(k + 0.5, misses + 0.5)

    def evidence(p: float) -> float:
        if p * n >= k:
            return -math.inf
        if p <= 0.0:
            return math.inf
        at_p = k * math.log(p) + misses * math.log1p(-p)
        apart = at_best - at_p
        if apart <= 0.0:
            return -math.inf
        # The prior's mass above p: 1 - I_p(1/2, 1/2), where B(1/2, 1/2) is pi.
        prior_above = 2 * math.asin(math.sqrt(1 - p))
        return prior - math.log(prior_above) + math.log(-math.expm1(-apart)) - at_p

    return evidence


def _last(excess: Callable[[float], float], inside: float, away: float) -> float:
    """
    Return the largest number below `inside` that is still rejected, within 1e-14 of it.

    Chandrupatla's method: inverse quadratic interpolation where it is safe, else halving.
    Chandrupatla, T. R.: A new hybrid quadratic/bisection algorithm for finding the zero
    of a nonlinear function without using derivatives. Advances in Engineering Software
    28 (1997), 145-149.

    Args:
        excess: Falls; a number is rejected where it is 0 or above.
        inside: A number that is not rejected.
        away: About how far below it the last rejected one is.
    """
    outside, over, inside, under = _around(excess, inside, away)
    if over == math.inf or under == -math.inf:
        return outside
    other, value, part = inside, under, 0.5
    while inside - outside > _CLOSE * inside:
        middle = outside + part * (inside - outside)
        if not outside < middle < inside:
            break
        found = excess(middle)
        if found >= 0:
            other, value, outside, over = outside, over, middle, found
        else:
            other, value, inside, under = inside, under, middle, found
        part = _next_part(outside, over, inside, under, other, value)
    return outside


def _around(
    excess: Callable[[float], float], inside: float, away: float
) -> tuple[float, float, float, float]:
    """Return two numbers with their excess, the first rejected and the second not."""
    outside, over, under, top = 0.0, math.inf, -math.inf, inside
    while over == math.inf or under == -math.inf:
        middle = top - away
        if not outside < middle < inside:
            middle = (outside + inside) / 2
        if inside - outside < _CLOSE * inside or not outside < middle < inside:
            break
        found = excess(middle)
        if found >= 0:
            outside, over, away = middle, found, away / 2
        else:
            inside, under, away = middle, found, away * 2
    return outside, over, inside, under


def _next_part(
    outside: float,
    over: float,
    inside: float,
    under: float,
    other: float,
    value: float,
) -> float:
    """Return where between both ends to look next, from 0 for outside to 1."""
    width = inside - outside
    least = min(0.5, 0.4 * _CLOSE * inside / width) if width > 0 else 0.5
    newest, before = (outside, over), (inside, under)
    if abs(under) < abs(over):
        newest, before = before, newest
    (x1, f1), (x2, f2) = newest, before
    if x1 == other or f2 == value or f1 in (f2, value):
        return 0.5
    xi, phi = (x1 - x2) / (other - x2), (f1 - f2) / (value - f2)
    if not (phi * phi < xi and (1 - phi) ** 2 < 1 - xi):
        return 0.5
    step = f1 / (f2 - f1) * value / (f2 - value) + (
        (other - x1) / (x2 - x1) * f1 / (value - f1) * f2 / (value - f2)
    )
    at = x1 + step * (x2 - x1)
    part = (at - outside) / width
    return min(1 - least, max(least, part))


# --- the test of pairs -------------------------------------------------------------------


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


def favours_first(more: float, less: float, log_needed: float) -> bool:
    """Return whether `log_paired_e` reaches what is needed."""
    if more <= less or _log_best_ratio(more, less) < log_needed:
        return False
    return log_paired_e(more, less) >= log_needed


def _log_best_ratio(more: float, less: float) -> float:
    """Return the evidence of the best single coin: no mixture has more."""
    n = more + less
    against = less / n
    return more * math.log(2 * more / n) + (
        less * math.log(2 * against) if against > 0 else 0.0
    )


# --- the beta function -------------------------------------------------------------------


def log_betainc(a: float, b: float, x: float) -> float:
    """
    Return the logarithm of the regularised incomplete beta function, `I_x(a, b)`.

    Exact also where that is too small to hold.

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
