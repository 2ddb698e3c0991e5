"""Gradient flow of the one-layer denoiser at one noise level."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step, gradient

variance, sigma, eta, tau = sp.symbols("lambda sigma eta tau", positive=True)
start, psi = sp.symbols("Q psi", real=True)

total = variance + sigma**2
optimum = variance / total
gain = optimum + (start - optimum) * sp.exp(-2 * eta * tau * total)
loss = variance - 2 * variance * psi + total * psi**2

# Two modes, a full matrix W: the entries relax independently of each other.
variances = sp.diag(*sp.symbols("lambda_1:3", positive=True))
matrix = sp.Matrix(2, 2, sp.symbols("W_11 W_12 W_21 W_22", real=True))
second_moment = variances + sigma**2 * sp.eye(2)
matrix_loss = (matrix * second_moment * matrix.T - 2 * matrix * variances + variances).trace()
best = variances * second_moment.inv()
rates = 2 * eta * second_moment
# Column j relaxes at its own rate: a diagonal matrix from the right.
flowing = best + (matrix - best) * sp.diag(*(sp.exp(-rates[k, k] * tau) for k in range(2)))


def numeric(lam: float, noise_level: float, learning_rate: float, initial: float, time: float) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    denoiser = OneLayer(Spectrum.from_variances(jnp.array([lam])), EDM(), initial, learning_rate)
    return denoiser.gain(jnp.asarray(time), jnp.asarray(noise_level))[0]


DERIVATION = Derivation(
    name="gradient_flow",
    title="Gradient flow of one layer",
    source="Wang & Pehlevan 2025, Eq. 7",
    statement=(
        r"$d\psi/d\tau = -\eta\,dL/d\psi$ with $L = \lambda - 2\lambda\psi + (\lambda + \sigma^2)\psi^2$ has the "
        r"solution $\psi = \psi^* + (Q - \psi^*)e^{-2\eta\tau(\lambda + \sigma^2)}$; entry $kj$ of a full matrix "
        r"relaxes at the rate of its column, $2\eta(\lambda_j + \sigma^2)$."
    ),
    steps=(
        Step(r"The solution satisfies the equation.", sp.diff(gain, tau) + eta * sp.diff(loss, psi).subs(psi, gain)),
        Step(r"It starts at $Q$.", gain.subs(tau, 0) - start),
        Step(r"It ends at $\psi^*$.", sp.limit(gain, tau, sp.oo) - optimum),
        Step(
            r"Gradient of the matrix loss: $2(W(\Sigma + \sigma^2) - \Sigma)$.",
            gradient(matrix_loss, matrix) - 2 * (matrix * second_moment - variances),
        ),
        Step(
            r"The matrix solution satisfies its equation, for two modes.",
            flowing.diff(tau) + 2 * eta * (flowing * second_moment - variances),
        ),
    ),
    formula=gain,
    domain={variance: (0.01, 10.0), sigma: (0.01, 10.0), eta: (0.1, 2.0), start: (-1.0, 2.0), tau: (0.01, 10.0)},
    numeric=numeric,
)
