"""The best noise levels to sample at, for a spectrum and for a denoiser in the middle of its training."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Scalar, floating, is_traced, jit
from theory.definitions.checks import (
    check_finite,
    check_one_number,
    check_training_time,
    nan_unless,
    positive,
    whole_arguments,
)
from theory.definitions.processes import EDM, AbstractProcess, process_time
from theory.definitions.spectra import Spectrum
from theory.numerics.minimisation import minimum
from theory.sampling_questions.schedules import (
    Gain,
    IdealGain,
    Levels,
    check_gain,
    gaussian_divergence,
    log_ddim_variance,
)
from theory.sampling_questions.tangent_schedules import best_tangent_scale, geodesic_schedule


@whole_arguments("steps")
def optimal_schedule(
    spectrum: Spectrum,
    steps: int,
    *,
    process: AbstractProcess | None = None,
    gain: Gain | None = None,
    tau: ArrayLike | None = None,
    sigma_max: Scalar | None = None,
) -> Levels:
    """Noise levels σ/α from which DDIM generates what is closest to the data: the minimum of KL(p̃‖p), (steps + 1,).

    The first is the process's own, or `sigma_max`, the last zero, and those between are free. Multiplied by α they are
    the process's noise scales; `process.time_from_log_snr(-2 ln(σ/α))` are its times, and infinite noise is where flow
    matching starts.

    **Arguments:** `process`, `EDM()` if not given; for a denoiser at training time `tau` (one number) its `gain` of the
    denoised data, a function of training and process times, see `theory.sampling_questions.schedules`: what is
    generated then has the network's errors, and KL does not tend to zero. Without it the denoiser is ideal. From
    `sigma_max` sampling starts with noise alone, N(0, σ_T²); else with the process's prior.

    **Raises** ValueError for variances that are not positive, a `sigma_max` that the process does not have, one of
    `gain` and `tau` without the other, a `gain` that is not of denoised data or whose modes mix, and where nothing is
    generated in some mode whatever the levels (an untrained gain of zero); NaN where that is traced. First derivatives
    are right, in reverse too; higher ones are not.

    What Newton's method finds from the ideal denoiser's geodesic is the lowest of all minima that BFGS finds from
    several starts, for the ideal denoiser and for all parametrisations but `HeavyBall` while momentum swings: there are
    several minima then, and this is one of them. Levels that bunch at either end are steps that a network is better
    without.
    """
    check_optimum(spectrum, gain, tau)
    process = EDM() if process is None else process
    if sigma_max is not None:
        level = floating(positive("sigma_max", sigma_max))
        process_time("sigma_max, as a time of the process,", process.time_from_log_snr(-2 * jnp.log(level)), process)
    levels = _optimal_schedule(spectrum, steps, process, gain, tau, sigma_max)
    check_finite(levels[1:], NO_OPTIMUM)
    return levels


NO_OPTIMUM = "some levels must generate variance in every mode; with this gain none do"


def check_optimum(spectrum: Spectrum, gain: Gain | None, tau: ArrayLike | None) -> None:
    """Raises ValueError for gains and training times that do not go together, and where KL has no minimum."""
    if (gain is None) != (tau is None):
        raise ValueError("gain and tau must be given together, or neither of them")
    check_gain(gain)
    if tau is not None:
        check_one_number("tau", tau)
        check_training_time("tau", tau)
    variance = spectrum.variance
    if not is_traced(variance) and not np.all(np.asarray(variance) > 0):
        raise ValueError("variances must be positive, since KL has no minimum without; take the modes that have some")


@jit
def _optimal_schedule(
    spectrum: Spectrum,
    steps: int,
    process: AbstractProcess,
    gain: Gain | None,
    tau: ArrayLike | None,
    sigma_max: Scalar | None,
) -> Levels:
    start = jnp.asarray(process.start_time)
    own = process.noise_scale(start) / process.signal_scale(start)
    first = (own if sigma_max is None else floating(sigma_max)).astype(spectrum.variance.dtype)
    prior = process.prior_variance if sigma_max is None else None
    gain = IdealGain(spectrum, process) if gain is None else gain
    scale = jax.lax.stop_gradient(best_tangent_scale(spectrum))

    def divergence(gaps: Float[Array, " inner"]) -> Float[Array, ""]:
        generated = log_ddim_variance(levels_of_gaps(gaps, scale, first), gain, tau, process, prior)
        return gaussian_divergence(generated - jnp.log(spectrum.variance))

    gaps = gaps_of_levels(geodesic_schedule(spectrum, steps, first), scale)
    found = minimum(divergence, gaps) if steps > 1 else gaps
    return nan_unless(jnp.all(spectrum.variance > 0), levels_of_gaps(found, scale, first))


# Levels as N gaps of the angle arctan(ρ/γ), their logarithms relative to the last: any numbers are levels that fall.


def levels_of_gaps(gaps: Float[Array, " inner"], scale: Array, first: Array) -> Levels:
    angle, rest = jnp.arctan2(first, scale), jnp.arctan2(scale, first)
    shares = jax.nn.softmax(jnp.append(gaps, 0.0))
    # Summed from both ends, so that angles near zero and near ninety degrees keep their digits; by a matrix, since
    # derivatives of cumulative sums take longer to compile.
    earlier = jnp.tri(gaps.size, shares.size, dtype=shares.dtype)
    above, below = earlier @ shares, (1 - earlier) @ shares
    inner = scale * jnp.sin(angle * below) / jnp.sin(rest + angle * above)
    return jnp.concatenate([jnp.reshape(first, 1), inner, jnp.zeros_like(jnp.reshape(first, 1))])


def gaps_of_levels(levels: Levels, scale: Array) -> Float[Array, " inner"]:
    scales = jnp.broadcast_to(scale, levels.shape)
    from_zero, from_ninety = jnp.arctan2(levels, scales), jnp.arctan2(scales, levels)
    gaps = jnp.log(jnp.where(levels[:-1] > scale, jnp.diff(from_ninety), -jnp.diff(from_zero)))
    return gaps[:-1] - gaps[-1]
