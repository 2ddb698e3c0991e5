"""The eigenvalues of what random features see of their training points, and the two training times that follow.

Of p = ψ_p d features and n = ψ_n d points in d dimensions, the matrix U of `random_feature_scores` has p eigenvalues,
for d → ∞ with the density of Bonnaire et al. 2025, Theorem 3.1. For ψ_p > ψ_n ≫ 1 they lie in parts: p - n - d of them
at s_t², n above that, whose time to be learned grows with n, and the d largest, which do not know how many points there
are. Learning those is generalising, learning the n is memorising.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from theory.definitions.arrays import Scalar, floating, is_traced, jit
from theory.definitions.checks import check_double_precision, nan_unless, positive
from theory.definitions.spectra import Spectrum
from theory.finite_data.random_feature_scores import FeatureCoefficients

_HEIGHT = 1e-9  # of z above the real axis, relative to its distance from s_t²
_HALVINGS = 64  # of the height, down from far above the spectrum
_AVERAGED_STEPS = 3  # at every height, before those of Newton
_NEWTON_STEPS = 3
_RESIDUAL = 1e-7
_EDGE_SHARE = 1e-6  # of a part's eigenvalues lie below its edge, as the edge is found
_BISECTIONS = 60


class _Problem(NamedTuple):
    """What the equations know, as arrays."""

    learned: Float[Array, " modes"]  # (αa_t)² λ_k
    noise: Float[Array, ""]  # b_t²
    nonlinear: Float[Array, ""]  # v_t²
    features: Float[Array, ""]  # ψ_p
    samples: Float[Array, ""]  # ψ_n


class _Point(NamedTuple):
    resolvent: Complex[Array, " grid"]  # q = Tr (U - z)⁻¹/p
    damping: Complex[Array, " grid"]  # 1/D


class FeatureEdges(NamedTuple):
    """Where the two parts of the spectrum begin that are learned."""

    memorised: Float[Array, ""]  # left edge of the n - d eigenvalues
    generalised: Float[Array, ""]  # left edge of the d largest


def feature_eigenvalue_density(
    coefficients: FeatureCoefficients,
    spectrum: Spectrum,
    eigenvalue: ArrayLike,
    features: Scalar,
    samples: Scalar,
) -> Float[Array, "*grid"]:
    """ρ(λ) of the eigenvalues of U above the atom at s_t², with the mass min(1, (1 + ψ_n)/ψ_p); zero up to s_t².

    ρ = Im q(λ + i0)/π, where for z in the upper half-plane q = Tr (U - z)⁻¹/p is the only solution there of

        ŝ = b_t²ψ_p + 1/q,      r̂ = ψ_p(αa_t)²/D,      D = 1 + (ψ_p/ψ_n)((αa_t)²r + v_t²q),
        s = ∫dρ_Σ(λ)/(ŝ + λr̂),  r = ∫λdρ_Σ(λ)/(ŝ + λr̂),
        ψ_p(s_t² - z) + ψ_p v_t²/D + (1 - ψ_p)/q - s/q² = 0

    (Bonnaire et al. 2025, Theorem 3.1; derived anew, see `feature_eigenvalue_distribution`). z is led down to the axis
    from far above, each step by averaged iteration, of which the equations are a contraction, and by Newton's method;
    it ends at the height 1e-9(λ - s_t²). Relative error 1e-6 inside the parts and 1e-4 of the largest at their edges.

    **Arguments:** `coefficients` of `feature_coefficients`; `spectrum` of the data; `eigenvalue` λ (...,), answered in
    the same shape; `features` ψ_p and `samples` ψ_n, numbers per dimension of the data. **Raises** ValueError for
    single precision and for ψ_p and ψ_n that are not positive and finite; NaN where the iteration has not converged.
    """
    eigenvalue, problem = _prepared("the density of eigenvalues", coefficients, spectrum, eigenvalue, features, samples)
    return _density(problem, coefficients.remainder, eigenvalue)


def feature_eigenvalue_distribution(
    coefficients: FeatureCoefficients,
    spectrum: Spectrum,
    eigenvalue: ArrayLike,
    features: Scalar,
    samples: Scalar,
) -> Float[Array, "*grid"]:
    """Share of the eigenvalues of U up to λ, those at s_t² included: 1 - (1 + ψ_n)/ψ_p of all, where that is positive.

    No density is integrated: the share is -Im Φ(λ + i0)/π of Φ(z) = Tr ln(U - z)/p, and with B_k = (αa_t)²λ_k/D + b_t²

        Φ = (1/ψ_p)∫ ln(1 + ψ_p B q) + (s_t² + v_t²/D - z)q - ln q - 1 + (ψ_n/ψ_p)(ln D + 1/D - 1)

    where it is stationary in q and D, which are Theorem 3.1's equations: n points make (1/p) ln det(GGᵀ/n + H) of
    (1/p) ln det(C/D + H) + (n/p)(ln D + 1/D - 1), C the covariance of the columns of G, and p rows of W the first term
    (this project). Errors of q and D enter squared: 1e-8. Arguments and **raises** as `feature_eigenvalue_density`.
    """
    eigenvalue, problem = _prepared(
        "the distribution of eigenvalues", coefficients, spectrum, eigenvalue, features, samples
    )
    return _distribution(problem, coefficients.remainder, eigenvalue)


def feature_edges(
    coefficients: FeatureCoefficients, spectrum: Spectrum, features: Scalar, samples: Scalar
) -> FeatureEdges:
    """Where the eigenvalues begin that are memorised, and those that generalise, for ψ_p > ψ_n > 1.

    The first is the left edge of ρ_1, for ψ_p ≫ ψ_n ≫ 1 at s_t² + v_t²(√(ψ_p/ψ_n) - 1)² (Bonnaire et al. 2025,
    Theorem 3.2), and not the smallest eigenvalue of U: at finite ψ_n d eigenvalues lie below it (this project), above
    the p - n - d at s_t². So they are found by their ranks, as the λ up to which the share of the eigenvalues is
    1 - ψ_n/ψ_p and 1 - 1/ψ_p, and a millionth of what lies above more: 1e-4 of a part's width too far to the right.
    Where parts touch, there is no edge, and these are quantiles.

    **Arguments** and **raises** as `feature_eigenvalue_density`, and ValueError unless ψ_p > ψ_n > 1.
    """
    _, problem = _prepared("edges of the spectrum", coefficients, spectrum, 0.0, features, samples)
    if not is_traced(features, samples) and not features > samples > 1:
        raise ValueError(f"edges need features > samples > 1 per dimension; got {features} and {samples}")
    return _edges(problem, coefficients.remainder)


def memorisation_time(
    coefficients: FeatureCoefficients, spectrum: Spectrum, features: Scalar, samples: Scalar
) -> Float[Array, ""]:
    """τ_mem = ψ_p/(σ²λ), λ the left edge of ρ_1: when the last of the n begin to be learned (Bonnaire et al. 2025).

    In the unit of `feature_losses`; infinite where the edge is no larger than zero, as of a linear activation with
    fewer data than features. Arguments and **raises** as `feature_edges`.
    """
    edge = feature_edges(coefficients, spectrum, features, samples).memorised
    there = ~(edge <= 0)
    return jnp.where(there, features / (coefficients.sigma**2 * jnp.where(there, edge, 1.0)), jnp.inf)


def generalisation_time(
    coefficients: FeatureCoefficients, spectrum: Spectrum, features: Scalar, samples: Scalar
) -> Float[Array, ""]:
    """τ_gen = ψ_p/(σ²λ), λ the left edge of the d largest eigenvalues; of the order 1/σ² for any number of points.

    In the unit of `feature_losses` (Bonnaire et al. 2025). Arguments and **raises** as `feature_edges`.
    """
    edges = feature_edges(coefficients, spectrum, features, samples)
    return jnp.asarray(features / (coefficients.sigma**2 * edges.generalised))


def _prepared(
    question: str,
    coefficients: FeatureCoefficients,
    spectrum: Spectrum,
    eigenvalue: ArrayLike,
    features: Scalar,
    samples: Scalar,
) -> tuple[Array, _Problem]:
    eigenvalue = floating(eigenvalue)
    check_double_precision(question, coefficients.remainder)
    sizes = (jnp.asarray(positive(*each), float) for each in (("features", features), ("samples", samples)))
    learned = (coefficients.alpha * coefficients.linear) ** 2 * spectrum.variance
    return eigenvalue, _Problem(learned, coefficients.noise**2, coefficients.nonlinear, *sizes)


@jit
def _density(problem: _Problem, atom: Array, eigenvalue: Array) -> Array:
    point = _solved(problem, _above(eigenvalue.ravel() - atom))
    density = jnp.imag(point.resolvent).reshape(eigenvalue.shape) / jnp.pi
    return jnp.where(eigenvalue > atom, density, 0.0)


@jit
def _distribution(problem: _Problem, atom: Array, eigenvalue: Array) -> Array:
    share = _share(problem, eigenvalue.ravel() - atom).reshape(eigenvalue.shape)
    at_atom = jnp.maximum(0.0, 1 - (1 + problem.samples) / problem.features)
    return jnp.where(eigenvalue > atom, share, jnp.where(eigenvalue == atom, at_atom, 0.0))


@jit
def _edges(problem: _Problem, atom: Array) -> FeatureEdges:
    """By bisection in the logarithm of the distance from s_t²."""
    parts = jnp.stack([problem.samples, jnp.ones_like(problem.samples)]) / problem.features
    target = 1 - parts * (1 - _EDGE_SHARE)
    fixed, goal = jax.lax.stop_gradient((problem, target))

    def halved(_, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = (ends[0] + ends[1]) / 2
        below = _share(fixed, jnp.exp(middle)) < goal
        return jnp.where(below, middle, ends[0]), jnp.where(below, ends[1], middle)

    top = jnp.log(_top(fixed))
    start = jnp.stack([top - 40.0, top - 40.0]), jnp.stack([top, top])
    low, high = jax.lax.fori_loop(0, _BISECTIONS, halved, start)
    found = jnp.exp((low + high) / 2)
    # One step of Newton's method carries the derivatives.
    slope = jnp.imag(_solved(fixed, _above(found)).resolvent) / jnp.pi
    found = found - (_share(problem, found) - target) / slope
    found = atom + nan_unless(problem.features > problem.samples, found)
    return FeatureEdges(found[0], found[1])


def _above(distance: Array) -> Complex[Array, " grid"]:
    """z - s_t², closely above the real axis."""
    return jax.lax.complex(distance, _HEIGHT * jnp.abs(distance))


def _share(problem: _Problem, distance: Array) -> Array:
    """-Im Φ/π, where the principal branches of the logarithms are those that go on from far above the spectrum."""
    shifted = _above(distance)
    q, damping = _solved(problem, shifted)
    seen = problem.learned[None] * damping[:, None] + problem.noise
    # B is in the lower half-plane and q in the upper, so that their product is nowhere real and negative.
    response = jnp.log(1 + problem.features * seen * q[:, None])
    points = problem.samples * (damping - 1 - jnp.log(damping))
    potential = (jnp.mean(response, axis=1) + points) / problem.features
    potential = potential + (problem.nonlinear * damping - shifted) * q - jnp.log(q) - 1
    return -jnp.imag(potential) / jnp.pi


def _top(problem: _Problem) -> Array:
    """No eigenvalue is farther above s_t² for d → ∞: norms of the matrices that U is made of."""
    by_points = (1 + jnp.sqrt(1 / problem.samples)) ** 2
    largest = (jnp.max(problem.learned) * by_points + problem.noise) * (1 + jnp.sqrt(problem.features)) ** 2
    scatter = problem.nonlinear * (1 + jnp.sqrt(problem.features / problem.samples)) ** 2
    return 4 * (largest + scatter)


@jax.jit
def _solved(problem: _Problem, shifted: Complex[Array, " grid"]) -> _Point:
    """q and 1/D at z - s_t²."""
    fixed, end = jax.lax.stop_gradient((problem, shifted))
    real, low = jnp.real(end), jnp.imag(end)
    ratio = jnp.maximum(_top(fixed) / low, 1.0)

    def lower(place: Array, point: _Point) -> _Point:
        here = jax.lax.complex(real, low * ratio ** (1 - (place + 1) / _HALVINGS))
        point = jax.lax.fori_loop(0, _AVERAGED_STEPS, functools.partial(_averaged, fixed, here), point)
        return jax.lax.fori_loop(0, _NEWTON_STEPS, functools.partial(_guarded, fixed, here), point)

    high = jax.lax.complex(real, low * ratio)
    point = _Point(-1 / high, jnp.ones_like(high))
    point = jax.lax.fori_loop(0, _HALVINGS, lower, point)
    last = _newton(problem, shifted, jax.lax.stop_gradient(point))
    error = jnp.abs(last.resolvent / point.resolvent - 1) + jnp.abs(last.damping / point.damping - 1)
    converged = jax.lax.stop_gradient(error < _RESIDUAL)
    return _Point(*(jnp.where(converged, part, jnp.nan) for part in last))


def _averaged(problem: _Problem, shifted: Array, _, point: _Point) -> _Point:
    """Half a step of what maps the two half-planes into themselves."""
    q, damping = point
    seen = problem.learned[None] * damping[:, None] + problem.noise
    response = 1 / (1 + problem.features * seen * q[:, None])
    inverse = problem.nonlinear * damping - shifted + jnp.mean(seen * response, axis=1)
    per_point = jnp.mean(problem.learned[None] * response, axis=1) + problem.nonlinear
    through = 1 + problem.features / problem.samples * per_point * q
    return _Point((q + 1 / inverse) / 2, (damping + 1 / through) / 2)


def _guarded(problem: _Problem, shifted: Array, _, point: _Point) -> _Point:
    """Newton's step where it stays in the half-planes, else another averaged one."""
    step, averaged = _newton(problem, shifted, point), _averaged(problem, shifted, None, point)
    inside = (jnp.imag(step.resolvent) > 0) & (jnp.imag(step.damping) < 0)
    return _Point(*(jnp.where(inside, new, old) for new, old in zip(step, averaged, strict=True)))


def _newton(problem: _Problem, shifted: Array, point: _Point) -> _Point:
    """For the derivatives of Φ in q and 1/D, in their logarithms."""
    q, damping = point
    ratio = problem.samples / problem.features
    seen = problem.learned[None] * damping[:, None] + problem.noise
    response = 1 / (1 + problem.features * seen * q[:, None])
    learned = problem.learned[None] * response
    share = seen * response
    in_q = q * (jnp.mean(share, axis=1) + problem.nonlinear * damping - shifted) - 1
    in_damping = damping * q * (jnp.mean(learned, axis=1) + problem.nonlinear) + ratio * (damping - 1)
    # Second derivatives; those of a logarithm have the first derivative beside them, which is zero at the solution.
    both = q * damping * (jnp.mean(learned * response, axis=1) + problem.nonlinear)
    q_q = q * (jnp.mean(share, axis=1) + problem.nonlinear * damping - shifted)
    q_q = q_q - problem.features * q**2 * jnp.mean(share**2, axis=1)
    d_d = damping * q * (jnp.mean(learned, axis=1) + problem.nonlinear) + ratio * damping
    d_d = d_d - problem.features * (q * damping) ** 2 * jnp.mean(learned**2, axis=1)
    determinant = q_q * d_d - both**2
    step_q = (d_d * in_q - both * in_damping) / determinant
    step_damping = (q_q * in_damping - both * in_q) / determinant
    return _Point(q * jnp.exp(-step_q), damping * jnp.exp(-step_damping))
