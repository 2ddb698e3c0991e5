"""The exponent of the spectral law is set by the loss weight: τ* ∝ λ^-(1-a) for w = σ^-2a."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, sigma, eta, tau, factor, u = sp.symbols("lambda sigma eta tau k u", positive=True)
start, exponent = sp.symbols("Q a", real=True)

optimum = variance / (variance + sigma**2)
rate = 2 * eta * sigma ** (-2 * exponent) * (variance + sigma**2)
gain = optimum + (start - optimum) * sp.exp(-rate * tau)
rescaled = {variance: factor * variance, sigma: sp.sqrt(factor) * sigma, tau: factor ** (exponent - 1) * tau}
# In units of the mode, σ = √λ u and θ = τ λ^(1-a).
scaled_time = sp.Symbol("theta", positive=True)
emergence = scaled_time * variance ** (exponent - 1)


def _same_exponential(difference: sp.Expr) -> sp.Expr:
    """Powers combined, so that equal exponents meet."""
    return sp.powsimp(sp.expand_power_base(sp.powdenest(difference, force=True)))


def numeric(
    lam: float, noise_level: float, learning_rate: float, initial: float, weight_exponent: float, time: float
) -> jax.Array:
    from theory.definitions.objectives import Objective
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.definitions.weights import PowerWeight
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    objective = Objective(weight=PowerWeight(weight_exponent))
    denoiser = OneLayer(Spectrum.from_variances(jnp.array([lam])), EDM(), initial, learning_rate, objective)
    return denoiser.gain(jnp.asarray(time), jnp.asarray(noise_level))[0]


DERIVATION = Derivation(
    name="scaling_of_weights",
    title="The loss weight sets the exponent of the spectral law",
    source="this project, for the loss weights of Wang & Pehlevan 2025, App. C.4",
    statement=(
        r"With $w = \sigma^{-2a}$ the gain is unchanged under $\lambda\to k\lambda$, $\sigma^2\to k\sigma^2$, $\tau\to"
        r"k^{a-1}\tau$. In $u = \sigma/\sqrt\lambda$ it depends on training time through $\theta = \tau\lambda^{1-a}$ "
        r"only, and so does $\tilde\lambda/\lambda$ in the limit $\sigma_0\to0$, $\sigma_T\to\infty$, $Q = 0$: every "
        r"emergence time is $\tau^*\propto\lambda^{-(1-a)}$."
    ),
    steps=(
        Step(
            r"The gain solves $\dot\psi = -2\eta\sigma^{-2a}[(\lambda + \sigma^2)\psi - \lambda]$.",
            sp.diff(gain, tau) + 2 * eta * sigma ** (-2 * exponent) * ((variance + sigma**2) * gain - variance),
        ),
        Step(r"The optimum is unchanged under the scaling.", optimum.subs(rescaled, simultaneous=True) - optimum),
        Step(
            r"Rate times time is unchanged under the scaling.",
            _same_exponential((rate * tau).subs(rescaled, simultaneous=True) / (rate * tau)) - 1,
        ),
        Step(
            r"In $u$ and $\theta$ the gain no longer contains $\lambda$: optimum,",
            optimum.subs(sigma, sp.sqrt(variance) * u) - 1 / (1 + u**2),
        ),
        Step(
            r"and exponent.",
            _same_exponential(
                (rate * tau).subs(sigma, sp.sqrt(variance) * u).subs(tau, emergence)
                / (2 * eta * u ** (-2 * exponent) * (1 + u**2) * scaled_time)
            )
            - 1,
        ),
        Step(
            r"Sampling, $d\ln x/d\ln\sigma = 1 - \psi$, is invariant: $d\ln\sigma = d\ln u$.",
            sp.diff(sp.log(sp.sqrt(variance) * u), u) - 1 / u,
        ),
        Step(
            r"A level of $\tilde\lambda/\lambda$ is crossed at one $\theta$, so $d\ln\tau^*/d\ln\lambda = -(1-a)$.",
            variance * sp.diff(sp.log(emergence), variance) + (1 - exponent),
        ),
    ),
    formula=gain,
    domain={
        variance: (0.01, 10.0),
        sigma: (0.1, 10.0),
        eta: (0.1, 2.0),
        start: (-1.0, 2.0),
        exponent: (0.1, 1.25),
        tau: (0.01, 1.0),
    },
    numeric=numeric,
)
