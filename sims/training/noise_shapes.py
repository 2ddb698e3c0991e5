"""Target noise of the size of denoising score matching's, but placed otherwise: at some noise levels, or evenly."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.training.score_targets import AbstractTripleTarget, mean_and_variance, posterior_mean
from sims.training.training_triples import TrainingTriples
from theory.definitions.processes import AbstractProcess

_NEIGHBOURS = 33  # triples of nearly the same time whose noise is averaged


class BandedTargetNoise(AbstractTripleTarget):
    """y = x_0 at noise levels low ≤ σ/α < high, and the exact mean E[x_0|x, t] at all others.

    Raises ValueError unless 0 ≤ low < high; `high` may be infinite.
    """

    low: float = eqx.field(converter=float)
    high: float = eqx.field(converter=float)

    def __check_init__(self) -> None:
        if not 0 <= self.low < self.high:
            raise ValueError(f"a band of noise levels must have 0 <= low < high; got {self.low} and {self.high}")

    def targets(
        self, triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess, *, key: PRNGKeyArray
    ) -> Float[Array, "P dim"]:
        del key
        level = process.noise_scale(triples.time) / process.signal_scale(triples.time)
        noisy = (level >= self.low) & (level < self.high)
        return jnp.where(noisy[:, None], triples.clean, posterior_mean(triples, points, process))


class EvenTargetNoise(AbstractTripleTarget):
    """y = m + √v(t) ξ, ξ ~ N(0, I), m = E[x_0|x, t]: noise that is as large at every x of one noise level.

    v(t) is the mean over x of tr Cov(x_0|x, t)/D, by the average over the triples that are nearest in time. Denoising
    score matching has its noise where x lies between points; this has the same trace at every noise level.
    """

    def targets(
        self, triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess, *, key: PRNGKeyArray
    ) -> Float[Array, "P dim"]:
        mean, per_coordinate = mean_and_variance(triples, points, process)
        order = jnp.argsort(triples.time)
        even = jnp.zeros_like(per_coordinate).at[order].set(_averaged(per_coordinate[order]))
        return mean + jnp.sqrt(even)[:, None] * jax.random.normal(key, mean.shape, mean.dtype)


def _averaged(values: Float[Array, " P"]) -> Float[Array, " P"]:
    """Over a window about every place, which is shorter at the ends."""
    window = min(_NEIGHBOURS, values.shape[0])
    ones = jnp.ones(window, values.dtype)
    totals, counts = (jnp.convolve(row, ones, mode="same") for row in (values, jnp.ones_like(values)))
    return totals / counts
