"""How far from a Gaussian density a kernel density estimate is, and a Gaussian of estimated covariance."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

first, second, n, sigma, x, a, b, size = sp.symbols("lambda_1 lambda_2 n sigma x a b d", positive=True)
c, beta = sp.symbols("c beta", positive=True)


def density(variance: sp.Expr, at: sp.Expr = x) -> sp.Expr:
    return sp.exp(-(at**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)


def at_zero(*variances: sp.Expr) -> sp.Expr:
    """∫ of the product of two centred Gaussians, of which these are the summed variances."""
    return sp.S.One * sp.prod(1 / sp.sqrt(2 * sp.pi * each) for each in variances)


def error(*variances: sp.Expr) -> sp.Expr:
    """E∫(p̂ - p)²: 1/n of pairs of a point with itself, others of two points, and with the density."""
    itself = at_zero(*(2 * sigma**2 for _ in variances))
    others = at_zero(*(2 * each + 2 * sigma**2 for each in variances))
    mixed = at_zero(*(2 * each + sigma**2 for each in variances))
    return itself / n + (1 - 1 / n) * others - 2 * mixed + at_zero(*(2 * each for each in variances))


power = at_zero(2 * first, 2 * second)
formula = error(first, second) / power
printed = (
    (1 / (n * sigma) + (1 - 1 / n) / sp.sqrt(1 + sigma**2) - 2 * sp.sqrt(2) / sp.sqrt(2 + sigma**2) + 1)
    / sp.sqrt(sp.pi)
    / 2
)
bias = (1 + sigma**2 / first) ** sp.Rational(-1, 2) * (1 + sigma**2 / second) ** sp.Rational(-1, 2)
bias += 1 - 2 * (1 + sigma**2 / (2 * first)) ** sp.Rational(-1, 2) * (1 + sigma**2 / (2 * second)) ** sp.Rational(-1, 2)
curvature = ((1 / first + 1 / second) ** 2 + 2 * (first**-2 + second**-2)) / 16
# ∫(N(0, C) - N(0, Σ))²/∫N(0, Σ)² to second order in Σ^-½(C - Σ)Σ^-½ = [[ε_11, ε_12], [ε_12, ε_22]], times t.
t, e_1, e_2, e_12 = sp.symbols("t epsilon_11 epsilon_22 epsilon_12", real=True)
deviation = sp.Matrix([[e_1, e_12], [e_12, e_2]]) * t
distance = (
    (sp.eye(2) + deviation).det() ** sp.Rational(-1, 2)
    - 2 * (sp.eye(2) + deviation / 2).det() ** sp.Rational(-1, 2)
    + 1
)
second_order = sp.series(distance, t, 0, 3).removeO().coeff(t, 2)
quadratic = ((e_1 + e_2) ** 2 + 2 * (e_1**2 + e_2**2 + 2 * e_12**2)) / 16


def numeric(one: float, other: float, data: float, level: float) -> jax.Array:
    from theory.sampling_questions.estimation import kernel_error

    return kernel_error(jnp.array([one, other]), data, level).total


DERIVATION = Derivation(
    name="kernel_density_error",
    title="Mean squared error of densities: the exact score, stopped, and an estimated Gaussian",
    source="this project",
    statement=(
        r"$(1/n)\sum_iN(x_i, \sigma^2I)$ of $n$ points of $N(0, \Sigma)$ has $E\int(\hat p - p)^2/\int p^2 = \frac1n"
        r"[\prod(\lambda_k/\sigma^2)^{1/2} - \prod(1 + \sigma^2/\lambda_k)^{-1/2}] + \prod(1 + \sigma^2/\lambda_k)"
        r"^{-1/2} - 2\prod(1 + \sigma^2/2\lambda_k)^{-1/2} + 1$, least at $\sigma^{d+4}\to d\sqrt{\det\Sigma}/4Bn$; "
        r"$N(0, \hat\Sigma)$ has $d(d + 2)/8n$."
    ),
    steps=(
        Step(
            r"Two centred Gaussians of variances $a$ and $b$ overlap by $N(0; 0, a + b)$.",
            sp.simplify(sp.integrate(density(a) * density(b), (x, -sp.oo, sp.oo)) - at_zero(a + b)),
        ),
        Step(
            r"For $N(0, 1)$, all four terms.",
            sp.simplify(error(sp.S.One) - printed),
        ),
        Step(
            r"The squared bias is $B\sigma^4$, $B = [(\mathrm{tr}\,\Sigma^{-1})^2 + 2\,\mathrm{tr}\,\Sigma^{-2}]/16$.",
            sp.simplify(sp.series(bias, sigma, 0, 5).removeO() - curvature * sigma**4),
        ),
        Step(
            r"$c/n\sigma^d + \beta\sigma^4$ is least at $\sigma^{d+4} = dc/4\beta n$.",
            sp.simplify(
                (sigma * sp.diff(c / (n * sigma**size) + beta * sigma**4, sigma)).subs(
                    n, size * c / (4 * beta * sigma ** (size + 4))
                )
            ),
        ),
        Step(
            r"A Gaussian of covariance $\Sigma^{1/2}(1 + \epsilon)\Sigma^{1/2}$: $[(\mathrm{tr}\,\epsilon)^2 + 2\,"
            r"\mathrm{tr}\,\epsilon^2]/16$ to second order,",
            sp.expand(second_order - quadratic),
        ),
        Step(
            r"of which $E(\mathrm{tr}\,\epsilon)^2 = 2d/n$ and $E\,\mathrm{tr}\,\epsilon^2 = d(d + 1)/n$ make $d(d + 2)"
            r"/8n$.",
            sp.expand((2 * size / n + 2 * size * (size + 1) / n) / 16 - size * (size + 2) / (8 * n)),
        ),
    ),
    formula=formula,
    domain={first: (0.5, 3.0), second: (0.1, 1.0), n: (3.0, 100.0), sigma: (0.1, 2.0)},
    numeric=numeric,
)
