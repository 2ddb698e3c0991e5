"""What infinite data, a clock's steps and Heun's method make of a denoiser: what trained networks are held against."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from sims.training.descent import Clock
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.descent import gain_after_steps
from theory.spectral_law.generation import generated_variance_on_schedule


class FiniteSteps(NamedTuple):
    """Gains at every level after each stage, and λ̃ of samples from the levels that carry them."""

    gain: Float[np.ndarray, "stages levels modes"]
    variance: Float[np.ndarray, "stages modes"]


def with_finite_steps(
    denoiser: AbstractDenoiser, levels: jax.Array, clock: Clock, times: np.ndarray, *, shown: int = 0
) -> FiniteSteps:
    """Theory at the snapshots' `times` with the clock's steps; the last `shown` of the `levels` carry no samples."""
    gain = gain_after_steps(denoiser, levels, jnp.asarray(clock.step_sizes), jnp.asarray(clock.steps))
    sampling = levels.size - shown
    by_level = jnp.swapaxes(gain[:, :sampling], 0, 1)
    variance = generated_variance_on_schedule(denoiser, jnp.asarray(times), levels[:sampling], by_level)
    return FiniteSteps(np.asarray(gain), np.asarray(variance))
