"""The regression behind denoising score matching, for every target: optimum, curvature, smallest loss."""

from typing import Any

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

a, s, w, variance = sp.symbols("a s w lambda", positive=True)
c, e, psi, ridge, mean, bias = sp.symbols("c e psi xi mu b", real=True)
x_0, noise, t, alpha, sigma = sp.symbols("x_0 epsilon t alpha sigma", positive=True)

input_variance = a**2 * variance + s**2
optimum = (a * c * variance + s * e) / input_variance


def expectation(polynomial: sp.Expr) -> sp.Expr:
    """E of a polynomial of degree two in the centred x_0 (variance λ) and ε (variance 1), which are independent."""
    moments: dict[tuple[int, ...], Any] = {(0, 0): 1, (2, 0): variance, (0, 2): 1, (1, 1): 0, (1, 0): 0, (0, 1): 0}
    return sum((value * moments[power] for power, value in sp.Poly(polynomial, x_0, noise).terms()), sp.S.Zero)


loss = expectation((c * x_0 + e * noise - psi * (a * x_0 + s * noise)) ** 2)
with_mean = expectation((c * (mean + x_0) + e * noise - psi * (a * (mean + x_0) + s * noise) - bias) ** 2)
ridge_optimum = optimum * input_variance / (input_variance + ridge)

TARGETS = {  # name: ((a, s, c, e), optimum as tabulated, rate/2ηw as tabulated)
    "x_0, EDM": ((1, sigma, 1, 0), variance / (variance + sigma**2), variance + sigma**2),
    "noise, EDM": ((1, sigma, 0, 1), sigma / (variance + sigma**2), variance + sigma**2),
    "score, EDM": ((1, sigma, 0, -1 / sigma), -1 / (variance + sigma**2), variance + sigma**2),
    "x_0, VP": (
        (alpha, sigma, 1, 0),
        alpha * variance / (alpha**2 * variance + sigma**2),
        alpha**2 * variance + sigma**2,
    ),
    "noise, VP": ((alpha, sigma, 0, 1), sigma / (alpha**2 * variance + sigma**2), alpha**2 * variance + sigma**2),
    "velocity": (
        (alpha, sigma, -sigma, alpha),
        alpha * sigma * (1 - variance) / (alpha**2 * variance + sigma**2),
        alpha**2 * variance + sigma**2,
    ),
    "flow": (
        (t, 1 - t, 1, -1),
        (t * variance - (1 - t)) / (t**2 * variance + (1 - t) ** 2),
        t**2 * variance + (1 - t) ** 2,
    ),
}


def _table_residual(name: str) -> sp.Matrix:
    coefficients, tabulated, rate = TARGETS[name]
    put = dict(zip((a, s, c, e), coefficients, strict=True))
    return sp.Matrix([optimum.subs(put) - tabulated, input_variance.subs(put) - rate])


def numeric(lam: float, signal_in: float, noise_in: float, signal_out: float, noise_out: float) -> jax.Array:
    """ψ* from `theory.spectral_law.regression`: the input is (a + s) times that of flow matching at time a/(a + s)."""
    from theory.definitions.arrays import Time
    from theory.definitions.processes import FlowMatching
    from theory.definitions.targets import AbstractTarget
    from theory.spectral_law.regression import mode_regression

    class ConstantTarget(AbstractTarget):
        def coefficients(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
            return jnp.full_like(alpha, signal_out), jnp.full_like(alpha, noise_out)

        def constant_coefficients(self) -> tuple[float, float] | None:
            return signal_out, noise_out

    total = signal_in + noise_in
    time = jnp.asarray(signal_in / total)
    return mode_regression(jnp.array([lam]), FlowMatching(), ConstantTarget(), time).optimal_gain[0] / total


DERIVATION = Derivation(
    name="regression_optimum",
    title="Optimal linear denoiser for every target",
    source="Wang & Pehlevan 2025, Eqs. 5-6 and App. C.4",
    statement=(
        r"For $x = a x_0 + s\varepsilon$ and target $y = c x_0 + e\varepsilon$ the loss $w\,E(y - \psi x)^2$ of a mode "
        r"of variance $\lambda$ has the optimum $\psi^* = (ac\lambda + se)/(a^2\lambda + s^2)$, the curvature "
        r"$2w(a^2\lambda + s^2)$, the smallest value $w(c\sigma - ea)^2\lambda/(a^2\lambda+s^2)$ and, with a mean, "
        r"the optimal bias $(c - a\psi^*)\mu$."
    ),
    steps=(
        Step(
            r"The loss is a parabola, $w[c^2\lambda + e^2 - 2\psi(ac\lambda + se) + \psi^2(a^2\lambda + s^2)]$.",
            w * (loss - (c**2 * variance + e**2 - 2 * psi * (a * c * variance + s * e) + psi**2 * input_variance)),
        ),
        Step(r"$dL/d\psi = 0$ at $\psi^*$.", sp.diff(w * loss, psi).subs(psi, optimum)),
        Step(r"Its curvature is $2w(a^2\lambda + s^2)$.", sp.diff(w * loss, psi, 2) - 2 * w * input_variance),
        Step(
            r"Its smallest value is $w[c^2\lambda + e^2 - (a^2\lambda + s^2)\psi^{*2}]$.",
            w * (loss.subs(psi, optimum) - (c**2 * variance + e**2 - input_variance * optimum**2)),
        ),
        Step(
            r"The same without cancellation: $w(cs - ea)^2\lambda/(a^2\lambda + s^2)$.",
            w * (loss.subs(psi, optimum) - (c * s - e * a) ** 2 * variance / input_variance),
        ),
        Step(
            r"A mean is taken up by the bias: both derivatives vanish at $\psi^*$, $b^* = (c - a\psi^*)\mu$.",
            sp.Matrix([sp.diff(with_mean, psi), sp.diff(with_mean, bias)])
            .subs(bias, (c - a * optimum) * mean)
            .subs(psi, optimum),
        ),
        Step(
            r"A ridge $\xi\psi^2$ adds $\xi$ to the variance of the input.",
            sp.diff(loss + ridge * psi**2, psi).subs(psi, ridge_optimum),
        ),
        *(Step(rf"Table of App. C.4, row ``{name}'': optimum and rate.", _table_residual(name)) for name in TARGETS),
    ),
    formula=optimum,
    domain={variance: (0.01, 10.0), a: (0.1, 2.0), s: (0.1, 2.0), c: (-2.0, 2.0), e: (-2.0, 2.0)},
    numeric=numeric,
)
