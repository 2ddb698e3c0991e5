"""Two untied layers: the stable form of the gain, smooth where the conserved imbalance vanishes."""

from typing import Any

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

eta, tau, h, s = sp.symbols("eta tau h s", positive=True)
p, q = sp.symbols("p q", real=True)
variance, sigma = sp.symbols("lambda sigma", positive=True)
start, imbalance = sp.symbols("Q c", real=True)

# Two scalar layers at the start of a step: flow, conserved quantity, reduced equation.
loss = s * (p * q) ** 2 - 2 * h * p * q
p_dot, q_dot = -eta * sp.diff(loss, p), -eta * sp.diff(loss, q)

# The linear system for N and D, in the initial p and q.
c = p**2 - q**2
psi_0 = p * q
m = p**2 + q**2  # √(c² + 4ψ_0²)
g = s * c / 2
R = sp.Symbol("R", positive=True)  # R² = h² + g²
C, S = sp.cosh(2 * eta * R * tau), sp.sinh(2 * eta * R * tau)
N = q * C + S / R * (h * p - g * q)
D = p * C + S / R * (h * q + g * p)
J = 1 + s / (2 * R) * (m * sp.sinh(4 * eta * R * tau) + (sp.cosh(4 * eta * R * tau) - 1) * (2 * h * psi_0 + g * c) / R)
N_dot, D_dot = 2 * eta * (h * D - g * N), 2 * eta * (h * N + g * D)

# The same three as bare symbols, with the derivatives that the steps establish.
n, d, j = sp.symbols("N D J", positive=True)
n_dot, d_dot, j_dot = 2 * eta * (h * d - g * n), 2 * eta * (h * n + g * d), 2 * eta * s * (n**2 + d**2)


def _polynomial(expression: sp.Expr) -> sp.Expr:
    """Hyperbolic functions written in E = e^{2ηRτ} and R² replaced by h² + g²: zero exactly when this is."""
    E = sp.Symbol("E", positive=True)
    exponent = 2 * eta * R * tau
    rules: dict[Any, Any] = {
        sp.cosh(exponent): (E + 1 / E) / 2,
        sp.sinh(exponent): (E - 1 / E) / 2,
        sp.cosh(2 * exponent): (E**2 + 1 / E**2) / 2,
        sp.sinh(2 * exponent): (E**2 - 1 / E**2) / 2,
    }
    numerator = sp.numer(sp.together(expression.subs(rules)))
    return sp.rem(sp.expand(numerator), R**2 - sp.expand(h**2 + g**2), R)


root = sp.sqrt(h**2 + s**2 * imbalance**2 / 4)
total = sp.sqrt(imbalance**2 + 4 * start**2)
# N D with p² = (m + c)/2, q² = (m - c)/2, pq = Q.
half_sum, half_difference = (total + imbalance) / 2, (total - imbalance) / 2
slant = s * imbalance / 2
numerator = (
    start * C**2
    + C * S / R * (half_difference * h + slant * start + half_sum * h - slant * start)
    + (S / R) ** 2 * (h**2 * start + h * slant * half_sum - h * slant * half_difference - slant**2 * start)
)
denominator = 1 + s / (2 * R) * (total * 2 * S * C + 2 * S**2 * (2 * h * start + slant * imbalance) / R)
gain = numerator / denominator
formula = gain.subs(R, root).subs({h: variance, s: variance + sigma**2})
positive = sp.Symbol("Q", positive=True)
balanced = h * positive / ((h - s * positive) * sp.exp(-4 * eta * h * tau) + s * positive)


def numeric(
    lam: float, noise_level: float, learning_rate: float, initial: float, asymmetry: float, time: float
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.two_layer import TwoLayer

    denoiser = TwoLayer(Spectrum.from_variances(jnp.array([lam])), EDM(), initial, learning_rate, imbalance=asymmetry)
    return denoiser.gain(jnp.asarray(time), jnp.asarray(noise_level))[0]


DERIVATION = Derivation(
    name="untied_two_layer",
    title="Two untied layers",
    source="Wang & Pehlevan 2025, App. F.2; the closed form for unequal layers is this project's",
    statement=(
        r"$W = PQ$, aligned: $\psi = pq$ with $c = p^2 - q^2$ conserved and $\dot\psi = 2\eta\sqrt{c^2 + 4\psi^2}"
        r"(h - s\psi)$. With $g = sc/2$, $R = \sqrt{h^2 + g^2}$, $m = \sqrt{c^2 + 4\psi_0^2}$, $x = 2\eta R\tau$: "
        r"$\psi = ND/J$, $N = q\cosh x + (hp - gq)\sinh x/R$, $D = p\cosh x + (hq + gp)\sinh x/R$, $J = 1 + "
        r"\frac s{2R}[m\sinh2x + (\cosh2x - 1)(2h\psi_0 + gc)/R]$."
    ),
    steps=(
        Step(r"$p^2 - q^2$ is conserved.", 2 * p * p_dot - 2 * q * q_dot),
        Step(
            r"$\dot\psi = 2\eta(p^2 + q^2)(h - s\psi)$,",
            p_dot * q + p * q_dot - 2 * eta * (p**2 + q**2) * (h - s * p * q),
        ),
        Step(r"and $(p^2 + q^2)^2 = c^2 + 4\psi^2$.", (p**2 + q**2) ** 2 - (c**2 + 4 * (p * q) ** 2)),
        Step(
            r"$\dot N = 2\eta(hD - gN)$, $\dot D = 2\eta(hN + gD)$.",
            sp.Matrix([_polynomial(sp.diff(N, tau) - N_dot), _polynomial(sp.diff(D, tau) - D_dot)]),
        ),
        Step(r"$N = q$, $D = p$, $J = 1$ at the start.", sp.Matrix([N - q, D - p, J - 1]).subs(tau, 0)),
        Step(r"$D^2 - N^2 = cJ$,", _polynomial(D**2 - N**2 - c * J)),
        Step(
            r"so that $\sqrt{c^2 + 4\psi^2} = (N^2 + D^2)/J$ for $\psi = ND/J$.",
            ((d**2 - n**2) / j) ** 2 + 4 * (n * d / j) ** 2 - ((n**2 + d**2) / j) ** 2,
        ),
        Step(r"$\dot J = 2\eta s(N^2 + D^2)$.", _polynomial(sp.diff(J, tau) - 2 * eta * s * (N**2 + D**2))),
        Step(
            r"Hence $\psi = ND/J$ satisfies $\dot\psi = 2\eta\frac{N^2 + D^2}J(h - s\psi)$.",
            (n_dot * d + n * d_dot) / j - n * d * j_dot / j**2 - 2 * eta * (n**2 + d**2) / j * (h - s * n * d / j),
        ),
        Step(
            r"In $Q$ and $c$: $ND$ and $J$ with $p^2 = (m + c)/2$, $q^2 = (m - c)/2$, $pq = Q$.",
            sp.Matrix(
                [
                    _polynomial(N * D - numerator.subs(total, m).subs({start: psi_0, imbalance: c})),
                    _polynomial(J - denominator.subs(total, m).subs({start: psi_0, imbalance: c})),
                ]
            ),
        ),
        Step(
            r"$c = 0$, $Q > 0$: $\psi = hQ/[(h - sQ)e^{-4\eta h\tau} + sQ]$, half the rate of tied layers.",
            (gain.subs(R, root).subs({imbalance: 0, start: positive}) - balanced).rewrite(sp.exp),
        ),
    ),
    formula=formula,
    domain={
        variance: (0.1, 5.0),
        sigma: (0.1, 5.0),
        eta: (0.1, 1.0),
        start: (0.01, 1.5),
        imbalance: (-2.0, 2.0),
        tau: (0.01, 2.0),
    },
    numeric=numeric,
)
