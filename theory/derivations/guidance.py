"""Guidance of linear denoisers in training, its overshoot for classes that differ little, and the entropy it takes."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step
from theory.derivations.one_layer_variance import c, eta, high, low, sigma, start, tau, variance
from theory.derivations.one_layer_variance import log_variance as of_one_layer

between, mean, width, x = sp.symbols("m mu s_0 x", positive=True)
strength = sp.Symbol("w", real=True)
own, every = sp.symbols("psi_c psi_u", real=True)

guided_gain = (1 + strength) * own - strength * every
guided = (1 + strength) * sp.log(variance + sigma**2) - strength * sp.log(variance + between**2 + sigma**2)
optimal = [v / (v + sigma**2) for v in (variance, variance + between**2)]

# One layer from Q, σ_0 → 0 and σ_T → ∞: ln λ̃ = ln λ + (1-Q)e^{-cλ}(ln cσ_0² + γ) + E_1(cλ).
small_noise = (
    sp.log(variance) + (1 - start) * sp.exp(-c * variance) * (sp.log(c * low**2) + sp.EulerGamma) - sp.Ei(-c * variance)
)
y = c * variance
overshoot = 1 - sp.exp(-y) - (1 - start) * y * sp.exp(-y) * (sp.log(c * low**2) + sp.EulerGamma)

total = width**2 + sigma**2
towards = sp.tanh(mean * x / total)
guided_score = (mean - x) / total + strength * mean / total * (1 - towards)
share = (1 + towards) / 2  # p(+μ | x), odds e^{2μx/R}
ln_generated = (1 + strength) * of_one_layer(low) - strength * of_one_layer(low).subs(variance, variance + between**2)


def numeric(
    lam: float, deviation: float, strength: float, initial: float, rate: float, time: float, low: float, high: float
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.sampling_questions.guidance import guided_variance, spectrum_of_all_classes
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    own = Spectrum.from_variances(jnp.array([lam]))
    both = own, spectrum_of_all_classes(own, jnp.array([deviation**2]))
    conditional, unconditional = (OneLayer(spectrum, EDM(low, high), initial, rate) for spectrum in both)
    return guided_variance(conditional, unconditional, strength, time)[0]


DERIVATION = Derivation(
    name="guidance",
    title="Guidance of denoisers in training, and the entropy it takes from two clusters",
    source="this project; classifier-free guidance: Ho & Salimans 2022",
    statement=(
        r"$(1 + w)D_c - wD_u$ generates $\ln\tilde\lambda_w = (1 + w)\ln\tilde\lambda(\lambda) - "
        r"w\ln\tilde\lambda(\lambda + m^2)$ at any training time. For two clusters $\pm\mu$ of variance $s_0^2$, $R = "
        r"s_0^2 + \sigma^2$, guided to $+\mu$, $dH/d\sigma = \sigma E[1/R + w(\mu/R)^2\mathrm{sech}^2(\mu x/R)]$."
    ),
    steps=(
        Step(
            r"$d\ln x/d\ln\sigma = 1 - \psi_w$ is linear in what both do alone.",
            sp.expand(1 - guided_gain - (1 + strength) * (1 - own) + strength * (1 - every)),
        ),
        Step(
            r"Perfect denoisers: $(\lambda + \sigma^2)^{1+w}/(\lambda + m^2 + \sigma^2)^w$ along the way.",
            sp.diff(guided, sigma) - 2 / sigma * (1 - guided_gain.subs({own: optimal[0], every: optimal[1]})),
        ),
        Step(
            r"Small $m^2$: $\lambda\,d\ln\tilde\lambda/d\lambda = 1 - e^{-y} - (1 - Q)ye^{-y}"
            r"(\ln c\sigma_0^2 + \gamma)$.",
            sp.expand(variance * sp.diff(small_noise, variance) - overshoot),
        ),
        Step(
            r"Two clusters: the divergence of $-\sigma s_w$, which changes the entropy.",
            sp.diff(-sigma * guided_score, x)
            - sigma / total
            - strength * sigma * (mean / total) ** 2 * (1 - towards**2),
        ),
        Step(
            r"$(\mu/R)^2\mathrm{sech}^2$ is the covariance of the proxy score between the clusters.",
            sp.expand(4 * share * (1 - share) * mean**2 / total**2 - (mean / total) ** 2 * (1 - towards**2)),
        ),
    ),
    formula=sp.exp(ln_generated).subs(c, 2 * eta * tau),
    domain={
        variance: (0.01, 10.0),
        between: (0.1, 3.0),
        strength: (-1.0, 3.0),
        start: (-0.5, 1.5),
        eta: (0.1, 2.0),
        tau: (0.01, 10.0),
        low: (0.002, 0.1),
        high: (5.0, 80.0),
    },
    numeric=numeric,
)
