"""What is measured on distributions that ensembles of models learn, and whether their estimator is Gaussian.

An average learned distribution pools the samples of all models; models are the independent repetitions, so every
standard error is over models. Statistics of the pooled distribution that are not means take the jackknife.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student_t

from sims.measurements import Estimate, mean_over

_MEMORISED_RATIO = 1 / 3


# --- Memorisation and gaps ---


def memorised(
    samples: Float[np.ndarray, "*batch n dim"], points: Float[np.ndarray, "m dim"]
) -> Float[np.ndarray, "*batch n"]:
    """Whether the nearest of the points is closer than a third of the distance to the second nearest.

    Raises ValueError for fewer than two points.
    """
    if len(points) < 2:
        raise ValueError(f"memorisation is judged by the two nearest points; got {len(points)}")
    distance = np.linalg.norm(np.asarray(samples)[..., None, :] - np.asarray(points), axis=-1)
    nearest = np.partition(distance, 1, axis=-1)
    return nearest[..., 0] < _MEMORISED_RATIO * nearest[..., 1]


def memorised_fraction(
    samples: Float[np.ndarray, "*batch models n dim"], points: Float[np.ndarray, "m dim"]
) -> Estimate:
    """Share of samples whose nearest point is closer than a third of the distance to the second nearest.

    Averaged over models, with the standard error over models. For equally spaced points on a line, samples that are not
    memorised lie in the middle half of a gap or farther out than half a spacing.
    """
    return mean_over(np.mean(memorised(samples, points), axis=-1), axis=-1)


def distance_to_segment(
    x: Float[np.ndarray, "*batch dim"], start: Float[np.ndarray, " dim"], end: Float[np.ndarray, " dim"]
) -> Float[np.ndarray, "*batch"]:
    """Distance of positions to the straight line between two different points, ends included."""
    along = np.clip((x - start) @ (end - start) / np.sum((end - start) ** 2), 0, 1)
    return np.linalg.norm(x - start - along[..., None] * (end - start), axis=-1)


# --- Distances of the average distribution ---


def jackknife(statistic: Callable[[np.ndarray], float], summaries: Float[np.ndarray, "models *shape"]) -> Estimate:
    """f(mean over models of a summary) with its delete-one standard error √((n-1)/n Σ (f_(-i) - f̄)²).

    For functions f that are smooth where they are evaluated. Raises ValueError for fewer than two models.
    """
    count = len(summaries)
    if count < 2:
        raise ValueError(f"a standard error needs at least two models; got {count}")
    mean = summaries.mean(axis=0)
    without = np.array([statistic(mean + (mean - each) / (count - 1)) for each in summaries])
    return Estimate(np.asarray(statistic(mean)), jackknife_error(without), count)


def jackknife_error(without: Float[np.ndarray, "n *shape"]) -> Float[np.ndarray, "*shape"]:
    """Standard error √((n-1)/n Σ (f_(-i) - f̄)²) of what was computed with each of n parts left out."""
    count = len(without)
    return np.sqrt((count - 1) / count * np.sum((without - without.mean(axis=0)) ** 2, axis=0))


def ratio_of_means(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Ratio of two means over paired models with Fieller's 95 % interval: all r with |ȳ - r x̄| ≤ t·stderr(y - r x).

    Unbounded where the denominator's mean is not distinguishable from zero: then no ratio is excluded that a report
    of two finite numbers could state. NaN for a denominator of mean zero.
    """
    count, mean = len(numerator), np.array([numerator.mean(), denominator.mean()])
    if mean[1] == 0:
        return float("nan"), (float("-inf"), float("inf"))
    squared = student_t.ppf(0.975, count - 1) ** 2 / count
    covariance = squared * np.cov(numerator, denominator)
    # a r² - 2 b r + c ≤ 0
    a, b, c = mean[1] ** 2 - covariance[1, 1], mean.prod() - covariance[0, 1], mean[0] ** 2 - covariance[0, 0]
    if a <= 0:
        return float(mean[0] / mean[1]), (float("-inf"), float("inf"))
    half_width = np.sqrt(max(b**2 - a * c, 0.0)) / a
    return float(mean[0] / mean[1]), (float(b / a - half_width), float(b / a + half_width))


def cumulative(
    samples: Float[np.ndarray, "models n"], grid: Float[np.ndarray, " grid"]
) -> Float[np.ndarray, "models grid"]:
    """Share of every model's samples at or below each grid point."""
    ordered = np.sort(np.asarray(samples), axis=-1)
    return np.stack([np.searchsorted(row, grid, side="right") for row in ordered]) / ordered.shape[-1]


def wasserstein1_of_average(
    cumulatives: Float[np.ndarray, "models grid"],
    reference: Float[np.ndarray, " grid"],
    grid: Float[np.ndarray, " grid"],
) -> Estimate:
    """W_1 = ∫ |F̄(x) - F_ref(x)| dx between the average distribution and a reference, by the trapezoidal rule.

    All distribution functions on one grid that holds all mass. The plain estimate: sampling noise alone makes it
    positive, so hold it against `wasserstein1_permutations`.
    """
    return jackknife(lambda average: float(np.trapezoid(np.abs(average - reference), grid)), cumulatives)


def wasserstein1_permutations(
    first: Float[np.ndarray, "models grid"],
    second: Float[np.ndarray, "models grid"],
    grid: Float[np.ndarray, " grid"],
    *,
    repetitions: int,
    random: np.random.Generator,
) -> Float[np.ndarray, " repetitions"]:
    """W_1 between the averages of two groups of models under random exchange of their labels: its null law."""
    pooled, size = np.concatenate([first, second]), len(first)
    total = pooled.sum(axis=0)
    distances = np.empty(repetitions)
    for index in range(repetitions):
        part = pooled[random.permutation(len(pooled))[:size]].sum(axis=0)
        distances[index] = np.trapezoid(np.abs(part / size - (total - part) / (len(pooled) - size)), grid)
    return distances


def kl_of_average(probabilities: Float[np.ndarray, "models bins"], reference: Float[np.ndarray, " bins"]) -> Estimate:
    """KL(average ‖ reference) = Σ q̄ ln(q̄/p) over bins, in nats; infinite where q̄ has mass and p has none.

    `probabilities` are every model's shares of samples in the bins, `reference` the masses of the reference density.
    Each row sums to one, counting what lies outside as bins of its own. Raises ValueError otherwise, and for fewer than
    two models.
    """
    totals = np.sum(probabilities, axis=-1)
    if not np.allclose(totals, 1):
        raise ValueError(
            f"each model's shares of samples must sum to one; got sums from {totals.min()} to {totals.max()}"
        )

    def divergence(average: np.ndarray) -> float:
        held = average > 0
        if np.any(reference[held] <= 0):
            return float("inf")
        return float(np.sum(average[held] * np.log(average[held] / reference[held])))

    return jackknife(divergence, probabilities)


# --- Is the estimator Gaussian? ---


class MardiaStatistics(NamedTuple):
    """Mardia's skewness and kurtosis, standardised to their large-sample laws (Mardia 1970)."""

    skewness: np.ndarray  # n b_1/6, chi-squared with D(D+1)(D+2)/6 degrees of freedom
    kurtosis: np.ndarray  # (b_2 - D(D+2))/√(8D(D+2)/n), standard normal

    @property
    def omnibus(self) -> np.ndarray:
        """The sum of skewness and squared kurtosis; for D = 1 the statistic of Jarque and Bera."""
        return self.skewness + self.kurtosis**2


def mardia_statistics(values: Float[np.ndarray, "models *batch dim"]) -> MardiaStatistics:
    """b_1 = n^-2 Σ_ij (z_i·z_j)³ and b_2 = n^-1 Σ_i |z_i|⁴ of whitened values z, at every place of the batch.

    b_1 is computed as the squared norm of the third-moment tensor. Raises ValueError unless there are more models than
    dimensions plus one.
    """
    values = np.asarray(values, dtype=float)
    count, dimension = values.shape[0], values.shape[-1]
    if count < dimension + 2:
        raise ValueError(f"Mardia's test in {dimension} dimensions needs more models than {dimension + 1}; got {count}")
    centred = np.moveaxis(values - values.mean(axis=0), 0, -2)  # (*batch, models, dim)
    covariance = np.swapaxes(centred, -1, -2) @ centred / count
    white = np.swapaxes(np.linalg.solve(np.linalg.cholesky(covariance), np.swapaxes(centred, -1, -2)), -1, -2)
    pairs = (white[..., :, None] * white[..., None, :]).reshape(*white.shape[:-1], -1)
    third = np.swapaxes(pairs, -1, -2) @ white / count
    skewness = np.sum(third**2, axis=(-1, -2))
    kurtosis = np.mean(np.sum(white**2, axis=-1) ** 2, axis=-1)
    expected = dimension * (dimension + 2)
    return MardiaStatistics(count * skewness / 6, (kurtosis - expected) / np.sqrt(8 * expected / count))


def gaussianity_p_values(
    values: Float[np.ndarray, "models *batch dim"], *, null_draws: int, random: np.random.Generator
) -> Float[np.ndarray, "*batch"]:
    """p-value of Mardia's omnibus statistic at every place, (1 + #{null ≥ observed})/(1 + null draws).

    The statistic does not change under affine maps, so its law under any Gaussian is its law for N(0, I) samples of the
    same size, drawn `null_draws` times: the p-value is exact at any number of models. The smallest possible one is
    1/(1 + null_draws); Holm's correction over k places needs it below 0.05/k.
    """
    observed = mardia_statistics(values).omnibus
    models, dimension = values.shape[0], values.shape[-1]
    # In portions, so that memory is that of a thousand ensembles.
    portions = np.full(-(-null_draws // 1000), 1000)
    portions[-1] = null_draws - 1000 * (len(portions) - 1)
    null = np.sort(
        np.concatenate([mardia_statistics(random.normal(size=(models, n, dimension))).omnibus for n in portions])
    )
    exceeded = len(null) - np.searchsorted(null, observed, side="left")
    return (1 + exceeded) / (1 + len(null))


def holm_rejected(p_values: Float[np.ndarray, " tests"], level: float = 0.05) -> np.ndarray:
    """Which hypotheses Holm's step-down procedure rejects: any false rejection has probability ≤ level.

    Valid whatever the dependence between the tests (Holm 1979). Raises ValueError for a level or p-values that are no
    probabilities.
    """
    p_values = _checked_p_values(p_values, level)
    order = np.argsort(p_values)
    passed = p_values[order] <= level / np.arange(len(p_values), 0, -1)
    rejected = np.zeros(len(p_values), dtype=bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected


def benjamini_hochberg_rejected(p_values: Float[np.ndarray, " tests"], level: float = 0.05) -> np.ndarray:
    """Which hypotheses Benjamini and Hochberg's step-up procedure rejects: expected share of false ones ≤ level.

    For independent or positively dependent tests (Benjamini & Hochberg 1995). Raises ValueError as `holm_rejected`.
    """
    p_values = _checked_p_values(p_values, level)
    count = len(p_values)
    order = np.argsort(p_values)
    passed = np.flatnonzero(p_values[order] <= level * np.arange(1, count + 1) / count)
    rejected = np.zeros(count, dtype=bool)
    if passed.size:
        rejected[order[: passed[-1] + 1]] = True
    return rejected


def _checked_p_values(p_values: Float[np.ndarray, " tests"], level: float) -> np.ndarray:
    if not 0 < level < 1:
        raise ValueError(f"the level of a test lies between zero and one; got {level}")
    p_values = np.asarray(p_values)
    if not np.all((p_values >= 0) & (p_values <= 1)):
        raise ValueError(f"p-values lie between zero and one; got {p_values}")
    return p_values


def gaussian_surrogates(
    values: Float[np.ndarray, "models *shape"], count: int, random: np.random.Generator
) -> Float[np.ndarray, "count *shape"]:
    """Draws from the Gaussian with the models' own sample mean and covariance, of weights or of tabulated fields.

    w̄ + Σ_m g_m (w_m - w̄)/√(n-1) with g ~ N(0, I_n): the sample covariance without factorising it. Raises ValueError for
    fewer than two models.
    """
    if len(values) < 2:
        raise ValueError(f"a sample covariance needs at least two models; got {len(values)}")
    flat = np.asarray(values, dtype=float).reshape(len(values), -1)
    mean = flat.mean(axis=0)
    mixing = random.normal(size=(count, len(flat))) / np.sqrt(len(flat) - 1)
    return (mean + mixing @ (flat - mean)).reshape(count, *np.shape(values)[1:])
