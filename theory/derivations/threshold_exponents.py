"""The threshold of emergence decides the exponent of the spectral law: 1 - f(1+a) rising, f(1-a) falling."""

import jax
import sympy as sp

from theory.derivations.derivation import Derivation, Ein, Step

variance, squared, data_scale, time, fraction = sp.symbols("lambda s sigma_d c f", positive=True)  # s = σ², c = 2ητ
a, log_variance = sp.symbols("a L", real=True)
fall = sp.Symbol("p", positive=True)  # 1 - a on the falling branch, 1 + a (or a) on the rising one
density = sp.Function("g")  # ln p as a function of ln σ

rate = time * squared**-a * (variance + squared) / (squared + data_scale**2)
skip, optimum = data_scale**2 / (squared + data_scale**2), variance / (variance + squared)


def _exponential_integral(x: sp.Expr) -> sp.Expr:
    """E1(x)."""
    return Ein(x) - sp.EulerGamma - sp.log(x)


# In between the two variances every rate is a power of σ.
falling, rising = time * squared**fall / data_scale**2, time * variance / squared**fall
# ln(λ̃/λ) of the levels from λ on, or up to λ.
too_much = _exponential_integral(falling.subs(squared, variance)) / fall
too_little = -_exponential_integral(rising.subs(squared, variance)) / fall
log_level = (1 - fraction) * sp.log(data_scale**2) + fraction * log_variance
# The time c at which λ̃ = e^{-γ/p}(σ_d²/c)^{1/p}, or e^{γ/p}(cλ)^{1/p}, is at its level.
log_time_falling = -sp.EulerGamma + sp.log(data_scale**2) - fall * log_level
log_time_rising = -sp.EulerGamma - log_variance + fall * log_level
# The same from the level that is being learned, for rates σ^2p times a density.
log_time_of_density = -fall * log_level - density(log_level / 2)


def numeric(part: float, weight_exponent: float) -> jax.Array:
    from theory.spectral_law.threshold_exponents import preconditioned_exponents

    return preconditioned_exponents(part, weight_exponent).rising


DERIVATION = Derivation(
    name="threshold_exponents",
    title="The threshold sets the exponent of the spectral law of preconditioned networks",
    source="this project, for Karras et al. 2022's preconditioning",
    statement=(
        r"One layer in EDM's preconditioning, weight $\sigma^{-2a}$ beside EDM's, emerges at $\ln\tilde\lambda = "
        r"(1-f)\ln\sigma_d^2 + f\ln\lambda$ at times $\tau^*\propto\lambda^{-f(1-a)}$ for $\lambda\ll\sigma_d^2$ and "
        r"$\tau^*\propto\lambda^{-(1-f(1+a))}$ for $\lambda\gg\sigma_d^2$. A density $p(\ln\sigma)$ of noise levels "
        r"adds $\frac f2 d\ln p/d\ln\sigma$ at the level that is being learned."
    ),
    steps=(
        Step(
            r"What is not learned yet, $c_{skip} - \psi^*$, integrates over $\ln\sigma^2$ to "
            r"$\ln[(\lambda+\sigma^2)/(\sigma_d^2+\sigma^2)]$:",
            skip - optimum - squared * sp.diff(sp.log((variance + squared) / (data_scale**2 + squared)), squared),
        ),
        Step(
            r"so the untrained network generates $\tilde\lambda(0) = \sigma_d^2$, and every level between $\lambda$ "
            r"and $\sigma_d^2$ counts alike.",
            sp.limit(sp.log((variance + squared) / (data_scale**2 + squared)), squared, sp.oo)
            - sp.log((variance + squared) / (data_scale**2 + squared)).subs(squared, 0)
            - sp.log(data_scale**2 / variance),
        ),
        Step(
            r"Falling, $\lambda\ll\sigma^2\ll\sigma_d^2$: the rate is $c\,\sigma^{2p}/\sigma_d^2$, $p = 1-a$, up to "
            r"$\lambda/\sigma^2$ and $\sigma^2/\sigma_d^2$.",
            sp.powsimp(rate / falling.subs(fall, 1 - a)) - (1 + variance / squared) / (1 + squared / data_scale**2),
        ),
        Step(
            r"Rising, $\sigma_d^2\ll\sigma^2\ll\lambda$: it is $c\lambda\,\sigma^{-2p}$, $p = 1+a$.",
            sp.powsimp(rate / rising.subs(fall, 1 + a)) - (1 + squared / variance) / (1 + data_scale**2 / squared),
        ),
        Step(
            r"Falling: the levels above $\lambda$ add $\int e^{-x}d\ln\sigma^2 = E_1(x_\lambda)/p$ to "
            r"$\ln\tilde\lambda - \ln\lambda$,",
            squared * sp.diff(_exponential_integral(falling) / fall, squared) + sp.exp(-falling),
        ),
        Step(
            r"which leaves $\tilde\lambda^p = e^{-\gamma}\sigma_d^2/c$, the level at which $x = e^{-\gamma}$, once "
            r"$x_\lambda\to0$.",
            sp.expand_log(sp.log(variance) + too_much - Ein(falling.subs(squared, variance)) / fall)
            - sp.expand_log((-sp.EulerGamma + sp.log(data_scale**2) - sp.log(time)) / fall),
        ),
        Step(
            r"Rising: the levels below $\lambda$ take $E_1(x_\lambda)/p$ away,",
            squared * sp.diff(_exponential_integral(rising) / fall, squared) - sp.exp(-rising),
        ),
        Step(
            r"which leaves $\tilde\lambda^p = e^\gamma c\lambda$: again $x = e^{-\gamma}$.",
            sp.expand_log(sp.log(variance) + too_little + Ein(rising.subs(squared, variance)) / fall)
            - sp.expand_log((sp.EulerGamma + sp.log(time * variance)) / fall),
        ),
        Step(r"Falling, $\alpha = fp = f(1-a)$.", -sp.diff(log_time_falling, log_variance) - fraction * fall),
        Step(r"Rising, $\alpha = 1 - fp = 1 - f(1+a)$.", -sp.diff(log_time_rising, log_variance) - 1 + fraction * fall),
        Step(
            r"At the geometric mean, $f = \frac12$, both are $(1-a)/2$.",
            (fraction * (1 - a) - (1 - fraction * (1 + a))).subs(fraction, sp.Rational(1, 2)),
        ),
        Step(
            r"A raw weight that starts from zero has the rate $c\lambda\,\sigma^{-2p}$, $p = a$, below $\lambda$: "
            r"$\alpha = 1-fa$. For $a = 0$ all levels are learned at one rate, $1 - f = e^{-c\lambda}$, and $\alpha = "
            r"1$ whatever $f$.",
            -sp.diff(sp.log(-sp.log(1 - fraction) / variance), variance) * variance - 1,
        ),
        Step(
            r"With a density the rate is constant along $\sigma_l(\lambda)$ only if $\alpha = f[p + \frac12 d\ln p/d\ln"
            r"\sigma]$.",
            -sp.diff(log_time_of_density, log_variance)
            - fraction * (fall + sp.diff(density(log_level / 2), log_variance) / fraction),
        ),
    ),
    formula=1 - fraction * (1 + a),
    domain={fraction: (0.05, 0.95), a: (0.1, 1.5)},
    numeric=numeric,
)
