"""Two tied layers on flow matching: the velocity near the noise is negative and cannot be fitted."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, t, eta, tau, start = sp.symbols("lambda t eta tau Q", positive=True)
q = sp.Symbol("q", real=True)

g = t**2 * variance + (1 - t) ** 2
h = t * variance - (1 - t)
gain = h * start / ((h - g * start) * sp.exp(-8 * eta * h * tau) + g * start)
loss = g * q**4 - 2 * h * q**2
crossing = 1 / (1 + variance)
H = sp.Symbol("h", positive=True)
fixed = sp.Symbol("g", positive=True)


def gain_at(drive: sp.Expr, total: sp.Expr) -> sp.Expr:
    return drive * start / ((drive - total * start) * sp.exp(-8 * eta * drive * tau) + total * start)


def numeric(lam: float, time: float, learning_rate: float, initial: float, training_time: float) -> jax.Array:
    from theory.definitions.processes import FlowMatching
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer

    denoiser = SymmetricTwoLayer(Spectrum.from_variances(jnp.array([lam])), FlowMatching(), initial, learning_rate)
    return denoiser.gain(jnp.asarray(training_time), jnp.asarray(time))[0]


DERIVATION = Derivation(
    name="flow_matching_tied",
    title="Flow matching with two tied layers",
    source="Wang & Pehlevan 2025, App. H; the limit is this project's",
    statement=(
        r"$\psi = hQ/[(h - gQ)e^{-8\eta h\tau} + gQ]$ with $h = t\lambda - (1-t)$, $g = t^2\lambda + (1-t)^2$. Where "
        r"$h < 0$ it ends at 0 instead of $h/g$, so that training to the end generates $\lambda + 1$, not $\lambda$."
    ),
    steps=(
        Step(
            r"With $\psi = q^2$ gradient flow is $\dot\psi = 8\eta\psi(h - g\psi)$.",
            2 * q * (-eta * sp.diff(loss, q)) - 8 * eta * q**2 * (h - g * q**2),
        ),
        Step(r"The solution satisfies it.", sp.diff(gain, tau) - 8 * eta * gain * (h - g * gain)),
        Step(r"It starts at $Q$.", gain.subs(tau, 0) - start),
        Step(r"$h > 0$: it ends at $h/g$.", sp.limit(gain_at(H, fixed), tau, sp.oo) - H / fixed),
        Step(r"$h < 0$: it ends at 0.", sp.limit(gain_at(-H, fixed), tau, sp.oo)),
        Step(
            r"$h = \dot g/2$, and $h = 0$ at $t_0 = 1/(1 + \lambda)$.",
            sp.Matrix([sp.diff(g, t) / 2 - h, h.subs(t, crossing)]),
        ),
        Step(
            r"$\ln\tilde\lambda(\infty) = 2\int_{t_0}^1(h/g)dt = \ln[g(1)/g(t_0)]$", sp.diff(sp.log(g), t) - 2 * h / g
        ),
        Step(r"is $\ln(1 + \lambda)$.", g.subs(t, 1) / g.subs(t, crossing) - (1 + variance)),
    ),
    formula=gain,
    domain={variance: (0.01, 10.0), t: (0.05, 0.95), eta: (0.1, 1.0), start: (0.01, 1.5), tau: (0.01, 3.0)},
    numeric=numeric,
)
