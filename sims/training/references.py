"""References: points that a regression target is averaged over, by how likely the noisy point came from each."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from theory.definitions.checks import whole


class References(eqx.Module):
    """n points of the data for every clean one, itself among them: the stable target field (Xu et al. 2023).

    By default each clean point has its own others, drawn with replacement, so that errors of targets are independent:
    they are gathered, n points for each. `shared` is what the authors do, cheaper, since it is two products of
    matrices: one set for the batch, which is the batch and n - batch size other points; errors of targets that are near
    each other are then correlated. The mean target given the noisy point is E[x_0|x] in both cases. Raises ValueError
    unless n, the `number`, is 1, 2, ….
    """

    number: int = eqx.field(static=True, converter=lambda count: whole("number of references", count))
    shared: bool = eqx.field(static=True, default=False)

    def check_batch(self, size: int) -> None:
        """Raises ValueError for shared references, two or more, that a batch of this size does not fit into."""
        if self.shared and 1 < self.number < size:
            raise ValueError(
                f"shared references must be at least as many as a batch, {size}, which is among them; got {self.number}"
            )

    def targets(
        self,
        clean: Float[Array, "batch dim"],
        noisy: Float[Array, "batch dim"],
        levels: Float[Array, " batch"],
        points: Float[Array, "m dim"],
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, "batch dim"]:
        """Σ_k w_k x_k, w_k ∝ exp(-|x - x_k|²/2σ²), for noisy = clean + σε; others are drawn from `points`.

        One reference, shared or not, is the clean point itself.
        """
        if self.number == 1:
            return clean
        size, one = len(clean), jnp.ones((len(clean), 1), clean.dtype)
        if self.shared:
            drawn = jax.random.randint(key, (self.number - size,), 0, len(points))
            return average_of_shared(noisy, jnp.concatenate([clean, points[drawn]]), one, levels[:, None])
        drawn = jax.random.randint(key, (size, self.number - 1), 0, len(points))
        return average(noisy, jnp.concatenate([clean[:, None], points[drawn]], axis=1), one, levels[:, None])


def average(
    noisy: Float[Array, "batch dim"],
    members: Float[Array, "batch n dim"],
    alpha: Float[Array, "batch 1"],
    sigma: Float[Array, "batch 1"],
) -> Float[Array, "batch dim"]:
    """Mean of each noisy point's own members by their likelihood ∝ exp(-|x - αx_k|²/2σ²)."""
    away = noisy[:, None] - alpha[..., None] * members
    share = jax.nn.softmax(-jnp.sum(away**2, axis=-1) / (2 * sigma**2), axis=-1)
    return jnp.sum(share[..., None] * members, axis=1)


def average_of_shared(
    noisy: Float[Array, "batch dim"],
    members: Float[Array, "n dim"],
    alpha: Float[Array, "batch 1"],
    sigma: Float[Array, "batch 1"],
) -> Float[Array, "batch dim"]:
    """The same of members that all share.

    Squares of distances are multiplied out, about the members' mean: in single precision odds of two members are right
    to 1e-7 (width of the data/σ)², so that nearly equal ones are told apart less well than in `average`.
    """
    centre = jnp.mean(members, axis=0, keepdims=True)
    steps, away = members - centre, noisy - alpha * centre
    closeness = alpha * (away @ steps.T) - alpha**2 * jnp.sum(steps**2, axis=1)[None] / 2
    return jax.nn.softmax(closeness / sigma**2, axis=1) @ members
