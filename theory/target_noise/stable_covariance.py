"""How the mean over references scatters about the exact denoiser, place by place: for point masses, by enumeration."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.definitions.arrays import floating
from theory.definitions.checks import check_coordinates, whole
from theory.definitions.processes import AbstractProcess
from theory.exact_scores.point_masses import PointMasses, Points
from theory.target_noise.target_variance import reference_sets


class StableCovariance(eqx.Module):
    """Cov(Σ_k w_k x_k | x, t), w_k ∝ exp(-|x - αx_k|²/2σ²), over the sets of x_0 and its n - 1 references.

    With D_S the posterior mean under a set S, which has been drawn with probability P(S), and D that under all points:
    Σ_S P(S|x) (D_S - D)(D_S - D)ᵀ, P(S|x) ∝ P(S) p(x|S) (this project). The trace times α²/σ⁴, averaged over x, is
    `target_variance`. One reference: Cov(x_0 | x, t). As `clean_covariance` of a V-kernel it makes it that of networks
    that are trained on such means.

    **Arguments:** point masses, process, `references` n with x_0 among them, `replace`, whether they are drawn with
    replacement. Called with positions (..., D) and process times (...,): matrices (..., D, D). **Raises** ValueError as
    `target_variance` for references.
    """

    data: PointMasses
    process: AbstractProcess
    shares: Float[np.ndarray, "sets points"]
    log_probability: Float[np.ndarray, " sets"]

    def __init__(self, data: PointMasses, process: AbstractProcess, references: int, replace: bool = False) -> None:
        references = whole("references", references)
        self.data, self.process = data, process
        self.shares, probability = reference_sets(len(data.points), references, replace)
        self.log_probability = np.log(probability)

    def __call__(self, x: Points, time: Array) -> Float[Array, "*batch dim dim"]:
        x = floating(x)
        check_coordinates(x, self.data.points.shape[1])
        posterior = self.data.posterior(x, time, self.process)
        points, shares = self.data.points.astype(x.dtype), jnp.asarray(self.shares, x.dtype)
        # p(x|S) but for a factor that all sets share: the posterior of every point, by its share of S.
        mass = posterior @ shares.T
        safe = jnp.where(mass > 0, mass, 1.0)
        odds = jnp.log(safe) + jnp.broadcast_to(self.log_probability.astype(x.dtype), mass.shape)
        chance = jax.nn.softmax(jnp.where(mass > 0, odds, -jnp.inf), axis=-1)
        within = posterior[..., None, :] * jnp.broadcast_to(shares, (*mass.shape, shares.shape[1])) / safe[..., None]
        away = within @ points - (posterior @ points)[..., None, :]
        return jnp.einsum("...s,...si,...sj->...ij", chance, away, away)
