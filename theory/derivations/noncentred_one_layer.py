"""One layer with bias on data of non-zero mean: weights and bias train under one (d+1)-dimensional matrix."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step, gradient

eta, tau, sigma, variance, s, c = sp.symbols("eta tau sigma lambda s c", positive=True)
mean, start, bias_start, rho = sp.symbols("mu Q b_0 rho", real=True)

# Two modes: the gradient, the determinant and the secular equation.
variances = sp.diag(*sp.symbols("lambda_1:3", positive=True))
mu = sp.symbols("mu_1:3", real=True)
means = sp.Matrix(mu)
weights = sp.Matrix(2, 3, sp.symbols("W_11 W_12 b_1 W_21 W_22 b_2", real=True))
noisy = variances + sigma**2 * sp.eye(2)
moments = (noisy + means * means.T).row_join(means).col_join(means.T.row_join(sp.eye(1)))
target = (variances + means * means.T).row_join(means)  # E y (x, 1)ᵀ
loss = (weights * moments * weights.T - 2 * weights * target.T + variances + means * means.T).trace()
gain = variances * noisy.inv()
best = gain.row_join((sp.eye(2) - gain) * means)
secular = 1 - 1 / rho + mu[0] ** 2 / (noisy[0, 0] - rho) + mu[1] ** 2 / (noisy[1, 1] - rho)

# One mode: M = [[s + μ², μ], [μ, 1]] in closed form.
root = sp.sqrt((s + mean**2 - 1) ** 2 + 4 * mean**2)
rates = [(s + mean**2 + 1 + sign * root) / 2 for sign in (1, -1)]
pair = sp.Matrix([[s + mean**2, mean], [mean, 1]])
r_plus, r_minus = sp.symbols("r_+ r_-", positive=True)
exponential = (
    sp.exp(-c * r_plus) * (pair - r_minus * sp.eye(2)) - sp.exp(-c * r_minus) * (pair - r_plus * sp.eye(2))
) / (r_plus - r_minus)
optimum = sp.Matrix([[variance / s, (1 - variance / s) * mean]])
solution = optimum + (sp.Matrix([[start, bias_start]]) - optimum) * exponential
put_rates = {r_plus: rates[0], r_minus: rates[1]}
formula = solution[0].subs(put_rates).subs({s: variance + sigma**2, c: 2 * eta * tau})


def numeric(
    lam: float, average: float, noise_level: float, learning_rate: float, initial: float, bias: float, time: float
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.one_layer_with_bias import OneLayerWithBias

    spectrum = Spectrum(jnp.array([average]), jnp.array([lam]))
    denoiser = OneLayerWithBias(spectrum, EDM(), initial, learning_rate, initial_bias=bias)
    return denoiser.gain(jnp.asarray(time), jnp.asarray(noise_level))[0]


def _by_characteristic_equation(matrix: sp.MatrixBase) -> sp.MatrixBase:
    """The matrix with s and μ² removed through trace and determinant, r₊ + r₋ = s + μ² + 1 and r₊r₋ = s."""
    square = r_plus + r_minus - r_plus * r_minus - 1
    return matrix.applyfunc(lambda entry: sp.rem(sp.expand(entry.subs(s, r_plus * r_minus)), mean**2 - square, mean))


DERIVATION = Derivation(
    name="noncentred_one_layer",
    title="Weights and bias together",
    source="Wang & Pehlevan 2025, App. D.2",
    statement=(
        r"$[W\;b](\tau) = [W^*\;b^*] + ([W_0\;b_0] - [W^*\;b^*])e^{-2\eta\tau M}$ with $M$ the second moments of "
        r"$(x, 1)$; its eigenvalues satisfy $1 - 1/\rho + \sum_k(u_k^\top\mu)^2/(s_k - \rho) = 0$, $\det M = "
        r"\prod_k s_k$, $s_k = \lambda_k + \sigma^2$. For $\mu\parallel u_1$: $r_\pm = \frac12[s + \mu^2 + 1 \pm "
        r"\sqrt{(s + \mu^2 - 1)^2 + 4\mu^2}]$."
    ),
    steps=(
        Step(
            r"The gradient is $2([W\;b] - [W^*\;b^*])M$, for two modes.",
            gradient(loss, weights) - 2 * (weights - best) * moments,
        ),
        Step(r"$W^* = \Sigma(\Sigma + \sigma^2)^{-1}$, $b^* = (I - W^*)\mu$ is its zero.", best * moments - target),
        Step(r"$\det M = s_1s_2$.", sp.expand(moments.det()) - sp.expand(noisy.det())),
        Step(
            r"$\det(M - \rho) = -\rho\prod_k(s_k - \rho)$ times the secular function.",
            sp.expand((moments - rho * sp.eye(3)).det())
            + sp.expand(sp.cancel(rho * (noisy - rho * sp.eye(2)).det() * secular)),
        ),
        Step(
            r"One mode: $r_\pm$ have the trace and the determinant of $M$.",
            sp.Matrix([rates[0] + rates[1] - pair.trace(), rates[0] * rates[1] - pair.det()]),
        ),
        Step(
            r"$e^{-cM} = [e^{-cr_+}(M - r_-) - e^{-cr_-}(M - r_+)]/(r_+ - r_-)$ satisfies $\dot E = -EM$",
            _by_characteristic_equation((exponential.diff(c) + exponential * pair) * (r_plus - r_minus)),
        ),
        Step(r"and is the identity at $c = 0$.", exponential.subs(c, 0) - sp.eye(2)),
        Step(r"The solution starts at $[Q\;b_0]$.", solution.subs(c, 0) - sp.Matrix([[start, bias_start]])),
    ),
    formula=formula,
    domain={
        variance: (0.01, 10.0),
        mean: (-2.0, 2.0),
        sigma: (0.01, 10.0),
        eta: (0.1, 2.0),
        start: (-1.0, 2.0),
        bias_start: (-1.0, 1.0),
        tau: (0.01, 3.0),
    },
    numeric=numeric,
)
