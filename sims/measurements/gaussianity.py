"""Whether estimates are Gaussian, for many of them at once."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from sims.measurements.estimates import known_numbers
from sims.measurements.finite import finite
from theory.definitions.checks import whole_arguments

_EPS = np.finfo(float).eps


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
    dimensions plus one, for numbers that are NaN, infinite or complex, and for a covariance that is singular to
    round-off: of values that are constant over the models, or linear in one another.
    """
    values = finite("values", known_numbers(values))
    count, dimension = values.shape[0], values.shape[-1]
    if count < dimension + 2:
        raise ValueError(f"Mardia's test in {dimension} dimensions needs more models than {dimension + 1}; got {count}")
    # Neither statistic depends on the unit: every place gets its own, a power of two, so that nothing else is rounded.
    values = np.ldexp(values, -np.frexp(np.abs(values).max(axis=(0, -1), keepdims=True))[1])
    centred = np.moveaxis(values - values.mean(axis=0), 0, -2)  # (*batch, models, dim)
    covariance = np.swapaxes(centred, -1, -2) @ centred / count
    _check_regular(values, covariance)
    white = np.swapaxes(np.linalg.solve(np.linalg.cholesky(covariance), np.swapaxes(centred, -1, -2)), -1, -2)
    pairs = (white[..., :, None] * white[..., None, :]).reshape(*white.shape[:-1], -1)
    third = np.swapaxes(pairs, -1, -2) @ white / count
    skewness = np.sum(third**2, axis=(-1, -2))
    kurtosis = np.mean(np.sum(white**2, axis=-1) ** 2, axis=-1)
    expected = dimension * (dimension + 2)
    return MardiaStatistics(count * skewness / 6, (kurtosis - expected) / np.sqrt(8 * expected / count))


def _check_regular(
    values: Float[np.ndarray, "models *batch dim"], covariance: Float[np.ndarray, "*batch dim dim"]
) -> None:
    """Raises ValueError where values differ by their round-off, or a correlation matrix is singular to its own."""
    constant = int(np.sum(np.any(np.ptp(values, axis=0) <= 16 * _EPS * np.abs(values).max(axis=0), axis=-1)))
    if constant:
        raise ValueError(f"values must vary over the models; got {constant} place(s) where some do not")
    deviation = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    correlation = covariance / (deviation[..., :, None] * deviation[..., None, :])
    round_off = values.shape[0] * values.shape[-1] * _EPS
    collinear = int(np.sum(np.linalg.eigvalsh(correlation)[..., 0] <= round_off))
    if collinear:
        raise ValueError(f"values must not be linear in one another; got {collinear} place(s) where some are")


@whole_arguments("null_draws")
def gaussianity_p_values(
    values: Float[np.ndarray, "models *batch dim"], *, null_draws: int, random: np.random.Generator
) -> Float[np.ndarray, "*batch"]:
    """p-value of Mardia's omnibus statistic at every place, (1 + #{null ≥ observed})/(1 + null draws).

    The statistic does not change under affine maps, so its law under any Gaussian is its law for N(0, I) samples of the
    same size, drawn `null_draws` times: the p-value is exact at any number of models. The smallest possible one is
    1/(1 + null_draws); Holm's correction over k places needs it below 0.05/k. Raises ValueError unless `null_draws` is
    1, 2, …, and as `mardia_statistics`.
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
    if not 0 < level < 1:
        raise ValueError(f"the level of a test must lie between zero and one; got {level}")
    p_values = np.asarray(p_values)
    if not np.all((p_values >= 0) & (p_values <= 1)):
        raise ValueError(f"p-values must lie between zero and one; got {p_values}")
    order = np.argsort(p_values)
    passed = p_values[order] <= level / np.arange(len(p_values), 0, -1)
    rejected = np.zeros(len(p_values), dtype=bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected


@whole_arguments("count")
def gaussian_surrogates(
    values: Float[np.ndarray, "models *shape"], count: int, random: np.random.Generator
) -> Float[np.ndarray, "count *shape"]:
    """Draws from the Gaussian with the models' own sample mean and covariance, of weights or of tabulated fields.

    w̄ + Σ_m g_m (w_m - w̄)/√(n-1) with g ~ N(0, I_n): the sample covariance without factorising it. Raises ValueError for
    fewer than two models, and unless `count` is 1, 2, ….
    """
    if len(values) < 2:
        raise ValueError(f"a sample covariance needs at least two models; got {len(values)}")
    flat = np.asarray(values, dtype=float).reshape(len(values), -1)
    mean = flat.mean(axis=0)
    mixing = random.normal(size=(count, len(flat))) / np.sqrt(len(flat) - 1)
    return (mean + mixing @ (flat - mean)).reshape(count, *np.shape(values)[1:])
