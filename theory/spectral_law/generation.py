"""The distribution a frozen denoiser generates: variance per mode through the probability-flow ODE."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, PyTree

from theory.definitions.arrays import Time, floating, is_traced
from theory.definitions.checks import check_training_time, checked_jit, nan_unless
from theory.definitions.processes import LARGEST_LOG_RATIO, process_time
from theory.numerics.panel_quadrature import COEFFICIENTS, NODE_WEIGHTS, NODES
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.regression import Modes

TrainingTime = Float[ArrayLike, "*tau"]

_PANEL_WIDTH = 0.25
_MOST_PANELS = int(2 * LARGEST_LOG_RATIO / _PANEL_WIDTH)  # wider ones beyond that range
_PANEL_BLOCK = 16
_GRADING = 32.0  # natural logarithm of the finest resolution near a kink
_RESOLVED = 1e-4  # error of the integral up to which panels count as narrow enough
_FINEST = 64  # times as many panels as a built-in gain needs


def generated_variance(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """Variance per data mode of the samples that the network frozen at training time `tau` generates.

    λ̃_k(τ) = Var(u_kᵀ x_0) for x_T ~ N(0, prior variance) carried to the data end by the probability-flow ODE.
    Closed form where the parametrisation has one.

    **Arguments:** `tau`, training time, (...,). **Returns:** (..., d), modes in the spectrum's order. Raises ValueError
    for training times below zero or NaN, and for gains that change with the noise level too quickly for the quadrature
    (NaN where that is traced).
    """
    variance = _generated_variance(denoiser, tau)
    if not isinstance(variance, Tracer) and np.isnan(variance).any():
        raise ValueError(
            "the gain must not oscillate in ln σ faster than panels of 1/4 resolve; "
            "generated_variance_by_quadrature refines them"
        )
    return variance


@checked_jit(tau=check_training_time)
def _generated_variance(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    return denoiser.generated_variance(floating(tau))


def generated_variance_by_quadrature(denoiser: AbstractDenoiser, tau: TrainingTime) -> Modes:
    """The same variance by numerical integration of `denoiser.gain` alone: the oracle of every closed form.

    See `variance_by_quadrature`, whose panels are halved until they resolve the gain. Shapes as in
    `generated_variance`. Raises ValueError for training times below zero or NaN, and where 64 times as many panels do
    not suffice; where that is traced the panels are not refined, and it is NaN.
    """
    return with_enough_panels(lambda refinement: _variance_by_quadrature(denoiser, tau, refinement))


def with_enough_panels(integral: Callable[[int], Modes]) -> Modes:
    """`integral(refinement)` for the first of 1, 2, 4 … at which nothing in it is NaN.

    Raises ValueError where 64 times as many panels do not suffice; a traced one is not refined.
    """
    refinement = 1
    found = integral(refinement)
    while not isinstance(found, Tracer) and np.isnan(found).any():
        refinement *= 2
        if refinement > _FINEST:
            raise ValueError(f"the gain must not oscillate in ln σ faster than panels of 1/{4 * _FINEST} resolve")
        found = integral(refinement)
    return found


@checked_jit(tau=check_training_time)
def _variance_by_quadrature(denoiser: AbstractDenoiser, tau: TrainingTime, refinement: int) -> Modes:
    return variance_by_quadrature(denoiser, floating(tau), refinement)


def variance_by_quadrature(denoiser: AbstractDenoiser, tau: Time, refinement: int = 1) -> Modes:
    """ln λ̃ = ln(α_0²/α_T²) + ln Var(x_T) - 2 ∫ (1 - α ψ_D) dℓ over ℓ = ln(α/σ), by Gauss-Legendre panels.

    In the coordinate x/α every process is variance exploding, d ln(x/α) = (1 - αψ_D) d ln(σ/α), with ψ_D the gain
    of the denoised data. A network with target y = c x_0 + e ε and gain ψ has 1 - αψ_D = σ(c - αψ)/(cσ - eα).
    Panels of width 1/4 in ℓ with 16 nodes resolve e^{-cσ²} to round-off. A gain with a kink in the noise level (a
    two-layer network on flow matching, τ → ∞) is resolved to about 1e-5 only: see `variance_by_graded_quadrature`.
    With `refinement` k panels are 1/4k wide. NaN for modes whose gain they do not resolve to 1e-4, judged by the decay
    of the integrand's Legendre coefficients.
    """
    dtype = jnp.result_type(floating(tau), denoiser.spectrum.variance)
    tau = floating(tau).astype(dtype)

    def add_panel(total: PanelSum, start: Array, width: Array) -> PanelSum:
        return total.plus_nodes(
            start, width, lambda node: contraction(denoiser, node, lambda time: denoiser.gain(tau, time))
        )

    start = PanelSum.zero((*tau.shape, denoiser.spectrum.dimension), dtype)
    integral = over_panels(add_panel, start, panel_edges(denoiser, refinement).astype(dtype))
    return jnp.exp(denoiser.process.initial_log_variance() - 2 * integral.trusted())


class PanelSum(NamedTuple):
    """An integral as a sum over panels, and an estimate of what it misses."""

    value: Array
    unresolved: Array

    @classmethod
    def zero(cls, shape: tuple[int, ...], dtype: np.dtype) -> "PanelSum":
        return cls(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))

    def plus(self, width: Array, values: Float[Array, "nodes ..."]) -> "PanelSum":
        weights, last = (jnp.asarray(table, values.dtype) for table in (NODE_WEIGHTS / 2, COEFFICIENTS[-2:]))
        fixed = jax.lax.stop_gradient(values)
        ending, largest = jnp.max(jnp.abs(jnp.tensordot(last, fixed, 1)), axis=0), jnp.max(jnp.abs(fixed), axis=0)
        # Sixteen nodes miss coefficients from the 32nd on: the square of the 16th for a decay that goes on as it began.
        lost = ending**2 / jnp.where(largest > 0, largest, 1.0)
        return self.plus_integral(width * jnp.tensordot(weights, values, 1), width * lost)

    def plus_nodes(self, start: Array, width: Array, integrand: Callable[[Array], Array]) -> "PanelSum":
        """With the panel from `start` of this width, of an integrand that is asked at one place at a time."""
        nodes = start + width * (1 + jnp.asarray(NODES, dtype=self.value.dtype)) / 2
        return self.plus(width, jax.vmap(integrand)(nodes))

    def plus_integral(self, value: Array, error: Array) -> "PanelSum":
        return PanelSum(self.value + value, self.unresolved + error)

    def trusted(self) -> Array:
        return nan_unless(self.unresolved <= _RESOLVED, self.value)


def variance_by_graded_quadrature(
    denoiser: AbstractDenoiser, tau: Time, kink: Modes, gain_per_mode: Callable[[Array, Array], Modes]
) -> Modes:
    """The same integral for a gain of mode k that changes quickly at ℓ = kink_k, however narrow the change.

    Each side of the kink is integrated in v with |ℓ - kink| = ln(1 + e^v): panels shrink in proportion to the
    distance near the kink, down to e^-32, and are uniform in ℓ away from it.

    **Arguments:** `tau` (...,); `kink` (d,), clipped to the range of sampling; `gain_per_mode`, a function of `tau`
    (..., 1) and one process time per mode (1, ..., d) that gives (..., d). **Returns:** (..., d).
    """
    dtype = jnp.result_type(floating(tau), denoiser.spectrum.variance)
    tau = floating(tau).astype(dtype)
    low, high = denoiser.process.log_ratio_range()
    # Where the integral is split changes nothing, so no derivative passes through it.
    kink = jax.lax.stop_gradient(jnp.clip(kink, low, high)).astype(dtype).reshape((1,) * tau.ndim + kink.shape)
    panels = _MOST_PANELS + int(_GRADING / _PANEL_WIDTH)  # for any range: it may be traced

    def side(direction: int, distance: Modes) -> Array:
        far = distance + jnp.log(-jnp.expm1(-jnp.maximum(distance, np.exp(-_GRADING))))  # softplus⁻¹
        width = jnp.maximum(far + _GRADING, 0.0) / panels

        def rate_at(panel: Array, node: Array) -> Array:
            v = -_GRADING + width * (panel + node)
            log_ratio = kink + direction * jax.nn.softplus(v)
            rate = contraction(denoiser, log_ratio, lambda time: gain_per_mode(tau[..., None], time))
            return jax.nn.sigmoid(v) * rate

        def add_panel(total: PanelSum, panel: Array) -> tuple[PanelSum, None]:
            nodes = jnp.asarray((1 + NODES) / 2, dtype=dtype)
            return total.plus(width, jax.lax.map(lambda node: rate_at(panel, node), nodes)), None

        start = PanelSum.zero((*tau.shape, denoiser.spectrum.dimension), dtype)
        return jax.lax.scan(add_panel, start, jnp.arange(panels, dtype=dtype))[0].trusted()

    integral = side(-1, kink - low) + side(1, high - kink)
    return jnp.exp(denoiser.process.initial_log_variance() - 2 * integral)


def contraction(denoiser: AbstractDenoiser, log_ratio: Array, gain: Callable[[Array], Modes]) -> Modes:
    """-d ln(x/α)/dℓ = 1 - αψ_D at ℓ = ln(α/σ), with the gains as a function of the process time."""
    target = denoiser.objective.target
    time = denoiser.process.time_from_log_snr(2 * log_ratio)
    alpha, sigma = denoiser.process.scales_at_log_ratio(log_ratio)
    signal, _ = target.coefficients(alpha, sigma)
    return sigma * (signal - alpha * gain(time)) / target.determinant(alpha, sigma)


def panel_edges(denoiser: AbstractDenoiser, refinement: int = 1) -> Float[Array, " edges"]:
    """Edges of the quadrature's panels in ℓ, at most 1/4k apart for a `refinement` k, one wherever the weight bends.

    The range may be traced, so their number does not depend on it: panels left over lie at the end, without width.
    """
    low, high = (jnp.asarray(end, float) for end in denoiser.process.log_ratio_range())
    most = _MOST_PANELS * refinement
    panels = jnp.ceil(jnp.minimum((high - low) * refinement / _PANEL_WIDTH, most))
    index = jnp.arange(most + 1, dtype=low.dtype)
    edges = jnp.where(index < panels, low + index * ((high - low) / panels), high)
    kinks = [jnp.clip(jnp.asarray(kink, float), low, high) for kink in denoiser.objective.weight.kinks()]
    return jnp.sort(jnp.concatenate([edges, jnp.stack(kinks)])) if kinks else edges


def over_panels(
    add_panel: Callable[[PyTree, Array, Array], PyTree], start: PyTree, edges: Float[Array, " edges"]
) -> PyTree:
    """`add_panel(total, start of the panel, its width)` for one panel after the other; empty ones cost nothing.

    A loop with derivatives in both modes has a fixed number of steps. It goes in blocks, and those without width cost
    nothing.
    """
    left_over = -(edges.size - 1) % _PANEL_BLOCK
    edges = jnp.concatenate([edges, jnp.repeat(edges[-1:], left_over)])
    blocks = (edges[:-1].reshape(-1, _PANEL_BLOCK), jnp.diff(edges).reshape(-1, _PANEL_BLOCK))

    def add_block(total: PyTree, block: tuple[Array, Array]) -> tuple[PyTree, None]:
        def add(total: PyTree) -> PyTree:
            return jax.lax.scan(lambda total, panel: (add_panel(total, *panel), None), total, block)[0]

        return jax.lax.cond(jnp.any(block[1] != 0), add, lambda total: total, total), None

    return jax.lax.scan(add_block, start, blocks)[0]


def check_schedule(arguments: Mapping[str, Any]) -> None:
    """Raises ValueError unless the `times` are those of the denoiser's process, and run from noise to data."""
    times, process = arguments["times"], arguments["denoiser"].process
    process_time("times", times, process)
    if is_traced(times, process):
        return
    with jax.ensure_compile_time_eval():  # of known times inside a compiled function too
        ratios = np.asarray(process.log_snr(times))
    if ratios.ndim != 1:
        raise ValueError(f"times must be a sequence from noise to data; got shape {ratios.shape}")
    if not np.all(ratios[1:] >= ratios[:-1]):
        raise ValueError(f"times must be a sequence from noise to data; got {times}")


@checked_jit(check_schedule, tau=check_training_time)
def generated_variance_on_schedule(
    denoiser: AbstractDenoiser, tau: TrainingTime, times: Float[Array, " steps"], gain: Modes | None = None
) -> Modes:
    """Variance per mode when the probability-flow ODE is solved by Heun's method on a finite schedule of times.

    One Heun step of length h multiplies mode k by 1 + (h/2)[a + b(1 + ha)] with a, b the rates d ln x_k/dt at its
    two ends. Comparing this with `generated_variance` separates the solver's error from the network's.

    **Arguments:** `tau` (...,); `times`, process times from noise to data, (steps,); `gain`, (steps, ..., d), the
    gains at those times if they are not `denoiser.gain`'s own (for example after gradient descent with finite
    steps). **Returns:** (..., d). Raises ValueError for times that the process does not have or of another order.
    """
    tau = floating(tau)
    if gain is None:
        gain = jax.vmap(lambda time: denoiser.gain(tau, time))(times)
    rates = jax.vmap(lambda time, psi: _growth_rate(denoiser, time, psi))(times, gain)
    shape = (times.size - 1,) + (1,) * (rates.ndim - 1)
    step = jnp.diff(times).reshape(shape)
    factors = 1 + step / 2 * (rates[:-1] + rates[1:] * (1 + step * rates[:-1]))
    return denoiser.process.prior_variance * jnp.prod(factors, axis=0) ** 2


def _growth_rate(denoiser: AbstractDenoiser, time: Array, gain: Modes) -> Modes:
    """d ln x_k/dt."""
    state, output = denoiser.process.flow_coefficients(denoiser.objective.target, time)
    return state + output * gain
