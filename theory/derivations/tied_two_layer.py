"""Two tied layers (Prop. 5.1): logistic weights, generated variance, emergence time."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, sigma, low, high, eta, tau, start = sp.symbols("lambda sigma sigma_0 sigma_T eta tau Q", positive=True)
factor = sp.Matrix(sp.symbols("q_1 q_2", real=True))
psi = sp.Symbol("psi", positive=True)

total = variance + sigma**2
decay = sp.exp(-8 * eta * variance * tau)
gain = start / (decay + total * start * (1 - decay) / variance)

length = factor.dot(factor)
loss = variance - 2 * variance * length + total * length**2
velocity = -eta * sp.Matrix([sp.diff(loss, q) for q in factor])

# ψ = Q/(offset + slope σ²)
offset = decay + start * (1 - decay)
slope = start * (1 - decay) / variance


def log_variance(level: sp.Expr) -> sp.Expr:
    captured = 2 * sp.log(high / level) - sp.log((offset + slope * high**2) / (offset + slope * level**2))
    return 2 * sp.log(level) + start / offset * captured


harmonic = 2 * start * (variance / total) / (start + variance / total)


def numeric(
    lam: float, initial: float, learning_rate: float, time: float, sigma_min: float, sigma_max: float
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer

    process = EDM(sigma_min, sigma_max)
    denoiser = SymmetricTwoLayer(Spectrum.from_variances(jnp.array([lam])), process, initial, learning_rate)
    return denoiser.generated_variance(jnp.asarray(time))[0]


DERIVATION = Derivation(
    name="tied_two_layer",
    title="Two tied layers",
    source="Wang & Pehlevan 2025, Prop. 5.1",
    statement=(
        r"Gradient flow of $W = PP^\top$, aligned, obeys $\dot\psi = 8\eta\psi(\lambda - s\psi)$, $s = \lambda + "
        r"\sigma^2$, with the solution $\psi = Q/[E + sQ(1 - E)/\lambda]$, $E = e^{-8\eta\lambda\tau}$. It is half way "
        r"(harmonic mean) at $\tau^* = \ln2/8\eta\lambda$ for every $Q$ and $\sigma$, and generates "
        r"$\ln\tilde\lambda = \ln\sigma_0^2 + \frac Qa[\ln\frac{\sigma_T^2}{\sigma_0^2} - "
        r"\ln\frac{a + b\sigma_T^2}{a + b\sigma_0^2}]$ with $a = E + Q(1-E)$, $b = Q(1-E)/\lambda$."
    ),
    steps=(
        Step(
            r"With $\psi = |q|^2$ the flow of $q$ gives $\dot\psi = 8\eta\psi(\lambda - s\psi)$.",
            2 * factor.dot(velocity) - 8 * eta * length * (variance - total * length),
        ),
        Step(r"The solution satisfies it.", sp.diff(gain, tau) - 8 * eta * gain * (variance - total * gain)),
        Step(r"It starts at $Q$.", gain.subs(tau, 0) - start),
        Step(r"It ends at $\psi^* = \lambda/s$.", sp.limit(gain, tau, sp.oo) - variance / total),
        Step(
            r"At $\tau = \ln2/8\eta\lambda$ it is the harmonic mean of $Q$ and $\psi^*$.",
            gain.subs(tau, sp.log(2) / (8 * eta * variance)) - harmonic,
        ),
        Step(r"In $\sigma$ it is $Q/(a + b\sigma^2)$.", gain - start / (offset + slope * sigma**2)),
        Step(
            r"$\ln\tilde\lambda$ has the derivative $2(1 - \psi)/\sigma_0$",
            sp.diff(log_variance(sigma), sigma) - 2 * (1 - start / (offset + slope * sigma**2)) / sigma,
        ),
        Step(r"and is $\ln\sigma_T^2$ where sampling starts.", log_variance(high) - 2 * sp.log(high)),
    ),
    formula=sp.exp(log_variance(low)),
    domain={
        variance: (0.01, 10.0),
        start: (0.01, 1.5),
        eta: (0.1, 2.0),
        tau: (0.01, 3.0),
        low: (0.002, 0.1),
        high: (5.0, 80.0),
    },
    numeric=numeric,
)
