"""Loss weight 1/σ²: closed form of the generated variance, and no spectral bias."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, sigma, low, high, eta, tau, c = sp.symbols("lambda sigma sigma_0 sigma_T eta tau c", positive=True)
start = sp.Symbol("Q", real=True)

ratio = variance / sigma**2
optimum = variance / (variance + sigma**2)
gain = optimum + (start - optimum) * sp.exp(-c * (1 + ratio))
log_phi = sp.log(variance + sigma**2) / 2 + (start * sp.exp(-c) * sp.Ei(-c * ratio) - sp.Ei(-c * (1 + ratio))) / 2
log_variance = 2 * sp.log(high) + 2 * (log_phi.subs(sigma, low) - log_phi.subs(sigma, high))
from_zero = log_phi.subs(start, 0)
unbiased = variance * sp.exp(sp.Ei(-c))


def numeric(
    lam: float, initial: float, learning_rate: float, time: float, sigma_min: float, sigma_max: float
) -> jax.Array:
    from theory.definitions.objectives import Objective
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.definitions.weights import PowerWeight
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    process, objective = EDM(sigma_min, sigma_max), Objective(weight=PowerWeight(1.0))
    denoiser = OneLayer(Spectrum.from_variances(jnp.array([lam])), process, initial, learning_rate, objective)
    return denoiser.generated_variance(jnp.asarray(time))[0]


DERIVATION = Derivation(
    name="inverse_noise_weight",
    title=r"Weight $1/\sigma^2$ removes the spectral bias",
    source="this project, for the loss weights of Wang & Pehlevan 2025, App. C.4",
    statement=(
        r"With $w = \sigma^{-2}$ one layer generates $\tilde\lambda = \sigma_T^2\Phi(\sigma_0)^2/\Phi(\sigma_T)^2$, "
        r"$\ln\Phi(s) = \frac12\ln(\lambda + s^2) + \frac12[Qe^{-c}\mathrm{Ei}(-c\lambda/s^2) - "
        r"\mathrm{Ei}(-c(1 + \lambda/s^2))]$, $c = 2\eta\tau$. For $Q = 0$, $\sigma_0\to0$, $\sigma_T\to\infty$ "
        r"it is $\lambda e^{\mathrm{Ei}(-c)}$: the same share of every mode."
    ),
    steps=(
        Step(
            r"The gain relaxes at the rate $c(\lambda + \sigma^2)/\sigma^2$.",
            sp.diff(gain, c) + (variance + sigma**2) / sigma**2 * (gain - optimum),
        ),
        Step(
            r"$d\ln\Phi/d\sigma = (1 - \psi)/\sigma$.",
            sp.expand(sp.diff(log_phi, sigma) - (1 - gain) / sigma, power_exp=True),
        ),
        Step(
            r"$Q = 0$, $\sigma_0\to0$: $\ln\Phi(\sigma_0)\to\frac12\ln\lambda$.",
            sp.limit(from_zero, sigma, 0) - sp.log(variance) / 2,
        ),
        Step(
            r"$\sigma_T\to\infty$: $2\ln\sigma_T - 2\ln\Phi(\sigma_T)\to\mathrm{Ei}(-c)$.",
            sp.limit(-sp.log(1 + variance / sigma**2) + sp.Ei(-c * (1 + ratio)), sigma, sp.oo) - sp.Ei(-c),
        ),
        Step(
            r"$\tilde\lambda/\lambda = e^{\mathrm{Ei}(-c)}$ does not depend on $\lambda$.",
            sp.diff(unbiased / variance, variance),
        ),
    ),
    formula=sp.exp(log_variance).subs(c, 2 * eta * tau),
    domain={
        variance: (0.01, 10.0),
        start: (-0.5, 1.5),
        eta: (0.1, 2.0),
        tau: (0.01, 10.0),
        low: (0.02, 0.1),
        high: (5.0, 80.0),
    },
    numeric=numeric,
)
