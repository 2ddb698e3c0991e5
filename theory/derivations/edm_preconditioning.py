"""The one-layer denoiser inside Karras et al.'s preconditioning and weight."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, sigma, data_scale, eta, tau = sp.symbols("lambda sigma sigma_d eta tau", positive=True)
start, network = sp.symbols("Q f", real=True)

total = variance + sigma**2
scale = sigma**2 + data_scale**2
skip, outer, inner = data_scale**2 / scale, sigma * data_scale / sp.sqrt(scale), 1 / sp.sqrt(scale)
optimum = variance / total
psi = skip + outer * inner * network
loss = (variance - 2 * variance * psi + total * psi**2) / outer**2
initial_gain = skip + outer * inner * start
gain = optimum + (initial_gain - optimum) * sp.exp(-2 * eta * tau * total / scale)
inside = (gain - skip) / (outer * inner)


def numeric(
    lam: float, noise_level: float, spread: float, learning_rate: float, initial: float, time: float
) -> jax.Array:
    from theory.definitions.objectives import Objective
    from theory.definitions.preconditionings import EDMPreconditioning
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.definitions.weights import EDMWeight
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    objective = Objective(weight=EDMWeight(spread), preconditioning=EDMPreconditioning(spread))
    denoiser = OneLayer(Spectrum.from_variances(jnp.array([lam])), EDM(), initial, learning_rate, objective)
    return denoiser.gain(jnp.asarray(time), jnp.asarray(noise_level))[0]


DERIVATION = Derivation(
    name="edm_preconditioning",
    title="EDM preconditioning",
    source="this project, for Karras et al. 2022, Tab. 1",
    statement=(
        r"$D(x) = c_{skip}x + c_{out}F(c_{in}x)$ with linear $F$ and weight $1/c_{out}^2$ has $\psi = \psi^* + "
        r"(\psi(0) - \psi^*)\exp[-2\eta\tau(\lambda + \sigma^2)/(\sigma^2 + \sigma_d^2)]$; $\psi(0) = c_{skip}$ for "
        r"$F(0) = 0$."
    ),
    steps=(
        Step(
            r"The gain of $F$ satisfies gradient flow on its own weights.",
            sp.diff(inside, tau) + eta * sp.diff(loss, network).subs(network, inside),
        ),
        Step(r"It starts at $Q$.", inside.subs(tau, 0) - start),
        Step(r"$D$ ends at the optimum $\lambda/(\lambda + \sigma^2)$.", sp.limit(gain, tau, sp.oo) - optimum),
        Step(
            r"$1/c_{out}^2 = (\sigma^2 + \sigma_d^2)/(\sigma\sigma_d)^2$.",
            1 / outer**2 - (sigma**2 + data_scale**2) / (sigma * data_scale) ** 2,
        ),
        Step(
            r"A mode of variance $\sigma_d^2$ trains at the same rate at every noise level,",
            sp.diff((total / scale).subs(variance, data_scale**2), sigma),
        ),
        Step(
            r"and starts at its optimum if $F(0) = 0$.",
            (initial_gain - optimum).subs({start: 0, variance: data_scale**2}),
        ),
    ),
    formula=gain,
    domain={
        variance: (0.01, 10.0),
        sigma: (0.01, 10.0),
        data_scale: (0.2, 2.0),
        eta: (0.1, 2.0),
        start: (-1.0, 2.0),
        tau: (0.01, 10.0),
    },
    numeric=numeric,
)
