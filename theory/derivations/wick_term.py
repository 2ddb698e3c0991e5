"""Variance over data sets of what a symmetric function of the sample covariance does to a position, and its root."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

lam_k, lam_l, n, u, floor, kappa = sp.symbols("lambda_k lambda_l n u sigma_0 kappa", positive=True)
v_k, v_l, x_k, x_l, z_k, z_l = sp.symbols("v_k v_l x_k x_l z_k z_l", real=True)

# vᵀ z zᵀ x of one Gaussian point z of two modes, and its moments by Isserlis' theorem.
product = (v_k * z_k + v_l * z_l) * (z_k * x_k + z_l * x_l)


def average(polynomial: sp.Expr) -> sp.Expr:
    """E over the independent centred Gaussians z_k and z_l of variances λ_k and λ_l."""
    total = sp.S.Zero
    for (first, second), value in sp.Poly(sp.expand(polynomial), z_k, z_l).terms():
        if first % 2 == 0 and second % 2 == 0:
            moments = sp.factorial2(first - 1) * sp.factorial2(second - 1)
            total += value * moments * lam_k ** (first // 2) * lam_l ** (second // 2)
    return total


own_v, own_x = lam_k * v_k**2 + lam_l * v_l**2, lam_k * x_k**2 + lam_l * x_l**2
shared = lam_k * v_k * x_k + lam_l * v_l * x_l
formula = (own_v * own_x + shared**2) / n
elements = {(0, 0): 2 * lam_k**2, (0, 1): lam_k * lam_l, (1, 0): lam_k * lam_l, (1, 1): 2 * lam_l**2}
direction, position = (v_k, v_l), (x_k, x_l)
by_elements = sum(
    value * direction[k] ** 2 * position[m] ** 2
    + (value * direction[k] * position[k] * direction[m] * position[m] if k != m else 0)
    for (k, m), value in elements.items()
)


def numeric(first: float, second: float, va: float, vb: float, xa: float, xb: float, data: float) -> jax.Array:
    from theory.sampling_questions.consistency import variance_along

    variances = jnp.array([first, second])
    elements = jnp.outer(variances, variances) * (1 + jnp.eye(2)) / data
    return variance_along(elements, jnp.array([va, vb]), jnp.array([xa, xb]))


DERIVATION = Derivation(
    name="wick_term",
    title="What varies over data sets along one direction, at one position",
    source="this project; without the second term: Wang, Zavatone-Veth & Pehlevan 2026, Props. 4.2 and 5.2",
    statement=(
        r"$n\,\mathrm{Var}[v^\top\hat\Sigma x] = v^\top\Sigma v\;x^\top\Sigma x + (v^\top\Sigma x)^2$; the second term "
        r"is missing where the variance is said to factorise into direction and position. And $\sqrt{\hat\Sigma + "
        r"\sigma_0^2} = \frac2\pi\int_0^\infty[1 - u^2(\hat\Sigma + \sigma_0^2 + u^2)^{-1}]du$."
    ),
    steps=(
        Step(
            r"One Gaussian point: $\mathrm{Var}[v^\top zz^\top x]$, by Isserlis' theorem.",
            sp.expand(average(product**2) - average(product) ** 2 - (own_v * own_x + shared**2)),
        ),
        Step(
            r"From elements of variance $(1 + \delta_{kl})\lambda_k\lambda_l$, of which $kl$ and $lk$ are one.",
            sp.expand(by_elements - (own_v * own_x + shared**2)),
        ),
        Step(
            r"Along one mode, $v = x = u_k$, it is twice the first term.",
            sp.expand((formula * n - 2 * own_v * own_x).subs({v_l: 0, x_l: 0})),
        ),
        Step(
            r"The root as an integral of resolvents,",
            sp.integrate(1 - u**2 / (lam_k + floor**2 + u**2), (u, 0, sp.oo)) * 2 / sp.pi - sp.sqrt(lam_k + floor**2),
        ),
        Step(
            r"and its integrand once $l(\hat\Sigma + l)^{-1}$ is $\kappa(\Sigma + \kappa)^{-1}$, $l = \sigma_0^2 + "
            r"u^2$.",
            sp.simplify(
                1
                - u**2 / (floor**2 + u**2) * kappa / (lam_k + kappa)
                - (floor**2 + u**2 * lam_k / (lam_k + kappa)) / (floor**2 + u**2)
            ),
        ),
    ),
    formula=formula,
    domain={
        lam_k: (1.0, 3.0),
        lam_l: (0.1, 1.0),
        v_k: (-1.0, 1.0),
        v_l: (-1.0, 1.0),
        x_k: (-1.0, 1.0),
        x_l: (-1.0, 1.0),
        n: (10.0, 100.0),
    },
    numeric=numeric,
)
