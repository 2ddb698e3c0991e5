"""One layer that learns the velocity of flow matching: optimum, exact flow, generated variance."""

from typing import Any

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, t, eta, tau, c = sp.symbols("lambda t eta tau c", positive=True)
start = sp.Symbol("Q", real=True)
mean, sample = sp.symbols("mu x_init", real=True)

g = t**2 * variance + (1 - t) ** 2
optimum = sp.diff(g, t) / (2 * g)
bias = (1 - t * optimum) * mean
gain = optimum + (start - optimum) * sp.exp(-c * g)
trajectory = t * mean + sp.sqrt(g) * sample

# Antiderivative of 2ψ in t.
centre = (1 + variance) * t - 1
error_functions = sp.sqrt(sp.pi / (c * (1 + variance))) * sp.exp(-c * variance / (1 + variance))
antiderivative = sp.log(g) - sp.Ei(-c * g) + start * error_functions * sp.erf(sp.sqrt(c / (1 + variance)) * centre)
log_variance = (
    sp.log(variance)
    + sp.Ei(-c)
    - sp.Ei(-c * variance)
    + start * error_functions * (sp.erf(sp.sqrt(c / (1 + variance))) + sp.erf(variance * sp.sqrt(c / (1 + variance))))
)


def _same_exponential(expression: sp.Expr) -> Any:
    """e^{-cg} as one exponential of the completed square: c g = c λ/(1+λ) + c centre²/(1+λ)."""
    square = sp.exp(-c * variance / (1 + variance)) * sp.exp(-c * centre**2 / (1 + variance))
    return expression.subs(sp.exp(-c * g), square)


def _between(function: Any, start: int, end: int) -> Any:
    return function.subs(t, end) - function.subs(t, start)


def numeric(lam: float, initial: float, learning_rate: float, time: float) -> jax.Array:
    from theory.definitions.processes import FlowMatching
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    denoiser = OneLayer(Spectrum.from_variances(jnp.array([lam])), FlowMatching(), initial, learning_rate)
    return denoiser.generated_variance(jnp.asarray(time))[0]


DERIVATION = Derivation(
    name="flow_matching_one_layer",
    title="Flow matching with one layer",
    source="Wang & Pehlevan 2025, App. H; the closed form is this project's",
    statement=(
        r"$x_t = tx_1 + (1-t)x_0$, $g = t^2\lambda + (1-t)^2$: $\psi^* = \dot g/2g$, $b^* = (1 - t\psi^*)\mu$, $x(t) = "
        r"t\mu + \sqrt g\,x(0)$, and one layer generates $\tilde\lambda = \lambda\exp\{\mathrm{Ei}(-c) - "
        r"\mathrm{Ei}(-c\lambda) + Q\sqrt{\pi/c(1+\lambda)}\,e^{-c\lambda/(1+\lambda)}[\mathrm{erf}\sqrt{c/(1+"
        r"\lambda)} + \mathrm{erf}(\lambda\sqrt{c/(1+\lambda)})]\}$, $c = 2\eta\tau$."
    ),
    steps=(
        Step(r"$\psi^* = [t\lambda - (1-t)]/g$ is $\dot g/2g$.", (t * variance - (1 - t)) / g - optimum),
        Step(
            r"$x(t) = t\mu + \sqrt g\,x(0)$ solves $\dot x = \psi^*x + b^*$.",
            sp.diff(trajectory, t) - optimum * trajectory - bias,
        ),
        Step(r"$\psi$ relaxes at the rate $cg$.", sp.diff(gain, c) + g * (gain - optimum)),
        Step(
            r"$g = \lambda/(1+\lambda) + [(1+\lambda)t - 1]^2/(1+\lambda)$.",
            g - variance / (1 + variance) - centre**2 / (1 + variance),
        ),
        Step(
            r"Antiderivative of $2\psi$: $\ln g - \mathrm{Ei}(-cg)$ plus an error function.",
            _same_exponential(sp.diff(antiderivative, t)) - _same_exponential(2 * gain),
        ),
        Step(
            r"Between $t = 0$ and $t = 1$ it is $\ln\tilde\lambda$.",
            _between(antiderivative, 0, 1) - log_variance,
        ),
        Step(
            r"$\tau = 0$: $\tilde\lambda = e^{2Q}$: the antiderivative of $2Q$.",
            sp.diff(2 * start * t, t) - 2 * gain.subs(c, 0),
        ),
        Step(
            r"$\tau\to\infty$: $\tilde\lambda\to\lambda$.",
            sp.limit(log_variance.subs(start, 0), c, sp.oo) - sp.log(variance),
        ),
    ),
    formula=sp.exp(log_variance).subs(c, 2 * eta * tau),
    domain={variance: (0.01, 10.0), start: (-1.0, 1.5), eta: (0.1, 2.0), tau: (0.01, 10.0)},
    numeric=numeric,
)
