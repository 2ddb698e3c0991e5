"""Gradient descent with finite steps: gain, generated variance, stability limit."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, sigma, eta, tau = sp.symbols("lambda sigma eta tau", positive=True)
start = sp.Symbol("Q", real=True)
n = sp.Symbol("n", positive=True, integer=True)
g, g_0 = sp.symbols("g g_0", real=True)

total = variance + sigma**2
optimum = variance / total
factor = 1 - 2 * eta * total
factor_0 = 1 - 2 * eta * variance
gain = optimum + (start - optimum) * factor**n

# Closed sums S_n = Σ_{j=1}^n g_0^{n-j} g^{j-1} and T_n = Σ_{j=1}^n g^{j-1}.
mixed_sum = (g_0**n - g**n) / (g_0 - g)
plain_sum = (1 - g**n) / (1 - g)
# d ln Φ_n/dσ with the sums inserted, d g/dσ = -4ησ, g_0 - g = 2ησ², 1 - g = 2η(λ + σ²).
slope = -4 * eta * sigma
values = {g: factor, g_0: factor_0}
derivative = (1 - start) / 2 * (factor_0**n * 2 / sigma + slope * mixed_sum.subs(values)) - (
    slope * plain_sum.subs(values) / 2
)


def log_phi(steps: int) -> sp.Expr:
    """ln Φ_n of App. D.1.1 for a given number of steps."""
    mixed = sum(factor_0 ** (steps - j) * factor**j / j for j in range(1, steps + 1))
    plain = sum(factor**j / sp.Integer(j) for j in range(1, steps + 1))
    return (1 - start) / 2 * (factor_0**steps * sp.log(sigma**2) + mixed) - plain / 2


def numeric(lam: float, noise_level: float, step_size: float, initial: float, steps: int) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.targets import DenoiserTarget
    from theory.spectral_law.regression import gradient_descent, mode_regression

    regression = mode_regression(jnp.array([lam]), EDM(), DenoiserTarget(), jnp.asarray(noise_level))
    return gradient_descent(regression, jnp.array([initial]), jnp.array([step_size]), jnp.array([steps]))[0, 0]


DERIVATION = Derivation(
    name="discrete_descent",
    title="Gradient descent with finite steps",
    source="Wang & Pehlevan 2025, App. D.1.1",
    statement=(
        r"$\psi_n = \psi^* + (Q - \psi^*)g^n$, $g(\sigma) = 1 - 2\eta(\lambda + \sigma^2)$; with $g_0 = 1 - 2\eta"
        r"\lambda$ the network frozen after $n$ steps samples $x\propto\Phi_n$, $\ln\Phi_n = \frac{1-Q}2[g_0^n\ln"
        r"\sigma^2 + \sum_{j=1}^n g_0^{n-j}g^j/j] - \frac12\sum_{j=1}^n g^j/j$. Stable iff $\eta < 1/(\lambda_{\max} + "
        r"\sigma_T^2)$."
    ),
    steps=(
        Step(
            r"One step, $\psi_{n+1} = \psi_n - 2\eta[(\lambda + \sigma^2)\psi_n - \lambda]$.",
            sp.expand((gain.subs(n, n + 1) - gain + 2 * eta * (total * gain - variance)) / factor**n, power_exp=True),
        ),
        Step(r"It starts at $Q$.", gain.subs(n, 0) - start),
        Step(
            r"$S_n = \sum_{j=1}^n g_0^{n-j}g^{j-1} = (g_0^n - g^n)/(g_0 - g)$ by induction: $S_{n+1} = g_0S_n + g^n$,",
            sp.expand((mixed_sum.subs(n, n + 1) - g_0 * mixed_sum - g**n) * (g_0 - g), power_exp=True),
        ),
        Step(
            r"$S_1 = 1$; and the sum with $g_0 = 1$ is $(1 - g^n)/(1 - g)$.",
            sp.Matrix([sp.cancel(mixed_sum.subs(n, 1)) - 1, mixed_sum.subs(g_0, 1) - plain_sum]),
        ),
        Step(
            r"$dg/d\sigma$, $g_0 - g$ and $1 - g$ as used in the next step.",
            sp.Matrix(
                [sp.diff(factor, sigma) - slope, factor_0 - factor - 2 * eta * sigma**2, 1 - factor - 2 * eta * total]
            ),
        ),
        Step(r"$d\ln\Phi_n/d\sigma = (1 - \psi_n)/\sigma$ for every $n$.", derivative - (1 - gain) / sigma),
        *(
            Step(
                rf"The same by differentiating $\Phi_n$ itself, $n = {k}$.",
                sp.diff(log_phi(k), sigma) - (1 - gain.subs(n, k)) / sigma,
            )
            for k in (1, 2, 3)
        ),
        Step(r"Marginal stability $g = -1$ at $\eta = 1/(\lambda + \sigma^2)$.", factor.subs(eta, 1 / total) + 1),
        Step(
            r"$\eta = \eta'\tau/n$, $n\to\infty$: $g^n\to e^{-2\eta'\tau(\lambda + \sigma^2)}$, gradient flow.",
            sp.limit(factor.subs(eta, eta * tau / n) ** n, n, sp.oo) - sp.exp(-2 * eta * tau * total),
        ),
    ),
    formula=gain,
    domain={variance: (0.01, 2.0), sigma: (0.01, 2.0), eta: (0.001, 0.1), start: (-1.0, 2.0), n: range(1, 50)},
    numeric=numeric,
)
