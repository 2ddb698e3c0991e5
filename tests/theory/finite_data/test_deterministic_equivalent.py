"""Effective ridge and equivalents of functions of a sample covariance against their equations and exact polynomials."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from theory import (
    effective_ridge,
)
from theory.finite_data.deterministic_equivalent import degrees_of_freedom, expected_function, variance_of_function


def test_effective_ridge_solves_its_equation():
    eigenvalues = np.geomspace(5.0, 1e-3, 40)
    for samples in (20, 40, 200):
        for ridge in (jnp.asarray([1e-6, 0.1, 10.0]), jnp.asarray([-3.0 + 0.1j, 1.0 - 2.0j])):
            kappa = np.asarray(effective_ridge(eigenvalues, samples, ridge))
            seen = np.sum(eigenvalues * kappa[:, None] / (eigenvalues + kappa[:, None]), axis=1) / samples
            np.testing.assert_allclose(kappa, np.asarray(ridge) + seen, rtol=1e-11)
            assert (np.sign(kappa.imag) == np.sign(np.asarray(ridge).imag)).all()
    # Fewer samples than dimensions leave a ridge without any ridge: df₁ = n. Flat spectrum: a quadratic equation.
    kappa = effective_ridge(eigenvalues, 20, 0.0)
    np.testing.assert_allclose(degrees_of_freedom(eigenvalues, kappa, 0.0), 20, rtol=1e-11)
    flat, gamma, ridge = effective_ridge(np.ones(30), 60, 0.4), 0.5, 0.4
    b = 1 - ridge - gamma
    np.testing.assert_allclose(flat, (-b + np.sqrt(b**2 + 4 * ridge)) / 2, rtol=1e-13)
    slope = jax.grad(lambda ridge: effective_ridge(eigenvalues, 60, ridge))(0.3)
    np.testing.assert_allclose(
        slope,
        (effective_ridge(eigenvalues, 60, 0.3 + 1e-5) - effective_ridge(eigenvalues, 60, 0.3 - 1e-5)) / 2e-5,
        rtol=1e-8,
    )


@pytest.mark.parametrize(("draws", "ridge"), [(3, 0.0), (3, 0.2), (12, 1e-3), (500, 0.1), (8, 0.0)])
def test_effective_ridge_of_eigenvalues_many_decades_apart(draws, ridge):
    eigenvalues = np.array([10.0, 3.0, 1.0, 0.1, 1e-3, 1e-9, 0.0, 0.0])

    def excess(kappa):
        return kappa - ridge - kappa / draws * np.sum(eigenvalues / (eigenvalues + kappa))

    kappa = float(effective_ridge(eigenvalues, draws, ridge))
    if ridge == 0 and draws > 6:
        assert kappa < 1e-12
    else:
        np.testing.assert_allclose(kappa, scipy.optimize.brentq(excess, 1e-8, 1e3, xtol=1e-15), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("samples", "margin"), [(20, 1.0), (20, 1e-9), (200, 1e-4)])
def test_polynomials_of_the_sample_covariance(samples, margin):
    """Moments known from Wick's theorem, leading order in 1/n; Var Σ̂_kl and Cov(Σ̂_kl, (Σ̂²)_kl) among them."""
    eigenvalues = np.geomspace(5.0, 1e-2, 40)
    trace, square = eigenvalues.sum() / samples, np.sum(eigenvalues**2) / samples
    moments = {
        0: np.ones(40),
        1: eigenvalues,
        2: eigenvalues**2 + eigenvalues * trace,
        3: eigenvalues**3 + 2 * eigenvalues**2 * trace + eigenvalues * (square + trace**2),
    }
    for power, expected in moments.items():
        value = expected_function(lambda z, power=power: z**power, eigenvalues, samples, margin)
        np.testing.assert_allclose(value, expected, rtol=1e-10)
    pairs = 1 + np.eye(40)
    variance = variance_of_function(lambda z: z, eigenvalues, samples, margin)
    np.testing.assert_allclose(variance, np.outer(eigenvalues, eigenvalues) / samples * pairs, rtol=1e-8)
    np.testing.assert_allclose(
        variance_of_function(lambda z: 3 * z + 7, eigenvalues, samples, margin), 9 * np.asarray(variance), rtol=1e-10
    )


@pytest.mark.parametrize("x64", [False, True])
def test_as_many_samples_as_dimensions_leave_no_ridge(x64):
    """κ = 0 is a double root there, which Newton's method reaches as 0/0; next to it κ ~ √l."""
    with jax.enable_x64(x64):
        eigenvalues = jnp.asarray(np.arange(1, 25) ** -1.3)
        assert effective_ridge(eigenvalues, 24, 0.0) == 0
        kappa = float(effective_ridge(eigenvalues, 24, 1e-9))
        excess = kappa - 1e-9 - kappa / 24 * np.sum(np.asarray(eigenvalues) / (np.asarray(eigenvalues) + kappa))
        assert abs(excess) < (1e-5 if not x64 else 1e-13) * kappa
