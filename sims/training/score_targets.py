"""What a denoiser is trained to match: the clean datum, the exact posterior mean, or the latter with chosen noise.

Everything is written for the denoised data y; the score target is (αy - x)/σ², so that y = x_0 is denoising score
matching (DSM, the objective J_1) and y = E[x_0|x, t] is regression on the exact score (J_0). With the loss weight α²/σ²
on the denoised data, both carry the weight λ = σ² on the score (Vastola 2025, App. H).
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.training.training_triples import TrainingTriples
from theory.definitions.processes import AbstractProcess


class AbstractTripleTarget(eqx.Module):
    """A target that is drawn for every training triple, which may depend on all three of x_0, x and t.

    `theory.definitions.targets.AbstractTarget` holds the coefficients of targets that are linear in x_0 and ε. To add
    one, supply `targets`.
    """

    @abc.abstractmethod
    def targets(
        self, triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess, *, key: PRNGKeyArray
    ) -> Float[Array, "P dim"]:
        """The denoised data that the network is to match at every noisy position and time."""


class TargetNoiseDose(AbstractTripleTarget):
    """y = m + √c (x_0 - m) with m = E[x_0|x, t]: the proxy score's covariance C multiplied by the dose c.

    c = 0 is the exact score (J_0), c = 1 denoising score matching (J_1). The target's mean given (x, t) is m for every
    dose. Raises ValueError for a dose that is negative or not finite.
    """

    dose: float = eqx.field(converter=float)

    def __check_init__(self) -> None:
        if not 0 <= self.dose < float("inf"):
            raise ValueError(f"the dose of target noise must be finite and not negative; got {self.dose}")

    def targets(
        self, triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess, *, key: PRNGKeyArray
    ) -> Float[Array, "P dim"]:
        del key
        mean = posterior_mean(triples, points, process)
        return mean + self.dose**0.5 * (triples.clean - mean)


class IsotropicTargetNoise(AbstractTripleTarget):
    """y = m + √(tr Cov(x_0|x, t)/D) ξ with ξ ~ N(0, I): target noise of DSM's size at every (x, t), not of its shape.

    The score target then has covariance (tr C/D) I. In one dimension that is C itself, and only the higher moments
    differ from DSM.
    """

    def targets(
        self, triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess, *, key: PRNGKeyArray
    ) -> Float[Array, "P dim"]:
        mean, per_coordinate = mean_and_variance(triples, points, process)
        return mean + jnp.sqrt(per_coordinate)[:, None] * jax.random.normal(key, mean.shape, mean.dtype)


def posterior(triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess) -> Float[Array, "P m"]:
    """p(x_0 = point_i | x, t) = softmax_i(-|x - α point_i|²/2σ²) at every noisy position and time."""
    alpha, sigma = process.signal_scale(triples.time)[:, None], process.noise_scale(triples.time)[:, None]
    distance = jnp.sum((triples.noisy[:, None] - alpha[..., None] * points[None]) ** 2, axis=-1)
    return jax.nn.softmax(-distance / (2 * sigma**2), axis=-1)


def posterior_mean(
    triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess
) -> Float[Array, "P dim"]:
    """E[x_0|x, t], the denoised data of the exact score, at every noisy position and time."""
    return posterior(triples, points, process) @ points


def mean_and_variance(
    triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess
) -> tuple[Float[Array, "P dim"], Float[Array, " P"]]:
    """E[x_0|x, t] and tr Cov(x_0|x, t)/D, at every noisy position and time."""
    weight = posterior(triples, points, process)
    mean = weight @ points
    squared = jnp.sum((points[None] - mean[:, None]) ** 2, axis=-1)
    return mean, jnp.sum(weight * squared, axis=-1) / points.shape[1]
