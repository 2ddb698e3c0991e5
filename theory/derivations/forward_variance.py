"""Variance of the forward process, with the powers of the signal scale where they belong."""

from typing import Any

import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step

t, s = sp.symbols("t s", positive=True)
constant, slope, diffusion = sp.symbols("beta_0 beta_1 D", positive=True)
signal, diffusivity, integral = (sp.Function(name) for name in ("alpha", "D", "I"))
rate = sp.Function("beta")

# I is the integral 2∫_0^t D α^-2.
variance = signal(t) ** 2 * integral(t)
slopes: dict[Any, Any] = {
    sp.Derivative(signal(t), t): -rate(t) * signal(t),
    sp.Derivative(integral(t), t): 2 * diffusivity(t) / signal(t) ** 2,
}


def log_signal(time: sp.Expr) -> sp.Expr:
    """-∫_0^t β for β = β_0 + β_1 t."""
    return -constant * time - slope * time**2 / 2


corrected = sp.exp(2 * log_signal(t)) * sp.Integral(2 * diffusion * sp.exp(-2 * log_signal(s)), (s, 0, t))
printed = sp.Integral(2 * diffusion * sp.exp(2 * log_signal(s)), (s, 0, t))
vp_rate = sp.exp(2 * log_signal(t))

DERIVATION = Derivation(
    name="forward_variance",
    title="Variance of the forward process",
    source="Vastola 2025, Sec. 2",
    statement=(
        r"$\dot x = -\beta_tx + G_t\eta_t$, $D = GG^\top/2$, $\alpha_t = e^{-\int_0^t\beta}$ has the conditional "
        r"variance $S_t = \alpha_t^2\int_0^t2D_{t'}\alpha_{t'}^{-2}dt'$."
    ),
    steps=(
        Step(
            r"$S$ solves $\dot S = -2\beta S + 2D$ for any $\beta_t$, $D_t$.",
            (sp.diff(variance, t) + 2 * rate(t) * variance - 2 * diffusivity(t)).subs(slopes),
        ),
        Step(
            r"The same for $\beta = \beta_0 + \beta_1t$ and constant $D$.",
            sp.diff(corrected, t) + 2 * (constant + slope * t) * corrected - 2 * diffusion,
        ),
        Step(
            r"The printed integral $\int_0^t2D\alpha^2$ leaves $2D(\alpha^2 - 1) + 2\beta S$ over instead,",
            sp.diff(printed, t)
            + 2 * (constant + slope * t) * printed
            - 2 * diffusion
            - (2 * diffusion * (vp_rate - 1) + 2 * (constant + slope * t) * printed),
        ),
        Step(
            r"which is zero for a variance-preserving process, $D = \beta$: both give $1 - \alpha^2$.",
            sp.diff(1 - signal(t) ** 2, t).subs(slopes) - 2 * rate(t) * signal(t) ** 2,
        ),
        Step(
            r"(The corrected form: $1 - \alpha^2$ solves $\dot S = -2\beta S + 2\beta$.)",
            sp.diff(1 - signal(t) ** 2, t).subs(slopes) + 2 * rate(t) * (1 - signal(t) ** 2) - 2 * rate(t),
        ),
    ),
    misprint=Misprint(
        note=r"Sec. 2 prints $S_t = \int_0^t2D_{t'}\alpha_{t'}^2dt'$; $\beta = 0.2 + 3t$, $D = 1$, $t = 0.8$. The two "
        r"agree for VP, EDM and constant coefficients.",
        printed=printed,
        corrected=corrected,
        at={constant: sp.Rational(1, 5), slope: 3, diffusion: 1, t: sp.Rational(4, 5)},
    ),
)
