"""How much a score target scatters about the score, with and without references: exact for point masses.

Which of the references of a set S it was that x_t came from is all that the target does not know, so that its mean
given S and x_t is the posterior mean under S, and its mean given x_t alone the score. By the law of total variance

    V_STF(n) = V_DSM(data) - E_S V_DSM(S),

over the sets of n points that x_0 and its references may be. For α = 1 and distinct points of any shares, dI/dσ =
-σ V_DSM (I-MMSE) and I runs from the entropy H of the shares to zero: ∫σ V_DSM dσ = H. So the target keeps the nats

    ∫σ V_STF(n) dσ = ln N - E_S H(S) = ln(N/n) without replacement:

n references remove ln n nats, whatever the data. On other processes the same holds of ∫ρ α²V dρ, ρ = σ/α. Points that
are equal count as one of a larger share; a mixture has no such law, since its information has no bound.

Round clusters of one variance v hide which one it was as their centres do under the noise α²v + σ², and where in it x_0
lay as a Gaussian does.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating, is_traced, jit
from theory.definitions.checks import nan_unless, whole_arguments
from theory.definitions.processes import AbstractProcess, check_noisy_time, process_time
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.exact_scores.point_masses import PointMasses
from theory.exact_scores.posterior_variance import MOST_DIRECTIONS, coordinates, mean_posterior_variance

_MOST_SHARES = 2_000_000  # sets of references times points


@whole_arguments("references")
def target_variance(
    data: PointMasses | GaussianMixture,
    process: AbstractProcess,
    t: ArrayLike,
    references: int = 1,
    replace: bool = False,
) -> Time:
    """E tr Cov(score target | x_t), averaged over x_t: of denoising score matching, or of the stable target field.

    By the trapezoidal rule, summed over all sets of references. In units of α²/σ⁴ times the variance of the data it is
    right to 1e-12 for points on a line, to 1e-10 in a plane.

    **Arguments:** process times `t` (...,), answered in the same shape; `references` n, with x_0 itself among them: one
    is denoising score matching, V_DSM; `replace`, whether points are drawn with replacement, so that x_0 may come
    twice. Of a mixture of round clusters, of one variance, it is known for one reference. Units: those of a score
    squared. **Raises** ValueError unless points or centres have one or two coordinates, or are three at most in any
    number of them, for times at which x_t has no noise, for more references than points if `replace` is false, where
    sets of references times points are over two million, for clusters of different variances, and for references of a
    mixture: of those and of all other data `sampled_target_variance` draws the variance.
    """
    check_noisy_time("t", t, process)
    if isinstance(data, GaussianMixture):
        return _of_mixture(data, process, floating(t), references)
    _check_directions(data.points)
    shares, probability = reference_sets(len(data.points), references, replace)
    return _target_variance(data, process, floating(t), jnp.asarray(shares), jnp.asarray(probability))


@whole_arguments("points", "references")
def reference_sets(
    points: int, references: int, replace: bool
) -> tuple[Float[np.ndarray, "sets points"], Float[np.ndarray, " sets"]]:
    """Every set of references, as the share that each point has of it, and how probable it is.

    Raises ValueError for more references than points without replacement, and for over two million shares.
    """
    _check_references(points, references, replace)
    sets = math.comb(points + references - 1, references) if replace else math.comb(points, references)
    if sets * points > _MOST_SHARES:
        most = _MOST_SHARES // points
        raise ValueError(
            f"sets of references must be at most {most}, to be summed; got {sets}, of {references} of {points} points"
        )
    chosen = itertools.combinations_with_replacement if replace else itertools.combinations
    counts = np.zeros((sets, points))
    for row, members in enumerate(chosen(range(points), references)):
        np.add.at(counts[row], list(members), 1.0)
    log_probability = np.array([-sum(math.lgamma(count + 1) for count in row) for row in counts])
    probability = np.exp(log_probability - log_probability.max())
    return counts / references, probability / probability.sum()


@whole_arguments("points", "references")
def reference_nats(points: int, references: int = 1, replace: bool = False) -> Float[Array, ""]:
    """∫σ V_STF(n) dσ for α = 1 and N distinct points: ln(N/n), or ln N - E H(S) if they are drawn with replacement.

    With replacement a point comes c times, c binomial, and H(S) = ln n - Σ c ln(c)/n over the points.

    **Arguments:** `points` N and `references` n, x_0 among them. **Raises** ValueError for more references than points
    if `replace` is false.
    """
    _check_references(points, references, replace)
    if not replace:
        return jnp.asarray(math.log(points / references))
    if points == 1:
        return jnp.zeros(())
    counts = np.arange(1, references + 1)
    log_factorial = np.array([math.lgamma(count + 1) for count in range(references + 1)])
    log_ways = log_factorial[-1] - log_factorial[counts] - log_factorial[references - counts]
    log_probability = log_ways - counts * math.log(points) + (references - counts) * math.log1p(-1 / points)
    repeated = points * np.sum(np.exp(log_probability) * counts * np.log(counts)) / references
    return jnp.asarray(math.log(points / references) + repeated)


def _check_references(points: int, references: int, replace: bool) -> None:
    if not replace and references > points:
        raise ValueError(f"references must be at most the number of points, {points}, unless replace; got {references}")


def _of_mixture(data: GaussianMixture, process: AbstractProcess, t: Time, references: int) -> Time:
    if references > 1:
        raise ValueError(
            f"references of a mixture must be one for its exact variance, sampled_target_variance draws others; got "
            f"{references}"
        )
    _check_directions(data.means)
    check_one_width("the exact variance of the target", data)
    return _target_variance_of_mixture(data, process, t)


@jit
def _target_variance_of_mixture(data: GaussianMixture, process: AbstractProcess, t: Time) -> Time:
    time = process_time("t", t, process)
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    return (alpha / sigma) ** 2 * posterior_variance_of_mixture(data, alpha, sigma) / sigma**2


def posterior_variance_of_mixture(data: GaussianMixture, alpha: Time, sigma: Time) -> Time:
    """E tr Cov(x_0 | x_t) of round clusters of one variance, whose centres lie on a line or in a plane."""
    variance, dimension = data.variances[0].astype(alpha.dtype), data.means.shape[1]
    centres, weights = coordinates(data.means).astype(alpha.dtype), data.weights.astype(alpha.dtype)
    total = alpha**2 * variance + sigma**2

    def unknown_centre(ratio: Float[Array, ""]) -> Float[Array, ""]:
        return mean_posterior_variance(centres, weights, ratio)

    between = jax.lax.map(unknown_centre, (alpha / jnp.sqrt(total)).ravel()).reshape(alpha.shape)
    noise = sigma**2 / total
    one_width = jnp.all(data.variances == data.variances[0])
    return nan_unless(one_width, noise * (dimension * variance + noise * between))


def check_one_width(question: str, data: GaussianMixture) -> None:
    """Raises ValueError for clusters of different variances, where they are known."""
    variances = data.variances
    if not is_traced(variances) and not np.all(np.asarray(variances) == np.asarray(variances)[0]):
        raise ValueError(f"{question} needs clusters of one variance; got {variances}")


def _check_directions(points: Float[Array, "m dim"]) -> None:
    count, dimension = points.shape
    if min(count - 1, dimension) > MOST_DIRECTIONS:
        raise ValueError(
            f"the exact variance of the target needs points of one or two coordinates, or three points at most; got "
            f"{count} points in {dimension} dimensions"
        )


@jit
def _target_variance(
    data: PointMasses, process: AbstractProcess, t: Time, shares: Float[Array, "sets points"], probability: Array
) -> Time:
    time = process_time("t", t, process)
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    points = coordinates(data.points).astype(time.dtype)
    every = jnp.full(len(points), 1 / len(points), points.dtype)

    def at_ratio(ratio: Float[Array, ""]) -> Float[Array, ""]:
        unknown = mean_posterior_variance(points, every, ratio)
        known = jax.lax.map(lambda share: mean_posterior_variance(points, share.astype(points.dtype), ratio), shares)
        # The sets of one point are known altogether: they leave nothing.
        return jnp.maximum(unknown - probability.astype(points.dtype) @ known, 0.0)

    variance = jax.lax.map(at_ratio, (alpha / sigma).ravel()).reshape(time.shape)
    return (alpha / sigma) ** 2 * variance / sigma**2
