"""The stable target field as an objective: the clean datum is averaged with references (Xu et al. 2023)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.training.references import average
from sims.training.score_targets import AbstractTripleTarget
from sims.training.training_triples import TrainingTriples
from theory.definitions.checks import whole
from theory.definitions.processes import AbstractProcess


class StableTarget(AbstractTripleTarget):
    """y = Σ_k w_k x_k over x_0 and n - 1 points of the data, w_k ∝ exp(-|x - αx_k|²/2σ²).

    Points are drawn with replacement. The mean given (x, t) is E[x_0|x, t] for every n, and n = 1 is denoising score
    matching. By default every triple has references of its own. `shared` gives all triples the same ones, as is done in
    practice, since it is cheaper: the errors of their targets are then correlated. Raises ValueError unless n, the
    number of `references`, is 1, 2, ….
    """

    references: int = eqx.field(static=True, converter=lambda count: whole("references", count))
    shared: bool = eqx.field(static=True, default=False)

    def targets(
        self, triples: TrainingTriples, points: Float[Array, "m dim"], process: AbstractProcess, *, key: PRNGKeyArray
    ) -> Float[Array, "P dim"]:
        count = len(triples.clean)
        drawn = jax.random.randint(key, (1 if self.shared else count, self.references - 1), 0, len(points))
        others = jnp.broadcast_to(points[drawn], (count, *drawn.shape[1:], points.shape[1]))
        members = jnp.concatenate([triples.clean[:, None], others], axis=1)
        alpha, sigma = process.signal_scale(triples.time)[:, None], process.noise_scale(triples.time)[:, None]
        return average(triples.noisy, members, alpha, sigma)
