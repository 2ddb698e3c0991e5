"""Sampling with a linear denoiser: the probability-flow ODE integrated (Lemma 4.1), and its printed sign."""

import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step

low, high, level, s, variance = sp.symbols("sigma_0 sigma_T sigma s lambda", positive=True)
start = sp.Symbol("x_T", real=True)
gain, bias, integral = (sp.Function(name) for name in ("psi", "b", "I"))

# I is any antiderivative of (ψ - 1)/s, so that ∫_a^b (ψ - 1) ds/s = I(b) - I(a).
propagator = sp.exp(integral(high) - integral(level))
offset = sp.exp(-integral(level)) * sp.Integral(sp.exp(integral(s)) * bias(s) / s, (s, level, high))
sample = propagator * start + offset
slope = {sp.Derivative(integral(level), level): (gain(level) - 1) / level}

# Per mode of a converged network ψ = λ/(λ + s²).
converged = sp.sqrt((variance + level**2) / (variance + high**2))
exponent = sp.log(variance + s**2) / -2

# Two modes that do not commute: mean and covariance follow the moment equations of App. C.5.
matrix = sp.Matrix(2, 2, sp.symbols("W_11 W_12 W_21 W_22", real=True)) - sp.eye(2)
covariance = sp.Matrix(2, 2, lambda i, j: sp.Symbol(f"C_{min(i, j)}{max(i, j)}"))
step = sp.Symbol("h")
euler = sp.eye(2) - step * matrix / level

DERIVATION = Derivation(
    name="sampling_propagator",
    title="Probability flow of a linear denoiser",
    source="Wang & Pehlevan 2025, Lemma 4.1 and App. C.5",
    statement=(
        r"$dx/d\sigma = -[(W_\sigma - I)x + b_\sigma]/\sigma$ carries $x_T$ at $\sigma_T$ to $A x_T + c$ at "
        r"$\sigma_0$, $A = \exp[+\int_{\sigma_0}^{\sigma_T}(W_s - I)\,ds/s]$, "
        r"$c = \int_{\sigma_0}^{\sigma_T}A(\sigma_0, s)b_s\,ds/s$ "
        r"for commuting $W_s$; in general $\dot C = -[(W-I)C + C(W-I)^\top]/\sigma$."
    ),
    steps=(
        Step(
            r"$A(\sigma,\sigma_T)x_T + c(\sigma)$ satisfies the equation, for any $\psi(s)$ and $b(s)$.",
            (sp.diff(sample, level) + ((gain(level) - 1) * sample + bias(level)) / level).subs(slope),
        ),
        Step(r"It is $x_T$ at $\sigma = \sigma_T$.", sample.subs(level, high).doit() - start),
        Step(
            r"Converged network: $-\frac12\ln(\lambda + s^2)$ is an antiderivative of $(\psi^* - 1)/s$.",
            sp.diff(exponent, s) - (variance / (variance + s**2) - 1) / s,
        ),
        Step(
            r"Hence $A = \sqrt{(\lambda + \sigma_0^2)/(\lambda + \sigma_T^2)} < 1$: sampling contracts.",
            sp.exp(exponent.subs(s, high) - exponent.subs(s, level)) - converged,
        ),
        Step(
            r"It maps the prior variance $\lambda + \sigma_T^2$ to $\lambda + \sigma_0^2$.",
            converged**2 * (variance + high**2) - (variance + level**2),
        ),
        Step(
            r"Two modes: one Euler step of the covariance has the slope $-[(W-I)C + C(W-I)^\top]/\sigma$.",
            (euler * covariance * euler.T).diff(step).subs(step, 0)
            + (matrix * covariance + covariance * matrix.T) / level,
        ),
    ),
    misprint=Misprint(
        note=r"Lemma 4.1 prints $A = \exp[-\int_{\sigma_0}^{\sigma_T}(W_s - I)ds/s]$, which expands instead of "
        r"contracting; a converged network on a mode $\lambda = 1$ of EDM sampling from 80 to 0.002.",
        printed=1 / converged,
        corrected=converged,
        at={variance: 1, level: sp.Rational(2, 1000), high: 80},
    ),
)
