"""Variance of a linear denoiser over training draws: noise of the targets and noise of the design."""

from typing import Any

import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step

(
    s_k,
    s_l,
    sigma,
    lam_k,
    c,
) = sp.symbols("s_k s_l sigma lambda_k c", positive=True)
start = sp.Symbol("Q", real=True)
x_k, x_l, r_k = sp.symbols("x_k x_l r_k", real=True)
noise_mean, design_mean = sp.symbols("rho A", real=True)

optimum = lam_k / s_k
gain = optimum + (start - optimum) * sp.exp(-c * s_k)

# δW_kl = noise_filter·mean(r_k x_l) - (Q - ψ*) design_filter·mean(x_k x_l - E x_k x_l)
noise_filter = (1 - sp.exp(-c * s_l)) / s_l
design_filter = (sp.exp(-c * s_k) - sp.exp(-c * s_l)) / (s_l - s_k)
perturbation = noise_filter * noise_mean - (start - optimum) * design_filter * design_mean
force = noise_mean + optimum * design_mean - gain * design_mean

residual_variance = sigma**2 * lam_k / s_k
noise_term = residual_variance * noise_filter**2 * s_l
design_term = (optimum - start) ** 2 * design_filter**2 * s_k * s_l
diagonal_filter = c * sp.exp(-c * s_k)
diagonal_noise = noise_term.subs(s_l, s_k)
diagonal_total = diagonal_noise + 2 * (optimum - start) ** 2 * diagonal_filter**2 * s_k**2


def expectation(polynomial: sp.Expr) -> sp.Expr:
    """E of a polynomial in the independent centred Gaussians x_k, x_l and r_k."""
    values = {x_k: s_k, x_l: s_l, r_k: residual_variance}
    total = sp.S.Zero
    for powers, value in sp.Poly(polynomial, *values).terms():
        moments = (
            sp.factorial2(power - 1) * var ** (power // 2) if power % 2 == 0 else sp.S.Zero
            for power, var in zip(powers, values.values(), strict=True)
        )
        total += value * sp.prod(moments)
    return total


# The residual y_k - ψ* x_k with x_k = x_0 + σε, y_k = x_0: its correlations.
x_0, epsilon = sp.symbols("x_0 epsilon")
residual = x_0 - optimum * (x_0 + sigma * epsilon)


def second_moment(polynomial: sp.Expr) -> sp.Expr:
    moments: dict[tuple[int, ...], Any] = {(2, 0): s_k - sigma**2, (0, 2): 1, (1, 1): 0}
    return sum(
        (value * moments[power] for power, value in sp.Poly(sp.expand(polynomial), x_0, epsilon).terms()), sp.S.Zero
    )


in_variances = {lam_k: s_k - sigma**2}

DERIVATION = Derivation(
    name="design_variance",
    title="Noise of the targets and noise of the design",
    source="Vastola 2025, Prop. 5.2, Eq. 16; the design term is this project's",
    statement=(
        r"Linear denoiser on $P$ independent triples, Gaussian data, order $1/P$, $c = 2\eta\tau$: $P\,\mathrm{Var}\,"
        r"W_{kl} = "
        r"\frac{\sigma^2\lambda_k}{s_k}\frac{(1 - e^{-cs_l})^2}{s_l} + (\psi^*_k - Q)^2\left[\frac{e^{-cs_k} - "
        r"e^{-cs_l}}{s_k - s_l}\right]^2s_ks_l(1 + \delta_{kl})$. Eq. 16 is the first term, the covariance over $x_0$ "
        r"at fixed inputs."
    ),
    steps=(
        Step(
            r"$r_k = y_k - \psi^*_kx_k$ has the variance $\sigma^2\lambda_k/s_k$ and no correlation with $x_k$.",
            sp.Matrix(
                [second_moment(residual**2) - residual_variance, second_moment(residual * (x_0 + sigma * epsilon))]
            ).subs(in_variances),
        ),
        Step(
            r"First order: $\partial_c\delta W_{kl} = -s_l\delta W_{kl} + \overline{r_kx_l} - (\psi_k - \psi_k^*)"
            r"\overline{\delta(x_kx_l)}$ is solved by two filters.",
            sp.diff(perturbation, c) + s_l * perturbation - force,
        ),
        Step(r"Both vanish at $c = 0$.", perturbation.subs(c, 0)),
        Step(r"Equal modes: the second filter is $ce^{-cs_k}$.", sp.limit(design_filter, s_l, s_k) - diagonal_filter),
        Step(
            r"Moments of one triple, $k\neq l$: $E(r_kx_l)^2 = s_l\sigma^2\lambda_k/s_k$, $E(x_kx_l)^2 = s_ks_l$, and "
            r"no covariance between them.",
            sp.Matrix(
                [
                    expectation((r_k * x_l) ** 2) - residual_variance * s_l,
                    expectation((x_k * x_l) ** 2) - s_k * s_l,
                    expectation(r_k * x_l * x_k * x_l),
                ]
            ),
        ),
        Step(
            r"$k = l$: $\mathrm{Var}\,x_k^2 = 2s_k^2$, still no covariance.",
            sp.Matrix(
                [expectation(x_k**4) - expectation(x_k**2) ** 2 - 2 * s_k**2, expectation(r_k * x_k * (x_k**2 - s_k))]
            ),
        ),
        Step(
            r"The sum of the two variances is the statement.",
            sp.expand(
                noise_filter**2 * expectation((r_k * x_l) ** 2)
                + (start - optimum) ** 2 * design_filter**2 * expectation((x_k * x_l) ** 2)
                - noise_term
                - design_term
            ),
        ),
        Step(r"The design term vanishes as training ends.", sp.limit(diagonal_filter, c, sp.oo)),
    ),
    formula=noise_term + design_term,
    domain={lam_k: (0.1, 2.0), sigma: (0.1, 1.0), s_k: (2.5, 4.0), s_l: (0.5, 2.0), start: (-1.0, 1.0), c: (0.01, 2.0)},
    misprint=Misprint(
        note=r"Eq. 16 leaves the design term out: $P\,\mathrm{Var}\,W_{kk}$, $\lambda_k = 1$, $\sigma^2 = 1/4$, "
        r"$Q = 0$, $\eta\tau = 0.1$.",
        printed=diagonal_noise,
        corrected=diagonal_total,
        at={lam_k: 1, sigma: sp.Rational(1, 2), s_k: sp.Rational(5, 4), start: 0, c: sp.Rational(1, 5)},
    ),
)
