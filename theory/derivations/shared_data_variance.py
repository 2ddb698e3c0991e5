"""Variance of a linear denoiser on n data with m noises each, at every training time and for every target."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

lam_k, lam_l, alpha, sigma, eta, tau, n, m, A, s_k, s_l = sp.symbols(
    "lambda_k lambda_l alpha sigma eta tau n m A s_k s_l", positive=True
)
c, e, B, start, k_0, l_0, k_noise, l_noise = sp.symbols("c e B Q x_k x_l epsilon_k epsilon_l", real=True)

# B stands for Δ_k G_kl, A for A_l: the two filters, as numbers.
total_k, total_l = alpha**2 * lam_k + sigma**2, alpha**2 * lam_l + sigma**2
optimum = (alpha * c * lam_k + sigma * e) / total_k
signal_left = sigma * (c * sigma - e * alpha) / total_k
residual_variance = (c * sigma - e * alpha) ** 2 * lam_k / total_k

input_k, input_l = alpha * k_0 + sigma * k_noise, alpha * l_0 + sigma * l_noise
residual = c * k_0 + e * k_noise - optimum * input_k
_MOMENTS = {k_0: lam_k, l_0: lam_l, k_noise: sp.S.One, l_noise: sp.S.One}


def average(polynomial: sp.Expr, *over: sp.Symbol) -> sp.Expr:
    """E of a polynomial over the given ones of the independent centred Gaussians x_k, x_l, ε_k and ε_l."""
    total = sp.S.Zero
    for powers, value in sp.Poly(sp.expand(polynomial), *over).terms():
        if all(power % 2 == 0 for power in powers):
            moments = (
                sp.factorial2(power - 1) * _MOMENTS[symbol] ** (power // 2)
                for power, symbol in zip(powers, over, strict=True)
            )
            total += value * sp.prod(moments)
    return total


def parts(fluctuation: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Variance of the average over the noise, and variance in all, of one term of the sample mean."""
    everything, noises = tuple(_MOMENTS), (k_noise, l_noise)
    mean = average(fluctuation, *everything)
    kept = average(fluctuation, *noises)
    return average(kept**2, k_0, l_0) - mean**2, average(fluctuation**2, *everything) - mean**2


between, within = parts(residual * input_l * A - B * input_k * input_l)
between_same, within_same = parts(residual * input_k * A - B * input_k**2)

response = A * alpha * signal_left - alpha**2 * B
shared = lam_k * lam_l * response**2
shared_same = 2 * lam_k**2 * response**2
fresh = A**2 * residual_variance * total_l + B**2 * total_k * total_l
fresh_same = A**2 * residual_variance * total_k + 2 * B**2 * total_k**2

# The EDM denoiser, with the filters put in.
edm = {alpha: 1, c: 1, e: 0}
rate = 2 * eta * tau
filters = {
    A: (1 - sp.exp(-rate * s_l)) / s_l,
    B: (start - lam_k / s_k) * (sp.exp(-rate * s_k) - sp.exp(-rate * s_l)) / (s_l - s_k),
}
levels = {s_k: lam_k + sigma**2, s_l: lam_l + sigma**2}
formula = (((1 - 1 / m) * shared + fresh / m) / n).subs(edm).subs(filters).subs(levels)
ended = {A: 1 / total_l, B: 0}
least_squares = (1 - 1 / m) * sigma**4 * lam_k * lam_l / (s_k**2 * s_l**2) + sigma**2 * lam_k / (s_k * s_l) / m


def numeric(
    first: float,
    second: float,
    noise_level: float,
    rate: float,
    time: float,
    initial: float,
    data: float,
    noises: float,
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.finite_data.weight_covariances import weight_variance_of_shared_data
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    denoiser = OneLayer(Spectrum.from_variances(jnp.array([first, second])), EDM(), initial, rate)
    return weight_variance_of_shared_data(denoiser, time, noise_level, data=data, noises=noises)[0, 1]


DERIVATION = Derivation(
    name="shared_data_variance",
    title="Many noises per datum: from fresh pairs to a finite data set",
    source="this project; limits: Vastola 2025, Prop. 5.2; Wang, Zavatone-Veth & Pehlevan 2026, Prop. 4.2",
    statement=(
        r"Linear denoiser, $n$ Gaussian data with $m$ noises each, $x = \alpha x_0 + \sigma\varepsilon$, $y = cx_0 + "
        r"e\varepsilon$, to order $1/n$: $n\,\mathrm{Var}\,W_{kl} = (1 - \frac1m)(1 + \delta_{kl})\lambda_k\lambda_l"
        r"(\alpha p_kA_l - \alpha^2\Delta_kG_{kl})^2 + \frac1m[\rho_kA_l^2S_l + \Delta_k^2G_{kl}^2S_kS_l(1 + "
        r"\delta_{kl})]$ with $p_k = \sigma(c\sigma - e\alpha)/S_k$, $\rho_k = (c\sigma - e\alpha)^2\lambda_k/S_k$, "
        r"$A_l = (1 - e^{-2w\eta\tau S_l})/S_l$, $G_{kl} = (e^{-2w\eta\tau S_k} - e^{-2w\eta\tau S_l})/(S_l - S_k)$ "
        r"and $\Delta_k = Q_k - \psi_k^*$."
    ),
    steps=(
        Step(
            r"The residual $r_k = y_k - \psi_k^*x_k$ keeps $p_k$ of $x_0$, has variance $\rho_k$, and no correlation "
            r"with $x_k$.",
            sp.Matrix(
                [
                    sp.diff(residual, k_0) - signal_left,
                    average(residual**2, k_0, k_noise) - residual_variance,
                    average(residual * input_k, k_0, k_noise),
                ]
            ),
        ),
        Step(
            r"$m = \infty$, $k\neq l$: the noise is averaged before squaring; targets and design interfere.",
            between - shared,
        ),
        Step(r"$m = 1$, $k\neq l$: they do not.", within - fresh),
        Step(
            r"$k = l$: twice as many ways to pair Gaussians of the design, none of the residual.",
            sp.Matrix([between_same - shared_same, within_same - fresh_same]).subs({lam_l: lam_k}),
        ),
        Step(
            r"$n$ independent means over $m$ noises: variance of the mean plus $1/m$ of what is left.",
            sp.expand((1 - 1 / m) * shared + fresh / m - shared - (fresh - shared) / m),
        ),
        Step(
            r"End of training, EDM: $(1 - \frac1m)\sigma^4\lambda_k\lambda_l/s_k^2s_l^2 + \frac1m\sigma^2\lambda_k"
            r"/s_ks_l$.",
            ((1 - 1 / m) * shared + fresh / m).subs(ended).subs(edm) - least_squares.subs(levels),
        ),
    ),
    formula=formula,
    domain={
        lam_k: (2.0, 3.0),
        lam_l: (0.1, 1.0),
        sigma: (0.1, 2.0),
        eta: (0.5, 2.0),
        tau: (0.01, 3.0),
        start: (-1.0, 1.0),
        n: (100.0, 1000.0),
        m: (1.0, 50.0),
    },
    numeric=numeric,
)
