"""The two-layer linear denoiser D(x) = P Q x with independent factors, aligned with the data (App. F.2)."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from theory.definitions.arrays import Time
from theory.definitions.objectives import Objective
from theory.definitions.processes import AbstractProcess
from theory.definitions.spectra import Spectrum
from theory.numerics.special import relaxation_filter
from theory.spectral_law.denoiser import gradient_flow_window, initial_gains, over_modes
from theory.spectral_law.modewise_denoiser import AbstractModewiseDenoiser, assign_modewise_fields, variance_of_modes
from theory.spectral_law.regression import ModeRegression, Modes, saturated, scaled_time, stage_sizes


class TwoLayer(AbstractModewiseDenoiser):
    """Two independent layers, D(x) = μ + P Q(x - αμ), aligned: P = Σ_k p_k u_k v_kᵀ, Q = Σ_k q_k v_k u_kᵀ.

    Gradient flow conserves the imbalance c_0 = p² - q² of every mode, and the gain ψ = pq follows
    (Wang & Pehlevan 2025, App. F.2)

        dψ/dτ = 2η √(c_0² + 4ψ²) (h - sψ),   s = α²λ + σ²,   h = sψ* (h = λ for the EDM denoiser).

    Balanced factors (c_0 = 0) grow logistically at half the rate of tied ones, and cannot change the sign of their
    gain; with c_0 ≠ 0 any optimum is reached, and for large |c_0| the network is lazy: one layer at the rate 2η|c_0|s.
    Where a balanced mode would have to change sign (flow matching near the noise) ψ = 0 is a saddle: the solution stays
    there for ever, a network with sampling noise leaves it in the end.

    **Arguments:** as for `OneLayer`, and `imbalance` c_0, a number or one per mode. Raises ValueError for shapes or
    values that do not fit.
    """

    spectrum: Spectrum
    process: AbstractProcess
    objective: Objective
    initial_gain: Float[Array, " modes"]
    imbalance: Float[Array, " modes"]
    learning_rate: Float[Array, ""]

    def __init__(
        self,
        spectrum: Spectrum,
        process: AbstractProcess,
        initial_gain: ArrayLike,
        learning_rate: ArrayLike,
        objective: Objective | None = None,
        imbalance: ArrayLike = 0.0,
    ) -> None:
        assign_modewise_fields(self, spectrum, process, initial_gain, learning_rate, objective)
        self.imbalance = initial_gains(imbalance, spectrum, name="imbalance")

    def mode_solution(
        self, regression: ModeRegression, initial_gain: Modes, tau: Array, learning_rate: Float[Array, ""]
    ) -> Modes:
        """ψ_k(τ): see `imbalanced_growth`."""
        (imbalance,) = over_modes(tau, self.imbalance)
        return imbalanced_growth(regression, initial_gain, scaled_time(tau, learning_rate), imbalance)

    def weights_of_gain(
        self, gain: Modes
    ) -> tuple[Float[Array, "*batch modes modes"], Float[Array, "*batch modes modes"]]:
        """P and Q with v_k = u_k, (..., d, d) each: p² = (√(c_0² + 4ψ²) + c_0)/2 and q = ψ/p."""
        outer, inner = factors(gain, jnp.broadcast_to(self.imbalance, gain.shape))
        return self.spectrum.matrix(outer), self.spectrum.matrix(inner)

    def generated_variance(self, tau: Time) -> Modes:
        """Quadrature of the gain, graded about h = 0 for flow matching; (...,) -> (..., d)."""
        return variance_of_modes(self, tau)

    def training_window(self) -> tuple[Array, Array]:
        return gradient_flow_window(self)


def factors(gain: Modes, imbalance: Modes) -> tuple[Modes, Modes]:
    """(p, q) with pq = ψ and p² - q² = c_0: the larger from its square, the other as a quotient, so nothing cancels."""
    larger = jnp.sqrt((jnp.abs(imbalance) + jnp.hypot(imbalance, 2 * gain)) / 2)
    smaller = gain / jnp.where(larger > 0, larger, 1.0)
    return jnp.where(imbalance < 0, smaller, larger), jnp.where(imbalance < 0, larger, smaller)


# --- Solution -----------------------------------------------------------------------------------------------
#
# The paper's solution through tanh and sinh⁻¹(2ψ/c_0) is singular at c_0 = 0. With q/p = N/D the equation is a Riccati
# equation, so N and D follow a linear one,
#
#   dN/dτ = 2η(hD - gN),  dD/dτ = 2η(hN + gD),  N(0) = q, D(0) = p,  g = s c_0/2,  R = √(h² + g²),
#
# and D² - N² = c_0 J with J = 1 + 2ηs ∫(N² + D²) dτ. Hence ψ = c_0 ND/(D² - N²) = ND/J, in which c_0 has cancelled.
# With e = exp(-4ηRτ), m = √(c_0² + 4ψ_0²), a mode that starts from ψ_0 ≥ 0 with c_0 ≥ 0 has
#
#   4e ND = ψ_0(aa' + b²) + b(q²a + p²a'),  a, a' = 1 + e ∓ gf,  b = hf,
#   4e J = 4e + s f [m(1 + e) + fd],  d = 2hψ_0 + g c_0,  f = (1 - e)/R.
#
# Other signs follow from the symmetries (c_0 → -c_0: p and q exchanged) and (ψ, h → -ψ, -h). For h ≥ 0 every term is
# positive, and early, e > 1/2, nothing cancels either: the terms above are smooth at R = 0. Later a is taken as
# (1 - g/R) + e(1 + g/R), and m(1 + e) + fd as (m + d/R) + e(m - d/R) where d < 0. For h < 0 the product cancels in the
# end (c_0 = 0 cancels completely: the gain decays to zero), and is regrouped by powers of e with κ = |h|/(R + g) < 1,
# w = 1 + g/R:
#
#   4e ND = w²{-κB² + e(1 - κ²)[ψ_0(1 - κ²) + κc_0] + e²κ(q² + 2κψ_0 + κ²p²)},  B = p - κq,
#   B² = [c_0 + q²(1 - κ²)]²/(p² + 2κψ_0 + κ²q²),  m + d/R = (c_0|h| + 2ψ_0 g)²/[R(mR - d)] where d < 0.


def imbalanced_growth(regression: ModeRegression, initial: Modes, scaled_time: Array, imbalance: Modes) -> Modes:
    """Gain of a two-layer mode after ητ = `scaled_time`, smooth through c_0 = 0, h = 0 and ψ_0 = 0.

    `imbalance` c_0 broadcasts against the other arrays. Relative error about 1e-14.
    """
    drive, inputs, initial, imbalance, time = jnp.broadcast_arrays(
        regression.pull / 2, regression.curvature / 2, initial, imbalance, saturated(scaled_time)
    )
    sign = jnp.where(initial < 0, -1.0, 1.0)
    start, pull, c = sign * initial, sign * drive, jnp.abs(imbalance)
    g, h = inputs * c / 2, jnp.abs(pull)
    rate = _length(h, g)
    safe = jnp.where(rate > 0, rate, 1.0)
    # e² appears in numerator and denominator of a gain that decays to zero, so e must not fall below √tiny.
    largest = 0.42 * math.log(float(jnp.finfo(time.dtype).max))
    e = jnp.exp(-jnp.minimum(4 * time * rate, largest))
    f = relaxation_filter(rate, 4 * time)

    m = _length(2 * start, c)
    p2 = (m + c) / 2
    q2 = jnp.where(c == 0, (m - c) / 2, 2 * start**2 / jnp.where(m + c > 0, m + c, 1.0))
    early = e > 0.5
    # 1 - g/R without cancellation. The drive keeps its sign in all else: |h| has no slope at h = 0.
    lesser = h**2 / (safe * (safe + g))
    a, a_prime, b = jnp.where(early, 1 + e - g * f, lesser + e * (2 - lesser)), 1 + e + g * f, pull * f
    product = jnp.where(
        (pull >= 0) | early,
        start * (a * a_prime + b**2) + b * (q2 * a + p2 * a_prime),
        _product_backwards(start, p2, q2, c, e, h, g, safe),
    )
    d = 2 * pull * start + g * c
    against = (d < 0) & ~early
    remainder = (c * h + 2 * start * g) ** 2 / (safe * jnp.where(against, m * safe - d, 1.0))
    growing = jnp.where(against, remainder + e * (m - d / safe), m * (1 + e) + f * d)
    gain = sign * product / (4 * e + inputs * f * growing)
    # Exactly ψ_0 at τ = 0, with the slopes of the formula.
    return gain + jax.lax.stop_gradient(jnp.where(time == 0, initial - gain, 0.0))


def _product_backwards(
    start: Modes, p2: Modes, q2: Modes, c: Modes, e: Modes, h: Modes, g: Modes, rate: Modes
) -> Modes:
    """4e ND for h < 0, regrouped by powers of e; `h` is |h|."""
    kappa = h / (rate + g)
    lost = (1 + kappa) * (g + g**2 / (rate + h)) / (rate + g)  # 1 - κ²
    norm = p2 + 2 * kappa * start + kappa**2 * q2
    squared = (c + q2 * lost) ** 2 / jnp.where(norm > 0, norm, 1.0)
    middle = lost * (start * lost + kappa * c)
    decaying = kappa * (q2 + 2 * kappa * start + kappa**2 * p2)
    return (1 + g / rate) ** 2 * (-kappa * squared + e * (middle + e * decaying))


def _length(x: Modes, y: Modes) -> Modes:
    """√(x² + y²) for x, y ≥ 0, with its own slopes where one of them is zero and those of x where both are."""
    inside = (x > 0) & (y > 0)
    length = jnp.hypot(jnp.where(inside, x, 1.0), jnp.where(inside, y, 1.0))
    edge = jnp.where(y > 0, y, x)
    return jnp.where(inside, length, edge)


def two_layer_gradient_descent(
    regression: ModeRegression,
    initial_gain: Modes,
    imbalance: Modes,
    step_sizes: Float[Array, " stages"],
    steps: Int[Array, " stages"],
) -> Float[Array, "stages *batch modes"]:
    """Gain of the two-layer network after each stage of gradient descent with finite steps.

    One step of size η takes both factors at once, p → p - 2ηq(sψ - h) and q → q - 2ηp(sψ - h): c_0 is conserved up to
    O(η²). Stages and shapes as for `theory.spectral_law.regression.gradient_descent`.
    """
    inputs, drive = regression.curvature / 2, regression.pull / 2
    start = factors(*(jnp.broadcast_to(x, drive.shape).astype(drive.dtype) for x in (initial_gain, imbalance)))

    def descend(pair: tuple[Modes, Modes], stage: tuple[Array, Array]):
        size, count = stage

        def step(_, pair: tuple[Modes, Modes]) -> tuple[Modes, Modes]:
            outer, inner = pair
            slope = 2 * size * (inputs * outer * inner - drive)
            return outer - slope * inner, inner - slope * outer

        pair = jax.lax.fori_loop(0, count, step, pair)
        return pair, pair[0] * pair[1]

    return jax.lax.scan(descend, start, (stage_sizes(step_sizes, regression).astype(drive.dtype), steps))[1]
