"""Deep linear networks, balanced: the implicit solution in hypergeometric functions."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step
from theory.spectral_law.denoiser import AbstractDenoiser

eta, tau, h, s, depth, psi, x = sp.symbols("eta tau h s L psi x", positive=True)
a = sp.Symbol("a", real=True)  # 2/L - 1 or 2 - 2/L
variance, sigma, share, start_share = sp.symbols("lambda sigma u u_0", positive=True)
n = sp.Symbol("n", integer=True, nonnegative=True)

# L = 3 stands for any depth in the reduction to one equation.
layers = sp.symbols("w_1:4", positive=True)
product = sp.prod(layers)
loss = s * product**2 - 2 * h * product
velocities = [-eta * sp.diff(loss, w) for w in layers]
product_dot = sum((sp.diff(product, w) * v for w, v in zip(layers, velocities, strict=True)), sp.S.Zero)
balanced = dict.fromkeys(layers, psi ** sp.Rational(1, 3))
flow = 2 * eta * depth * psi ** (2 - 2 / depth) * (h - s * psi)

# ₂F₁(1, a; a+1; x) = Σ_n a x^n/(a + n): term of the series as defined, and as used.
defined = sp.rf(1, n) * sp.rf(a, n) / (sp.rf(a + 1, n) * sp.factorial(n))
used = a / (a + n)

below_term = psi ** (a + n) * (s / h) ** n / ((a + n) * h)  # terms of G, a = 2/L - 1
above_term = psi ** (-a - n) * (h / s) ** n / ((a + n) * s)  # terms of H, a = 2 - 2/L

low, high = 2 / depth - 1, 2 - 2 / depth
G = psi**low / (low * h) * sp.hyper((1, low), (low + 1,), s * psi / h)
H = psi**-high / (high * s) * sp.hyper((1, high), (high + 1,), h / (s * psi))

# Two layers: G becomes a logarithm, and the logistic curve of the balanced untied network follows.
two_layers = sp.log(psi / (h - s * psi)) / h
start = sp.Symbol("Q", positive=True)
logistic = h * start / ((h - s * start) * sp.exp(-4 * eta * h * tau) + s * start)

# Time from the share u_0 to the share u of the optimum, both below 1.
optimum = variance / (variance + sigma**2)
at_level = G.subs({h: variance, s: variance + sigma**2})
time = (at_level.subs(psi, share * optimum) - at_level.subs(psi, start_share * optimum)) / (2 * eta * depth)


@eqx.filter_jit
def _gain_and_slope(denoiser: AbstractDenoiser, time: jax.Array, noise_level: jax.Array) -> tuple[Any, Any]:
    return jax.jvp(lambda at: denoiser.gain(at, noise_level)[0], (time,), (jnp.ones_like(time),))


def numeric(
    lam: float, noise_level: float, learning_rate: float, layer_count: int, initial: float, reached: float
) -> jax.Array:
    """The time after which `DeepLinear` has reached the share u, by one Newton step from the formula's time.

    The step measures, to second order, how far the network's gain is from where the formula puts it.
    """
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.deep_linear import DeepLinear

    best = lam / (lam + noise_level**2)
    goal, noise = reached * best, jnp.asarray(noise_level)
    spectrum = Spectrum.from_variances(jnp.array([lam]))
    denoiser = DeepLinear(spectrum, EDM(), initial * best, learning_rate, depth=layer_count)
    predicted = jnp.asarray(DERIVATION.as_function()(lam, noise_level, learning_rate, layer_count, initial, reached))
    gain, slope = _gain_and_slope(denoiser, predicted, noise)
    return predicted + (goal - gain) / slope


DERIVATION = Derivation(
    name="deep_linear",
    title="Deep linear networks",
    source="Wang & Pehlevan 2025, App. F.3; the implicit solution is this project's",
    statement=(
        r"Balanced layers obey $\dot\psi = 2\eta L\psi^{2-2/L}(h - s\psi)$. Below the optimum $G(\psi(\tau)) - G(Q) = "
        r"2\eta L\tau$ with $G = \frac{\psi^a}{ah}{}_2F_1(1, a; a+1; \frac{s\psi}h)$, $a = \frac2L - 1$ ($L\neq2$); "
        r"above it the same for $H = \frac{\psi^{-b}}{bs}{}_2F_1(1, b; b+1; \frac h{s\psi})$, $b = 2 - \frac2L$."
    ),
    steps=(
        Step(
            r"Three balanced layers: $\dot\psi = 6\eta\psi^{4/3}(h - s\psi)$.",
            product_dot.subs(balanced) - flow.subs(depth, 3),
        ),
        Step(
            r"Gradient flow keeps layers balanced: $w_1\dot w_1 = w_2\dot w_2$.",
            layers[0] * velocities[0] - layers[1] * velocities[1],
        ),
        Step(
            r"Terms of ${}_2F_1(1, a; a+1; x)$: $(1)_n(a)_n/[(a+1)_nn!] = a/(a+n)$, at $n = 0$",
            (defined - used).subs(n, 0),
        ),
        Step(
            r"and from $n$ to $n + 1$.",
            sp.combsimp(sp.expand_func((defined.subs(n, n + 1) / defined).rewrite(sp.gamma)))
            - used.subs(n, n + 1) / used,
        ),
        Step(
            r"Terms of $G'$: $\psi^{a-1}(s\psi/h)^n/h$; the geometric series sums to $\psi^{a-1}/(h - s\psi)$.",
            sp.Matrix(
                [
                    sp.diff(below_term, psi) - psi ** (a - 1) * (s * psi / h) ** n / h,
                    psi ** (a - 1) / h / (1 - s * psi / h) - psi ** (a - 1) / (h - s * psi),
                ]
            ),
        ),
        Step(
            r"$\psi^{a-1}/(h - s\psi)$ times $\dot\psi$ is $2\eta L$ for $a = 2/L - 1$.",
            psi ** (low - 1) / (h - s * psi) * flow - 2 * eta * depth,
        ),
        Step(
            r"Terms of $H'$: $-\psi^{-b-1}(h/s\psi)^n/s$, summing to $\psi^{-b}/(h - s\psi)$.",
            sp.Matrix(
                [
                    sp.diff(above_term, psi) + psi ** (-a - 1) * (h / (s * psi)) ** n / s,
                    -(psi ** (-a - 1)) / s / (1 - h / (s * psi)) - psi**-a / (h - s * psi),
                ]
            ),
        ),
        Step(
            r"$\psi^{-b}/(h - s\psi)$ times $\dot\psi$ is $2\eta L$ for $b = 2 - 2/L$.",
            psi**-high / (h - s * psi) * flow - 2 * eta * depth,
        ),
        Step(
            r"$L = 2$: $\ln[\psi/(h - s\psi)]/h$ takes the place of $G$,",
            sp.diff(two_layers, psi) * flow.subs(depth, 2) - 4 * eta,
        ),
        Step(
            r"and $\psi = hQ/[(h - sQ)e^{-4\eta h\tau} + sQ]$ solves its equation.",
            sp.diff(logistic, tau) - flow.subs({depth: 2}).subs(psi, logistic),
        ),
        Step(
            r"$L = 1$: $H$ and $G$ give back $\dot\psi = 2\eta(h - s\psi)$.",
            flow.subs(depth, 1) - 2 * eta * (h - s * psi),
        ),
        Step(
            r"$L > 2$, small $Q$: the first term of $G$ alone, $\tau\simeq Q^{2/L-1}/[2\eta L(1 - 2/L)h]$.",
            (-below_term.subs(n, 0).subs(a, low).subs(psi, start)) / (2 * eta * depth)
            - start**low / (2 * eta * depth * (1 - 2 / depth) * h),
        ),
    ),
    formula=time,
    domain={
        variance: (0.1, 5.0),
        sigma: (0.1, 5.0),
        eta: (0.1, 1.0),
        depth: range(3, 5),
        start_share: (0.05, 0.4),
        share: (0.5, 0.95),
    },
    numeric=numeric,
)
