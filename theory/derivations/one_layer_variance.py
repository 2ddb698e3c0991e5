"""Variance that the one-layer EDM denoiser generates (Prop. 4.2), in the printed and in a stable form."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Ein, Step

variance, sigma, low, high, eta, tau, c = sp.symbols("lambda sigma sigma_0 sigma_T eta tau c", positive=True)
start = sp.Symbol("Q", real=True)

total = variance + sigma**2
optimum = variance / total
gain = optimum + (start - optimum) * sp.exp(-c * total)

log_phi = sp.log(total) / 2 + ((1 - start) * sp.exp(-c * variance) * sp.Ei(-c * sigma**2) - sp.Ei(-c * total)) / 2


def log_variance(level: sp.Expr) -> sp.Expr:
    """ln λ̃ for sampling that stops at `level`, the stable form."""
    captured = 2 * sp.log(level / high) - Ein(c * level**2) + Ein(c * high**2)
    relaxed = Ein(c * (level**2 + variance)) - Ein(c * (high**2 + variance))
    return 2 * sp.log(high) + (1 - start) * sp.exp(-c * variance) * captured + relaxed


printed_form = 2 * sp.log(high) + 2 * (log_phi.subs(sigma, low) - log_phi.subs(sigma, high))
formula = sp.exp(log_variance(low)).subs(c, 2 * eta * tau)
large = sp.Symbol("x", positive=True)


def numeric(
    lam: float, initial: float, learning_rate: float, time: float, sigma_min: float, sigma_max: float
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    process = EDM(sigma_min, sigma_max)
    denoiser = OneLayer(Spectrum.from_variances(jnp.array([lam])), process, initial, learning_rate)
    return denoiser.generated_variance(jnp.asarray(time))[0]


DERIVATION = Derivation(
    name="one_layer_variance",
    title="Generated variance of one layer",
    source="Wang & Pehlevan 2025, Prop. 4.2",
    statement=(
        r"$\tilde\lambda = \sigma_T^2\Phi(\sigma_0)^2/\Phi(\sigma_T)^2$ with $\ln\Phi(\sigma) = \frac12\ln(\lambda + "
        r"\sigma^2) + \frac12[(1-Q)e^{-c\lambda}\mathrm{Ei}(-c\sigma^2) - \mathrm{Ei}(-c(\lambda + \sigma^2))]$, "
        r"$c = 2\eta\tau$; without cancellation $\ln\tilde\lambda = 2\ln\sigma_T + (1-Q)e^{-c\lambda}[\ln\frac"
        r"{\sigma_0^2}{\sigma_T^2} - \mathrm{Ein}(c\sigma_0^2) + \mathrm{Ein}(c\sigma_T^2)] + \mathrm{Ein}(c(\sigma_0^2"
        r" + \lambda)) - \mathrm{Ein}(c(\sigma_T^2 + \lambda))$."
    ),
    steps=(
        Step(
            r"$d\ln x/d\sigma = (1 - \psi)/\sigma$ is solved by $x\propto\Phi(\sigma)$.",
            sp.expand(sp.diff(log_phi, sigma) - (1 - gain) / sigma, power_exp=True),
        ),
        Step(
            r"The stable form has the same derivative, $2(1 - \psi)/\sigma_0$,",
            sp.expand((sp.diff(log_variance(sigma), sigma) - 2 * (1 - gain) / sigma), power_exp=True),
        ),
        Step(r"and the same value $2\ln\sigma_T$ where sampling starts.", log_variance(high) - 2 * sp.log(high)),
        Step(
            r"Directly: the two forms agree by $\mathrm{Ein}(x) = \gamma + \ln x - \mathrm{Ei}(-x)$.",
            sp.expand(sp.expand_log(log_variance(low).rewrite(sp.Ei) - printed_form)),
        ),
        Step(
            r"That identity: equal derivatives,",
            sp.expand(sp.diff(Ein(large) - sp.EulerGamma - sp.log(large) + sp.Ei(-large), large)),
        ),
        Step(
            r"and $\mathrm{Ei}(-x) - \ln x\to\gamma$ as $x\to0$.",
            sp.limit(sp.Ei(-large) - sp.log(large), large, 0) - sp.EulerGamma,
        ),
        Step(
            r"$\tau = 0$: $\tilde\lambda = \sigma_T^2(\sigma_0/\sigma_T)^{2(1-Q)}$.",
            sp.expand_log(log_variance(low).subs(c, 0) - 2 * sp.log(high) - 2 * (1 - start) * sp.log(low / high)),
        ),
        Step(
            r"$\tau\to\infty$: $\tilde\lambda = \sigma_T^2(\lambda + \sigma_0^2)/(\lambda + \sigma_T^2)$.",
            sp.limit(log_phi, c, sp.oo) - sp.log(total) / 2,
        ),
    ),
    formula=formula,
    domain={
        variance: (0.01, 10.0),
        start: (-0.5, 1.5),
        eta: (0.1, 2.0),
        tau: (0.01, 10.0),
        low: (0.002, 0.1),
        high: (5.0, 80.0),
    },
    numeric=numeric,
)
