"""How much x_t tells of x_0, for Gaussian data, and the noise levels at which that decides what references can do."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import Time, floating, is_traced, jit
from theory.definitions.checks import checked_jit, nan_unless
from theory.definitions.processes import AbstractProcess, check_noisy_time, process_time
from theory.definitions.spectra import Spectrum

_HALVINGS = 70
_MOST_NATS = {"float64": 300.0, "float32": 40.0}  # of one mode: e^{2 nats} is a number


def _check_noisy(arguments) -> None:
    check_noisy_time("t", arguments["t"], arguments["process"])


@checked_jit(_check_noisy)
def gaussian_information(spectrum: Spectrum, process: AbstractProcess, t: ArrayLike) -> Time:
    """I(x_0; x_t) = ½ Σ_k ln(1 + α²λ_k/σ²) in nats, for Gaussian data of the given spectrum.

    The tilt of the stable target field is e^{2I}: (n - 1) V_STF(n)/V_DSM → det(1 + α²Σ/σ²) as n → ∞. So references
    divide the variance by n - 1 only where I is small, and by (n - 1) e^{-2I} where 2I is far below ln n (this
    project).

    **Arguments:** process times `t` (...,), answered in the same shape. **Raises** ValueError for times at which x_t
    has no noise.
    """
    time = process_time("t", t, process)
    ratio = process.signal_scale(time) / process.noise_scale(time)
    signal = jnp.multiply.outer(ratio**2, spectrum.variance.astype(time.dtype))
    return jnp.sum(jnp.log1p(signal), axis=-1) / 2


def noise_level_of_information(spectrum: Spectrum, nats: ArrayLike) -> Float[Array, "*batch"]:
    """The noise level σ/α at which x_t tells so much of x_0: I(x_0; x_t) = `nats`, for Gaussian data.

    Of N points it is where an empirical score collapses onto its points, at ln N nats (Biroli et al. 2024; for one
    variance σ² = λ/(N^{2/d} - 1)): in eight dimensions and more within a tenth of ln σ of where half of the posterior
    is one point's on average, in two and one within .3 and .5 (`collapse_time`, a figure). Of n references of Gaussian
    data it is where they are about half effective, at ln n (this project).

    **Arguments:** `nats` (...,), answered in the same shape. **Raises** ValueError unless nats are positive and at most
    300 for every mode, 40 in single precision, and some variance of the data is above zero; NaN where they are traced.
    First derivatives are right, in reverse too; higher ones are not.
    """
    nats = floating(nats)
    most = _MOST_NATS[nats.dtype.name] * spectrum.dimension
    if not is_traced(nats) and not np.all((np.asarray(nats) > 0) & (np.asarray(nats) <= most)):
        raise ValueError(f"nats must be positive and at most {most:g}, for {spectrum.dimension} modes; got {nats}")
    if not is_traced(spectrum.variance) and not np.any(np.asarray(spectrum.variance) > 0):
        raise ValueError("the data must have a variance above zero in some mode; got none")
    return _noise_level(spectrum, nats)


@jit
def _noise_level(spectrum: Spectrum, nats: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    variance = spectrum.variance.astype(nats.dtype)
    largest, modes = jnp.max(variance), variance.size

    def excess(log_level: Array, variance: Array) -> Array:
        """I - nats at σ/α = e^{log_level}."""
        return jnp.sum(jnp.log1p(jnp.multiply.outer(jnp.exp(-2 * log_level), variance)), axis=-1) / 2 - nats

    def halved(_, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = (ends[0] + ends[1]) / 2
        above = excess(middle, jax.lax.stop_gradient(variance)) > 0
        return jnp.where(above, middle, ends[0]), jnp.where(above, ends[1], middle)

    # Between one mode of the largest variance and all of it.
    low, high = (jax.lax.stop_gradient((jnp.log(largest) - _log_expm1(2 * nats / n)) / 2) for n in (1, modes))
    low, high = jax.lax.fori_loop(0, _HALVINGS, halved, (low - 1e-3, high + 1e-3))
    found = (low + high) / 2
    # One step of Newton's method, which carries the derivatives.
    share = jnp.multiply.outer(jnp.exp(-2 * found), variance)
    slope = -jnp.sum(share / (1 + share), axis=-1)
    level = jnp.exp(found - excess(found, variance) / jax.lax.stop_gradient(slope))
    return nan_unless((nats > 0) & (nats < math.inf) & (largest > 0), level)


def _log_expm1(x: Array) -> Array:
    """ln(e^x - 1), without e^x."""
    return x + jnp.log(-jnp.expm1(-x))
