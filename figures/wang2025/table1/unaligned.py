"""Tied layers whose initial weights are not aligned with the data: what they generate, in theory and trained.

Every mode starts with a correlation to its two neighbours in the order of variances. The theory is of first order in
that correlation, so its error is of the order of the square.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays
from figures.studies.trained_modes.experiment import sampling_flow
from sims.experiments.linear import generated_moments
from sims.networks.linear import tied_two_layer_denoiser_of, total_maps_of
from sims.training.descent import Clock, train_full_batch
from sims.training.pairs import SecondMoments
from theory.spectral_law.moments import moments_on_schedule
from theory.spectral_law.parametrisations.misaligned_two_layer import MisalignedTwoLayer, map_after_steps
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer

CORRELATION = 0.05  # C_km/√(C_kk C_mm) of neighbouring modes at the start


def run_unaligned(
    denoiser: SymmetricTwoLayer, moments: SecondMoments, levels: jax.Array, clock: Clock, key: PRNGKeyArray
) -> Arrays:
    """Covariances Uᵀ Σ̃ U of aligned (first) and unaligned networks trained on the same sets with the same steps:
    trained (2, seeds, snapshots, modes, modes), and of theory with the same steps (2, snapshots, modes, modes).

    `denoiser` has the initial gains and the clock's modes; the last of the `levels` does not carry samples.
    """
    starts = [_with_correlation(denoiser, correlation) for correlation in (0.0, CORRELATION)]
    return {
        "covariance_trained": np.stack([_trained(start, moments, levels, clock, key) for start in starts]),
        "covariance_finite_steps": np.stack([_with_finite_steps(start, levels, clock) for start in starts]),
    }


def _with_correlation(denoiser: SymmetricTwoLayer, correlation: float) -> MisalignedTwoLayer:
    gains, modes = np.asarray(denoiser.initial_gain), denoiser.spectrum.dimension
    neighbours = np.eye(modes, k=1) + np.eye(modes, k=-1)
    overlap = np.sqrt(np.outer(gains, gains)) * (np.eye(modes) + correlation * neighbours)
    return MisalignedTwoLayer(denoiser.spectrum, denoiser.process, overlap, denoiser.learning_rate, denoiser.objective)


def _trained(
    denoiser: MisalignedTwoLayer, moments: SecondMoments, levels: jax.Array, clock: Clock, key: PRNGKeyArray
) -> Float[np.ndarray, "seeds snapshots modes modes"]:
    network = tied_two_layer_denoiser_of(key, denoiser.weights(jnp.asarray(0.0), levels[-1]))
    step_sizes, steps = jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps)
    maps = jnp.swapaxes(total_maps_of(train_full_batch(network, moments, step_sizes, steps)), 1, 2)
    flow = sampling_flow(denoiser, levels[:-1])
    return generated_moments(maps[:, :, :-1], None, flow, denoiser.spectrum.basis).covariance


def _with_finite_steps(
    denoiser: MisalignedTwoLayer, levels: jax.Array, clock: Clock
) -> Float[Array, "snapshots modes modes"]:
    sampling = levels[:-1]
    maps = map_after_steps(denoiser, sampling, jnp.asarray(clock.step_sizes[:, :-1]), jnp.asarray(clock.steps))
    by_level = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), maps)
    return moments_on_schedule(denoiser, by_level, sampling).covariance
