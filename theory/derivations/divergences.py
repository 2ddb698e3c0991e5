"""Distances between two Gaussians of commuting covariance, one mode at a time."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

data, generated = sp.symbols("lambda lambdatilde", positive=True)
shift, z = sp.symbols("delta z", real=True)
rho = sp.Symbol("rho", real=True)

divergence = (generated / data - 1 - sp.log(generated / data) + shift**2 / data) / 2
reverse = (data / generated - 1 - sp.log(data / generated) + shift**2 / generated) / 2
squared_transport = shift**2 + (sp.sqrt(generated) - sp.sqrt(data)) ** 2


def log_density(x: sp.Expr, mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    return -((x - mean) ** 2) / (2 * variance) - sp.log(2 * sp.pi * variance) / 2


def average(expression: sp.Expr) -> sp.Expr:
    """E over a standard normal z of a polynomial of degree two."""
    moments = {0: 1, 1: 0, 2: 1}
    return sum((value * moments[power] for (power,), value in sp.Poly(expression, z).terms()), sp.S.Zero)


def relative_entropy(mean: sp.Expr, variance: sp.Expr, other_mean: sp.Expr, other_variance: sp.Expr) -> sp.Expr:
    x = mean + sp.sqrt(variance) * z
    return average(sp.expand(log_density(x, mean, variance) - log_density(x, other_mean, other_variance)))


transport = shift + sp.sqrt(generated / data) * z * sp.sqrt(data)  # the map of x = √λ z
normal = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def numeric(lam: float, lam_generated: float, displacement: float) -> jax.Array:
    """An untrained network, W and b chosen so that sampling from σ = 2 to 1 gives this variance and this mean."""
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.distances import kl_divergence
    from theory.spectral_law.parametrisations.one_layer_with_bias import OneLayerWithBias

    contraction = jnp.log(4 / lam_generated) / (2 * jnp.log(2.0))  # 1 - W, with λ̃ = 4·2^{-2(1 - W)}
    bias = displacement * contraction / (1 - 2**-contraction)
    spectrum = Spectrum.from_variances(jnp.array([lam]))
    denoiser = OneLayerWithBias(spectrum, EDM(1.0, 2.0), 1 - contraction, 1.0, initial_bias=bias)
    return kl_divergence(denoiser, 0.0)


DERIVATION = Derivation(
    name="divergences",
    title="KL both ways and Wasserstein-2",
    source="Wang & Pehlevan 2025, App. C.6",
    statement=(
        r"$KL(\tilde p\|p) = \frac12[\tilde\lambda/\lambda - 1 - \ln(\tilde\lambda/\lambda) + \delta^2/\lambda]$ per "
        r"mode, the reverse with $\lambda\leftrightarrow\tilde\lambda$, and $W_2^2 = \delta^2 + (\sqrt{\tilde\lambda} "
        r"- \sqrt\lambda)^2$, with $\delta$ the difference of the means."
    ),
    steps=(
        Step(
            r"Moments of the normal law: $E1 = 1$, $Ez = 0$, $Ez^2 = 1$.",
            sp.Matrix([sp.integrate(z**n * normal, (z, -sp.oo, sp.oo)) - (n != 1) for n in range(3)]),
        ),
        Step(
            r"$E_{\tilde p}\ln(\tilde p/p)$ is the stated KL.",
            sp.expand_log(relative_entropy(shift, generated, sp.S.Zero, data) - divergence),
        ),
        Step(
            r"$E_p\ln(p/\tilde p)$ is the stated reverse.",
            sp.expand_log(relative_entropy(sp.S.Zero, data, shift, generated) - reverse),
        ),
        Step(
            r"A Gaussian coupling of correlation $\rho$ costs $\delta^2 + \lambda + \tilde\lambda - "
            r"2\rho\sqrt{\lambda\tilde\lambda}$ (Cauchy-Schwarz: $\rho\leq1$ for every coupling), least at $\rho = 1$.",
            (shift**2 + data + generated - 2 * rho * sp.sqrt(data * generated)).subs(rho, 1) - squared_transport,
        ),
        Step(
            r"The increasing map $x\to\delta + \sqrt{\tilde\lambda/\lambda}\,x$ attains it.",
            average(sp.expand((transport - sp.sqrt(data) * z) ** 2)) - squared_transport,
        ),
        Step(
            r"All three vanish for equal laws.",
            sp.Matrix([divergence, reverse, squared_transport]).subs({shift: 0, generated: data}),
        ),
    ),
    formula=divergence,
    domain={data: (0.1, 10.0), generated: (0.1, 10.0), shift: (-2.0, 2.0)},
    numeric=numeric,
)
