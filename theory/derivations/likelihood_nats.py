"""What one layer in training loses of the likelihood: I-MMSE for the best denoiser, closed form for the excess."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, sigma, low, high, eta, tau, b = sp.symbols("lambda sigma sigma_0 sigma_T eta tau b", positive=True)
start, gain = sp.symbols("Q psi", real=True)

power = variance + sigma**2
optimum = variance / power
loss = variance - 2 * gain * variance + gain**2 * power
information = sp.log(1 + variance / sigma**2) / 2
excess_rate = (start - optimum) ** 2 * sp.exp(-b * power) * power / sigma**3


def exp1(x: sp.Expr) -> sp.Expr:
    return -sp.Ei(-x)


def exp2(x: sp.Expr) -> sp.Expr:
    return sp.exp(-x) - x * exp1(x)


# What is left above σ.
above = (
    sp.exp(-b * variance)
    * (variance * (1 - start) ** 2 * exp2(b * sigma**2) / sigma**2 + (start**2 - 1) * exp1(b * sigma**2))
    + exp1(b * power)
) / 2
excess = above.subs(sigma, low) - above.subs(sigma, high)


def numeric(
    lam: float, initial: float, learning_rate: float, time: float, sigma_min: float, sigma_max: float
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.sampling_questions.likelihood import excess_nats
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    spectrum = Spectrum.from_variances(jnp.array([lam]))
    return excess_nats(OneLayer(spectrum, EDM(sigma_min, sigma_max), initial, learning_rate), time)[0]


DERIVATION = Derivation(
    name="likelihood_nats",
    title="Nats that one layer loses in the middle of its training",
    source="this project; I-MMSE: Guo, Shamai & Verdú 2005",
    statement=(
        r"$\int\mathrm E(x_0 - \psi x)^2\sigma^{-3}d\sigma$ is the information "
        r"$\frac12\ln[(1 + \lambda/\sigma_0^2)/(1 + \lambda/\sigma_T^2)]$ and the excess $\frac12[e^{-b\lambda}"
        r"(\lambda(1 - Q)^2E_2(b\sigma^2)/\sigma^2 + (Q^2 - 1)E_1(b\sigma^2)) + E_1(b(\lambda + \sigma^2))]"
        r"_{\sigma = \sigma_T}^{\sigma_0}$ for $\psi = \psi^* + (Q - \psi^*)e^{-b(\lambda + \sigma^2)/2}$, "
        r"$b = 4\eta\tau$."
    ),
    steps=(
        Step(
            r"The error is that of the best gain and $(\psi - \psi^*)^2(\lambda + \sigma^2)$.",
            loss - variance * sigma**2 / power - (gain - optimum) ** 2 * power,
        ),
        Step(
            r"I-MMSE: $-\frac d{d\sigma}\frac12\ln(1 + \lambda/\sigma^2) = \sigma^{-3}\lambda\sigma^2/(\lambda + "
            r"\sigma^2)$.",
            sp.diff(information, sigma) + variance * sigma**2 / power / sigma**3,
        ),
        Step(
            r"The bracket falls with $\sigma$ as fast as the excess is made.",
            sp.expand(sp.expand(sp.diff(above, sigma) + excess_rate), power_exp=True),
        ),
        Step(
            r"Nothing is left above $\sigma\to\infty$.",
            sp.limit(above.subs({b: 1, variance: 1}), sigma, sp.oo),
        ),
        Step(
            r"$\sigma_0\to0$: $\sigma_0^2$ times the excess tends to $(1 - Q)^2e^{-b\lambda}\lambda/2$.",
            sp.limit(sp.expand(sigma**2 * above), sigma, 0) - (1 - start) ** 2 * sp.exp(-b * variance) * variance / 2,
        ),
    ),
    formula=excess.subs(b, 4 * eta * tau),
    domain={
        variance: (0.05, 2.0),
        start: (-0.5, 1.5),
        eta: (0.1, 1.0),
        tau: (0.01, 1.0),
        low: (0.002, 0.1),
        high: (5.0, 80.0),
    },
    numeric=numeric,
)
