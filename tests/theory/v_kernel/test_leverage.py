"""Every sample's own leverage: the law of the weights and its derivatives, against plain iteration in NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.oracles.v_kernels import BOX, TRIPLE, VP, few_points, local_equivalent
from theory import GaussianFeatures, LinearVKernel, PointMasses

FEATURES, POPULATION, DRAWS, RIDGE = GaussianFeatures(1, 3, 2, **BOX), few_points(count=40), 30.0, 0.1


def law(parameters):
    """E W and Cov W at (P, ξ), in one vector."""
    data, (draws, ridge) = PointMasses(TRIPLE), parameters
    kernel = LinearVKernel(data, VP, FEATURES, draws, ridge, population=POPULATION)
    factor = kernel.weight_factor[0]
    return jnp.concatenate([kernel.mean_weights[0], (factor @ factor.T).ravel()])


def exact_law(draws, ridge):
    weights, covariance = local_equivalent(FEATURES, POPULATION, draws, ridge)
    return np.concatenate([weights, covariance.ravel()])


@functools.cache
def slopes_and_law():
    """∂/∂P and ∂/∂ξ of the law, and the law itself."""
    with_value = jax.jit(jax.jacfwd(lambda parameters: 2 * (law(parameters),), has_aux=True))
    slopes, value = with_value(jnp.asarray([DRAWS, RIDGE]))
    return np.asarray(slopes).T, np.asarray(value)


@pytest.mark.slow
def test_law_of_the_weights():
    number, exact = FEATURES.number, exact_law(DRAWS, RIDGE)
    for part in (slice(number), slice(number, None)):
        np.testing.assert_allclose(slopes_and_law()[1][part], exact[part], atol=1e-5 * np.abs(exact[part]).max())


def derivatives():
    """∂/∂P and ∂/∂ξ by complex steps through the oracle."""
    step = 1e-30
    return exact_law(DRAWS + 1j * step, RIDGE).imag / step, exact_law(DRAWS, RIDGE + 1j * step).imag / step


def test_forward_derivatives_in_draws_and_ridge():
    """As accurate as the solution, 1e-5 in the root mean square."""
    number = FEATURES.number
    for derivative, exact in zip(slopes_and_law()[0], derivatives(), strict=True):
        for part in (slice(number), slice(number, None)):
            np.testing.assert_allclose(derivative[part], exact[part], atol=1e-4 * np.abs(exact[part]).max())


@pytest.mark.slow
def test_reverse_derivatives_in_draws_and_ridge():
    """Of one number that mixes mean and covariance, in units of the size of each."""
    size = np.abs(exact_law(DRAWS, RIDGE))
    weights = np.random.default_rng(0).normal(size=size.shape) / size
    gradient = jax.jit(jax.grad(lambda parameters: weights @ law(parameters)))(jnp.asarray([DRAWS, RIDGE]))
    for slope, exact in zip(gradient, derivatives(), strict=True):
        np.testing.assert_allclose(slope, weights @ exact, rtol=1e-3)
