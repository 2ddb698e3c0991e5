"""The linear denoiser D(x) = W x + b on data whose mean is not zero, with the bias trained along (App. D.2)."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from theory.definitions.arrays import Time, floating
from theory.definitions.checks import resolved
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.numerics.matrix_functions import diagonal_matrix
from theory.numerics.special import difference_filter
from theory.spectral_law.coupled_denoiser import AbstractCoupledDenoiser
from theory.spectral_law.denoiser import (
    AffineMap,
    assign_common_fields,
    effective_weight,
    gradient_flow_window,
    initial_gains,
    regression_at,
    scales_at,
)
from theory.spectral_law.regression import Modes, scaled_time


class OneLayerWithBias(AbstractCoupledDenoiser):
    """One linear layer with bias, D(x) = W x + b, from W(0) = Σ_k Q_k u_k u_kᵀ and b(0) = `initial_bias`.

    Weights and bias relax together, under the (d+1)-dimensional second moments of (x, 1)
    (Wang & Pehlevan 2025, App. D.2):

        [W b](τ) = [W* b*] + ([W b](0) - [W* b*]) e^{-2ητM},   M = [[α²Σ + σ²I + α²μμᵀ, αμ], [αμᵀ, 1]].

    The mean couples the modes: W(τ) is not diagonal in the data's eigenbasis, gains overshoot their optimum on the
    way (the mean is a direction of large second moment, fitted early by W and given back to b later), and the maps of
    different noise levels do not commute, so the generated covariance is integrated as a matrix.

    Inside a preconditioning the denoiser is c_skip x + c_out c_in (W x + b): the bias is scaled like the weights.

    Arguments as for `OneLayer`, and `initial_bias`, a number or a vector (d,) in the data's coordinates.
    Raises ValueError for shapes that do not fit, and where single precision does not resolve the smallest of M's
    eigenvalues beside the largest at the smallest noise level (NaN where that is traced).
    """

    spectrum: Spectrum
    process: AbstractProcess
    objective: Objective
    initial_gain: Float[Array, " modes"]
    initial_bias: Float[Array, " modes"]
    learning_rate: Float[Array, ""]

    def __init__(
        self,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_gain: ArrayLike,
        learning_rate: ArrayLike,
        objective: Objective | None = None,
        initial_bias: ArrayLike = 0.0,
    ) -> None:
        assign_common_fields(self, spectrum, process, learning_rate, objective)
        self.initial_gain = initial_gains(initial_gain, spectrum)
        bias = floating(initial_bias).astype(spectrum.variance.dtype)
        if bias.shape not in ((), (spectrum.dimension,)):
            raise ValueError(
                f"initial_bias must be a number or a vector of length {spectrum.dimension}; got shape {bias.shape}"
            )
        self.initial_bias = jnp.broadcast_to(bias, (spectrum.dimension,))
        if spectrum.variance.dtype != np.float64:
            self.initial_gain = _resolved_moments(spectrum, process) * self.initial_gain

    def weights(
        self, tau: Time, noise_level: Time
    ) -> tuple[Float[Array, "*batch modes modes"], Float[Array, "*batch modes"]]:
        """W(τ), (..., d, d), and b(τ), (..., d), in the data's coordinates."""
        matrix, bias = self._in_modes(tau, noise_level)
        basis = self.spectrum.basis
        return (matrix, bias) if basis is None else (basis @ matrix @ basis.T, bias @ basis.T)

    def affine_map(self, tau: Time, noise_level: Time) -> AffineMap:
        """D(x) in mode coordinates about the means of input and target."""
        tau, noise_level = jnp.broadcast_arrays(floating(tau), floating(noise_level))
        return _total_map(self, noise_level, *self._in_modes(tau, noise_level))

    def training_window(self) -> tuple[Array, Array]:
        return gradient_flow_window(self)

    def _in_modes(self, tau: Time, noise_level: Time) -> tuple[Array, Array]:
        """W and b of the network inside the preconditioning, in mode coordinates."""
        tau, noise_level = jnp.broadcast_arrays(floating(tau), floating(noise_level))
        rate = 2 * effective_weight(self, noise_level) * scaled_time(tau, self.learning_rate)
        return _relaxed(self, noise_level, symmetric_decay(_moments_at(self, noise_level), rate), rate == 0)


def map_after_steps(
    denoiser: OneLayerWithBias,
    noise_levels: Float[Array, " levels"],
    step_sizes: Float[Array, "stages levels"],
    steps: Int[Array, " stages"],
) -> AffineMap:
    """The map at each noise level after each stage of gradient descent: e^{-2ητM} → Π_j (I - 2η_j M)^{n_j}.

    Stage j takes n_j steps of size η_jl at level l. Returns (stages, levels, d, d) and (stages, levels, d), in mode
    coordinates as `OneLayerWithBias.affine_map`.
    """
    rates, basis = jnp.linalg.eigh(_moments_at(denoiser, noise_levels))
    speed = 2 * effective_weight(denoiser, noise_levels)
    factors = (1 - (speed[None] * step_sizes)[..., None] * rates[None]) ** steps[:, None, None]
    kept = jnp.cumprod(factors, axis=0)
    decay = (basis[None] * kept[..., None, :]) @ jnp.swapaxes(basis, -1, -2)[None]
    levels = jnp.broadcast_to(noise_levels, step_sizes.shape)
    untrained = jnp.zeros(step_sizes.shape, bool)
    return _total_map(denoiser, levels, *_relaxed(denoiser, levels, decay, untrained))


def _total_map(denoiser: OneLayerWithBias, noise_level: Time, matrix: Array, bias: Array) -> AffineMap:
    """The denoiser's map from the network's W and b, all in mode coordinates."""
    process, scales = denoiser.process, scales_at(denoiser, noise_level)
    total = scales.linear[..., None, None] * matrix + scales.skip[..., None, None] * _identity(bias)
    alpha, sigma = process.signal_scale(noise_level), process.noise_scale(noise_level)
    signal, _ = denoiser.objective.target.coefficients(alpha, sigma)
    mean = denoiser.spectrum.mode_mean
    centred = signal[..., None] * jnp.broadcast_to(mean, bias.shape)
    return AffineMap(total, alpha[..., None] * (total @ mean) + scales.linear[..., None] * bias - centred)


def _relaxed(denoiser: OneLayerWithBias, noise_level: Time, decay: Array, untrained: Array) -> tuple[Array, Array]:
    """[W* b*] + ([W b](0) - [W* b*]) · decay in mode coordinates, and exactly [W b](0) where `untrained`."""
    spectrum, process, scales = denoiser.spectrum, denoiser.process, scales_at(denoiser, noise_level)
    skip, scale = scales.skip[..., None], scales.linear[..., None]
    alpha, sigma = process.signal_scale(noise_level), process.noise_scale(noise_level)
    signal, alpha = denoiser.objective.target.coefficients(alpha, sigma)[0][..., None], alpha[..., None]
    regression = regression_at(denoiser, noise_level)
    # Where flow matching ends, σ = 0: a mode without data has no input and no optimum, and nothing depends on it.
    optimum = jnp.where(regression.curvature == 0, 0.0, regression.pull) / _nonzero(regression.curvature)
    mean = jnp.broadcast_to(spectrum.mode_mean, optimum.shape)
    # b* makes the means of prediction and target equal.
    optimal_bias = ((signal - alpha * skip) / _nonzero(scale) - alpha * optimum) * mean
    best = jnp.concatenate([diagonal_matrix(optimum), optimal_bias[..., None]], axis=-1)

    start_gain = jnp.broadcast_to(denoiser.initial_gain, optimum.shape)
    start_bias = denoiser.initial_bias if spectrum.basis is None else denoiser.initial_bias @ spectrum.basis
    start_bias = jnp.broadcast_to(start_bias, optimum.shape)
    start = jnp.concatenate([diagonal_matrix(start_gain), start_bias[..., None]], axis=-1)
    trained = jnp.where(untrained[..., None, None], start, best + (start - best) @ decay)
    return trained[..., :-1], trained[..., -1]


def _resolved_moments(spectrum: Spectrum, process: AbstractProcess) -> Float[Array, ""]:
    """1 if single precision resolves M where sampling ends, else NaN; raises ValueError where it is known not to.

    In units of the data, tr M is at least M's largest eigenvalue, and 1/tr M⁻¹ at most its smallest.
    """
    inputs, power = spectrum.variance + jnp.exp(-2 * process.log_ratio_range()[1]), spectrum.mode_mean**2
    largest = jnp.max(inputs) + jnp.sum(power) + 1
    smallest = 1 / jnp.maximum(jnp.max(1 / inputs), 1 + jnp.sum(power / inputs))
    return resolved("OneLayerWithBias", largest, smallest)


def _moments_at(denoiser: OneLayerWithBias, noise_level: Time) -> Float[Array, "*batch modes+1 modes+1"]:
    spectrum = denoiser.spectrum
    mean = jnp.broadcast_to(spectrum.mode_mean, (*noise_level.shape, spectrum.dimension))
    return second_moments(spectrum.variance, denoiser.process, mean, noise_level)


def second_moments(
    variance: Modes, process: AbstractProcess, mean: Modes, noise_level: Time
) -> Float[Array, "*batch modes+1 modes+1"]:
    """M = E[(x, 1)(x, 1)ᵀ] in mode coordinates: diag(α²λ + σ², 0) plus the rank-one matrix of v = (αm, 1).

    `variance` (d,), `mean` (..., d) and `noise_level` (...,) -> (..., d+1, d+1).
    """
    alpha, sigma = process.signal_scale(noise_level)[..., None], process.noise_scale(noise_level)[..., None]
    inputs = alpha**2 * jnp.broadcast_to(variance, mean.shape) + sigma**2
    vector = jnp.concatenate([alpha * mean, jnp.ones_like(alpha)], axis=-1)
    diagonal = jnp.concatenate([inputs, jnp.zeros_like(alpha)], axis=-1)
    return diagonal_matrix(diagonal) + vector[..., :, None] * vector[..., None, :]


@jax.custom_jvp
def symmetric_decay(matrix: Float[Array, "*batch n n"], time: Float[Array, "*batch"]) -> Float[Array, "*batch n n"]:
    """e^{-Mt} of symmetric matrices; its derivative with respect to M is finite where eigenvalues coincide."""
    rates, basis = jnp.linalg.eigh(matrix)
    return (basis * jnp.exp(-rates * time[..., None])[..., None, :]) @ jnp.swapaxes(basis, -1, -2)


@symmetric_decay.defjvp
def _symmetric_decay_jvp(primals, tangents):
    # Daleckii & Krein: in the eigenbasis the derivative multiplies dM_ij by (e^{-r_i t} - e^{-r_j t})/(r_i - r_j).
    (matrix, time), (d_matrix, d_time) = primals, tangents
    rates, basis = jnp.linalg.eigh(matrix)
    transposed = jnp.swapaxes(basis, -1, -2)
    decay = jnp.exp(-rates * time[..., None])
    divided = difference_filter(rates[..., :, None], rates[..., None, :], time[..., None, None])
    from_matrix = -basis @ ((transposed @ d_matrix @ basis) * divided) @ transposed
    from_time = -(basis * (rates * decay)[..., None, :]) @ transposed * d_time[..., None, None]
    return (basis * decay[..., None, :]) @ transposed, from_matrix + from_time


def relaxation_rates(input_variance: Float[Array, " modes"], mean: Float[Array, " modes"]) -> Float[Array, " modes+1"]:
    """Eigenvalues ρ of M in increasing order, from its rank-one secular equation by bisection.

        1 - 1/ρ + Σ_k (u_kᵀμ)²/(s_k - ρ) = 0

    One root lies between each pair of neighbouring poles 0, s_d, …, s_1, and one above. `input_variance` s_k = α²λ_k +
    σ² and `mean` α u_kᵀμ are (d,).
    """
    poles = jnp.concatenate([jnp.zeros_like(input_variance[:1]), jnp.sort(input_variance)])
    strength = jnp.concatenate([jnp.ones_like(mean[:1]), mean[jnp.argsort(input_variance)] ** 2])
    ends = jnp.append(poles[1:], poles[-1] + jnp.sum(strength))

    def halve(_, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) / 2
        distance = poles[None, :] - middle[:, None]
        value = 1 + jnp.sum(strength[None, :] / jnp.where(distance == 0, jnp.inf, distance), axis=-1)
        return jnp.where(value < 0, middle, low), jnp.where(value < 0, high, middle)

    low, high = jax.lax.fori_loop(0, 64, halve, (poles, ends))
    return (low + high) / 2


def bias_and_mode(input_variance: ArrayLike, mean: ArrayLike, scaled_time: ArrayLike) -> Float[Array, "*batch 2 2"]:
    """e^{-cM} in closed form where the mean lies along one mode: M = [[s + μ², μ], [μ, 1]], c = 2ητ.

        r_± = ½[s + μ² + 1 ± √((s + μ² - 1)² + 4μ²)],
        e^{-cM} = e^{-cr_-} I - (M - r_- I)(e^{-cr_-} - e^{-cr_+})/(r_+ - r_-)

    `input_variance` s, `mean` μ (of the noisy input) and `scaled_time` ητ broadcast.
    """
    variance, mean, time = jnp.broadcast_arrays(*(floating(x) for x in (input_variance, mean, scaled_time)))
    entries = jnp.stack([jnp.stack([variance + mean**2, mean], -1), jnp.stack([mean, jnp.ones_like(mean)], -1)], -2)
    root = jnp.hypot(variance + mean**2 - 1, 2 * mean)
    larger = (variance + mean**2 + 1 + root) / 2
    smaller = variance / larger  # det M = s
    excess = entries - smaller[..., None, None] * _identity(entries[..., 0])
    decay = jnp.exp(-2 * time * smaller)[..., None, None]
    return decay * _identity(entries[..., 0]) - excess * difference_filter(smaller, larger, 2 * time)[..., None, None]


def _nonzero(divisor: Array) -> Array:
    return jnp.where(divisor == 0, 1.0, divisor)


def _identity(like: Float[Array, "*batch n"]) -> Float[Array, "*batch n n"]:
    """The identity matrix for vectors of shape (..., n)."""
    return diagonal_matrix(jnp.ones_like(like))
