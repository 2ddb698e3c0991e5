"""A linear network with a skip connection."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step
from theory.derivations.one_layer_variance import formula as one_layer_variance
from theory.derivations.one_layer_variance import start as one_layer_start

variance, sigma, low, high, eta, tau = sp.symbols("lambda sigma sigma_0 sigma_T eta tau", positive=True)
skip, inner_start, inner = sp.symbols("kappa Q f", real=True)
c = 2 * eta * tau

total = variance + sigma**2
optimum = variance / total
psi = skip + inner
loss = variance - 2 * variance * psi + total * psi**2
gain = optimum + (skip + inner_start - optimum) * sp.exp(-c * total)
identity_start = gain.subs({skip: 1, inner_start: 0})
log_phi = sp.log(total) / 2 - sp.Ei(-c * total) / 2


def numeric(
    lam: float, skip_gain: float, initial: float, learning_rate: float, time: float, sigma_min: float, sigma_max: float
) -> jax.Array:
    from theory.definitions.objectives import Objective
    from theory.definitions.preconditionings import ConstantSkip
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    process, objective = EDM(sigma_min, sigma_max), Objective(preconditioning=ConstantSkip(skip_gain))
    denoiser = OneLayer(Spectrum.from_variances(jnp.array([lam])), process, initial, learning_rate, objective)
    return denoiser.generated_variance(jnp.asarray(time))[0]


DERIVATION = Derivation(
    name="residual_one_layer",
    title="One layer with a skip connection",
    source="Wang & Pehlevan 2025, App. D.1.2",
    statement=(
        r"$D = \kappa x + W'x + b$ trains as one layer that starts at $\kappa + Q'$. From the identity ($\kappa = 1$, "
        r"$W' = 0$) $\Phi = \sqrt{\lambda + \sigma^2}\,e^{-\frac12\mathrm{Ei}(-2\eta\tau(\lambda + \sigma^2))}$."
    ),
    steps=(
        Step(
            r"$W'(\tau) = \psi - \kappa$ satisfies gradient flow on $W'$.",
            sp.diff(gain - skip, tau) + eta * sp.diff(loss, inner).subs(inner, gain - skip),
        ),
        Step(r"It starts at $Q'$.", (gain - skip).subs(tau, 0) - inner_start),
        Step(
            r"From the identity: $d\ln\Phi/d\sigma = (1 - \psi)/\sigma$.",
            sp.diff(log_phi, sigma) - (1 - identity_start) / sigma,
        ),
    ),
    formula=one_layer_variance.subs(one_layer_start, skip + inner_start),
    domain={
        variance: (0.01, 10.0),
        skip: (-0.5, 1.5),
        inner_start: (-0.5, 0.5),
        eta: (0.1, 2.0),
        tau: (0.01, 10.0),
        low: (0.002, 0.1),
        high: (5.0, 80.0),
    },
    numeric=numeric,
)
