"""Gradient descent of a score that is linear in random features, on all points and all of their noise at once."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from sims.networks.random_features import FeatureAverages
from theory.definitions.checks import whole_arguments

_PER_OCTAVE = 4


@whole_arguments("octaves")
def train_random_features(
    own: FeatureAverages, population: FeatureAverages, sigma: ArrayLike, *, step: ArrayLike, octaves: int
) -> tuple[Float[np.ndarray, " snapshots"], Float[np.ndarray, "snapshots 2"]]:
    """Losses on the own points and on fresh data, of M = A/√p from M = 0, with snapshots at 4, 5, 6, 7 times 2^j steps.

    The loss L = 1 + (σ²/d) Tr(MUMᵀ) + (2σ/d) Tr(MV) is E|σMf + ξ|²/d over the points and their noise. A step of the
    size η on it for A is M ← M(1 - 2ησ²U/dp) - 2ησVᵀ/dp. Steps of a quadratic loss all apply one affine map; 2^j of
    them are its power, by j products of matrices. No eigenvector is taken.

    **Arguments:** `own` U, V and `population` Ũ, Ṽ, over which the losses are measured; `step`, 2ησ²/dp, which must be
    below 2 over the largest eigenvalue of U; `octaves`, values of j, from zero. **Returns:** steps, (snapshots,), and
    losses, own and fresh. **Raises** ValueError for no octaves, and where training has diverged.
    """
    losses = np.asarray(_train(own, population, jnp.asarray(sigma), jnp.asarray(step), octaves))
    if not np.all(np.isfinite(losses)):
        raise ValueError(f"training has diverged; the step must be below 2 over the largest eigenvalue, got {step}")
    steps = np.multiply.outer(2.0 ** np.arange(octaves), _PER_OCTAVE + np.arange(_PER_OCTAVE)).ravel()
    return steps, losses.reshape(-1, 2)


@eqx.filter_jit
def _train(own: FeatureAverages, population: FeatureAverages, sigma: Array, step: Array, octaves: int) -> Array:
    def loss(weight: Array, averages: FeatureAverages) -> Array:
        fit = sigma**2 * jnp.sum((weight @ averages.second) * weight)
        return 1 + (fit + 2 * sigma * jnp.sum(weight * averages.cross.T)) / weight.shape[0]

    def octave(state: tuple[Array, Array], _) -> tuple[tuple[Array, Array], Array]:
        factor, moved = state  # of 2^j steps; from zero they lead to `moved`
        weight, found = moved, []
        for count in range(2, 2 * _PER_OCTAVE):
            weight = weight @ factor + moved
            if count >= _PER_OCTAVE:
                found.append(jnp.stack([loss(weight, own), loss(weight, population)]))
        return (factor @ factor, moved @ factor + moved), jnp.stack(found)

    start = jnp.eye(len(own.second), dtype=own.second.dtype) - step * own.second, -step / sigma * own.cross.T
    return jax.lax.scan(octave, start, length=octaves)[1]
