"""Derivatives of feature kernels in ridge, draws, time and data, also where eigenvalues coincide; single precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.oracles.v_kernels import VP, coarse_population, small_features
from theory import FourierFeatures, LazyVKernel, LinearVKernel, PointMasses
from theory.v_kernel.modes import positive_factor

# The symmetries of the square make eigenvalues of E[w φφᵀ] coincide.
SQUARE = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
RNG = np.random.default_rng(0)
PLACES = jnp.asarray(RNG.normal(size=(4, 2))), jnp.full(4, 0.2)
LINEAR_ORDERS = ["leading", "corrected", "deterministic_equivalent", "local_equivalent"]
LAZY_ORDERS = ["fixed_design", "first_order", "corrected"]


def summary(kernel):
    """A number that depends on all of V and of the mean."""
    waves = jnp.sin(1.0 + jnp.arange(16.0)).reshape(4, 2, 2)
    return jnp.sum(waves * kernel(PLACES, PLACES)) + jnp.sum(kernel.mean_score(PLACES)[:, 0])


def assert_derivatives(function, at, steps):
    """Forward and reverse mode against central differences, in each of the arguments."""
    forward = jax.jit(jax.jacfwd(lambda arguments: 2 * (function(*arguments),), has_aux=True))
    at = jnp.asarray(at)
    up, down = ([forward(moved)[1] for moved in at[None] + sign * np.diag(steps)] for sign in (1, -1))
    difference = (np.asarray(up) - np.asarray(down)) / (2 * np.asarray(steps))
    backward = jax.jit(jax.grad(lambda arguments: function(*arguments)))
    for derivative in (forward(at)[0], backward(at)):
        np.testing.assert_array_less(np.abs(derivative - difference), np.abs(difference) * 1e-5 + 1e-9)


# The last is held against complex steps in `test_leverage`.
@pytest.mark.slow_cases("leading", "deterministic_equivalent")
@pytest.mark.parametrize("order", [*LINEAR_ORDERS[:3], pytest.param(LINEAR_ORDERS[3], marks=pytest.mark.slow)])
def test_linear_kernels(order):
    population = coarse_population(SQUARE)

    def kernel(ridge, draws, scale):
        data = PointMasses(SQUARE * scale)
        return summary(LinearVKernel(data, VP, small_features(2), draws, ridge, order=order, population=population))

    assert_derivatives(kernel, [0.1, 300.0, 1.0], [1e-4, 0.03, 1e-5])


@pytest.mark.slow_cases("fixed_design")
@pytest.mark.parametrize("order", LAZY_ORDERS)
def test_lazy_kernels(order):
    data, population = PointMasses(SQUARE), coarse_population(SQUARE)

    def kernel(tau, draws):
        return summary(LazyVKernel(data, VP, small_features(2), draws, tau, order=order, population=population))

    assert_derivatives(kernel, [2.0, 300.0], [1e-4, 0.03])


def test_factor_of_a_matrix_with_equal_and_vanishing_eigenvalues():
    """L Lᵀ has the derivative of the matrix; paths keep the rank."""
    basis = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    left = RNG.normal(size=(5, 5)) / 3
    matrix = basis @ np.diag([2.0, 2.0, 1.0, 0.0, 0.0]) @ basis.T
    tangent = left @ matrix + matrix @ left.T
    factor, moved = jax.jvp(positive_factor, (jnp.asarray(matrix),), (jnp.asarray(tangent),))
    np.testing.assert_allclose(factor @ factor.T, matrix, atol=1e-13)
    np.testing.assert_allclose(moved @ factor.T + factor @ moved.T, tangent, atol=1e-12)


def fourier(per_axis):
    return FourierFeatures(1, per_axis, per_axis, positions=(-1.5, 1.5), times=(VP.end_time, 1.0))


@pytest.mark.slow_cases("0.1-leading", "0.1-local_equivalent")
@pytest.mark.parametrize("order", LINEAR_ORDERS)
@pytest.mark.parametrize("ridge", [0.1, 1e-2, 1e-4, 0.0])
def test_single_precision_is_right_or_refused(order, ridge):
    double, single = kernels_in_both(
        lambda data, features, population: LinearVKernel(
            data, VP, features, 2000, ridge, order=order, population=population
        )
    )
    assert_right_or_refused(double, single, must_work=ridge == 0.1)


@pytest.mark.parametrize("order", LAZY_ORDERS)
@pytest.mark.parametrize("tau", [1.0, 10.0, 1e3, np.inf])
def test_lazy_kernels_in_single_precision(order, tau):
    double, single = kernels_in_both(
        lambda data, features, population: LazyVKernel(
            data, VP, features, 2000, tau, order=order, population=population
        )
    )
    assert_right_or_refused(double, single, must_work=tau <= 10)


def assert_right_or_refused(double, single, *, must_work):
    if isinstance(single, ValueError):
        assert "jax_enable_x64" in str(single)
        assert not must_work
    else:
        np.testing.assert_allclose(single, double, rtol=1e-2)


def kernels_in_both(build):
    """Variance of the score in double precision, and in single precision or the refusal."""

    def variance():
        points = np.array([[-1.0], [0.0], [1.0]])
        kernel = build(PointMasses(points), fourier(6), coarse_population(points))
        places = jnp.linspace(-1.5, 1.5, 7)[:, None], jnp.full(7, 0.1)
        return np.asarray(kernel.score_covariance(places, places))[:, 0, 0]

    double = variance()
    with jax.enable_x64(False):
        try:
            return double, variance()
        except ValueError as error:
            return double, error
