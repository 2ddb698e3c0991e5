"""Does a clock that lets steep noise levels lag change what networks generate? Predicted before they are trained."""

import jax
import jax.numpy as jnp
import numpy as np

from sims.training.descent import Clock
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import generated_variance_on_schedule

LARGEST_LAG = 0.01  # of ln λ̃: half of what a figure lets networks deviate from their theory


def without_lag(clock: Clock, denoiser: AbstractDenoiser, levels: jax.Array, times: np.ndarray) -> Clock:
    """The clock itself. Raises ValueError if levels that lag would move a generated variance by more than 1 %."""
    lag = lag_of(clock, denoiser, levels, times)
    if lag > LARGEST_LAG:
        raise ValueError(
            f"noise levels that lag behind would move a ln λ̃ by {lag:.2g}, more than {LARGEST_LAG:g}; "
            "give every level the steps of the steepest one, or one layer a clock of every level"
        )
    return clock


def lag_of(clock: Clock, denoiser: AbstractDenoiser, levels: jax.Array, times: np.ndarray) -> float:
    """Largest |ln λ̃| between gradient flow at the times that the levels reach and at the snapshots' own `times`.

    Both are sampled by Heun's method on the `levels`, in whatever order they come; the denoiser's learning rate is one.
    """
    if np.allclose(clock.reached, np.asarray(times)[:, None], rtol=1e-9):
        return 0.0
    order = jnp.argsort(denoiser.process.log_snr(levels))
    levels, reached = levels[order], jnp.asarray(clock.reached)[:, order]
    nominal = jnp.broadcast_to(jnp.asarray(times)[:, None], reached.shape)
    late, due = (_log_variance(denoiser, tau, levels) for tau in (reached, nominal))
    return float(jnp.abs(late - due).max())


def _log_variance(denoiser: AbstractDenoiser, tau: jax.Array, levels: jax.Array) -> jax.Array:
    """ln λ̃, (stages, modes), of gains at training times `tau`, (stages, levels)."""
    gains = jnp.swapaxes(denoiser.gain(tau, jnp.broadcast_to(levels, tau.shape)), 0, 1)
    return jnp.log(generated_variance_on_schedule(denoiser, tau[:, 0], levels, gains))
