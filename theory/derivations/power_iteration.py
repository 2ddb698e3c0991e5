"""When samples of a network in training are most aligned with the leading mode, and what power a sampler takes."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Ein, Step

variance, first, second, low, high, c, rho, later = sp.symbols(
    "lambda lambda_1 lambda_2 sigma_0 sigma_T c rho_0 rho_1", positive=True
)
ratio, share = sp.symbols("r x", positive=True)

# One layer from zero on EDM ("one_layer_variance" at Q = 0).
grown = sp.log(high**2 / low**2) + Ein(c * low**2) - Ein(c * high**2)
log_variance = (
    2 * sp.log(high) - sp.exp(-c * variance) * grown + Ein(c * (low**2 + variance)) - Ein(c * (high**2 + variance))
)
rate = variance * sp.exp(-c * variance)
peak = sp.log(first / second) / (first - second)

# A step of DDIM from ρ_0 to ρ_1 with the ideal denoiser multiplies x/α by this.
factor = 1 - (1 - later / rho) * (1 - variance / (variance + rho**2))
power_of_step = variance * rho * (rho - later) / ((variance + rho * later) * (variance + rho**2))
telescoping = variance / (variance + later**2) - variance / (variance + rho**2)


def numeric(lam: float, start: float, part: float) -> jax.Array:
    from theory.sampling_questions.power_iteration import covariance_power

    return covariance_power(jnp.array([start, start * part, 0.0]), jnp.asarray(lam))


DERIVATION = Derivation(
    name="power_iteration",
    title="Alignment with the leading mode in training, and the power of the covariance in sampling",
    source="this project; the question: Weitzner et al. 2024",
    statement=(
        r"One layer from zero on EDM has $d\ln\tilde\lambda/dc = \lambda e^{-c\lambda}L(c)$ with the same $L$ for all "
        r"modes, so that of two modes $\tilde\lambda_1/\tilde\lambda_2$ is largest at $c = \ln(\lambda_1/\lambda_2)/"
        r"(\lambda_1 - \lambda_2)$. DDIM with the ideal denoiser has amplitudes $\propto\lambda^p$ with "
        r"$p = \sum_i\lambda\rho_i(\rho_i - \rho_{i+1})/[(\lambda + \rho_i\rho_{i+1})(\lambda + \rho_i^2)]\le1$."
    ),
    steps=(
        Step(r"The rate of one mode.", sp.diff(log_variance, c) - rate * grown),
        Step(
            r"At $c^*$ those of two modes are equal,",
            sp.log(rate.subs(variance, first) / rate.subs(variance, second))
            .subs(c, peak)
            .expand(force=True)
            .simplify(),
        ),
        Step(
            r"and their ratio $\ln(\lambda_1/\lambda_2) - c(\lambda_1 - \lambda_2)$ falls, so that it is the maximum.",
            sp.diff(sp.log(first / second) - c * (first - second), c) + first - second,
        ),
        Step(
            r"For $\sigma_0\to0$ a mode emerges, in geometric means, at $e^{-c\lambda} = \frac12$: for "
            r"$\lambda_1 = 2\lambda_2$ the second does so at $c^*$.",
            sp.simplify((peak * second).subs(first, 2 * second) - sp.log(2)),
        ),
        Step(
            r"On flow matching $\tilde\lambda = \lambda\exp[E_1(c\lambda) - E_1(c)]$, of which the ratio of two modes "
            r"only rises, by $(e^{-c\lambda_2} - e^{-c\lambda_1})/c$ of its logarithm.",
            sp.diff(sp.Ei(-c * second) - sp.Ei(-c * first), c) - (sp.exp(-c * second) - sp.exp(-c * first)) / c,
        ),
        Step(
            r"The power of a step is its logarithmic derivative.",
            sp.simplify(variance * sp.diff(sp.log(factor), variance) - power_of_step),
        ),
        Step(
            r"It is $\lambda\rho_{i+1}(\rho_i - \rho_{i+1})/[(\lambda + \rho_i\rho_{i+1})(\lambda + \rho_{i+1}^2)] "
            r"\ge 0$ below a difference that adds up to $1 - \lambda/(\lambda + \rho_0^2) \le 1$.",
            sp.simplify(
                telescoping
                - power_of_step
                - variance * later * (rho - later) / ((variance + rho * later) * (variance + later**2))
            ),
        ),
        Step(
            r"One step from infinite noise is one iteration.",
            sp.limit(power_of_step.subs(later, 0), rho, sp.oo) - 1,
        ),
        Step(
            r"Fine steps, $\lambda\rho\,d\rho/(\lambda + \rho^2)^2$, are half of one.",
            sp.integrate(variance * share / (variance + share**2) ** 2, (share, 0, sp.oo)) - sp.Rational(1, 2),
        ),
    ),
    formula=power_of_step.subs(later, rho * ratio)
    + power_of_step.subs({rho: rho * ratio, later: 0}, simultaneous=True),
    domain={variance: (0.01, 10.0), rho: (0.1, 100.0), ratio: (0.01, 0.9)},
    numeric=numeric,
)
