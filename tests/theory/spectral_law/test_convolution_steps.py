"""Finite gradient steps of convolutions against steps along the explicit gradient, and their limit."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.oracles import convolutions as pixels
from tests.theory.spectral_law.convolution_settings import (
    centre,
    oracle_of,
    patch_of,
)
from theory import (
    EDM,
    FullWidthConvolution,
)
from theory.definitions.targets import DenoiserTarget
from theory.spectral_law.parametrisations.patch_convolution import patch_gradient_descent
from theory.spectral_law.regression import gradient_descent, mode_regression


@pytest.mark.parametrize(("grid", "widths"), [((7,), (3,)), ((4, 3), (3, 3))])
def test_patch_descent_equals_steps_along_the_explicit_gradient(grid, widths):
    autocovariance, levels = pixels.random_autocovariance(grid), [0.3, 0.7]
    oracle, start = oracle_of(autocovariance, widths), np.random.default_rng(0).normal(size=np.prod(widths))
    sizes, steps = np.array([[0.01, 0.004], [0.002, 0.003]]), np.array([5, 20])
    denoiser = patch_of(autocovariance, widths, initial_filter=start.reshape(widths))
    taps = patch_gradient_descent(denoiser, jnp.asarray(sizes), jnp.asarray(steps), jnp.asarray(levels))
    assert taps.shape == (2, 2, *widths)
    for level, t in enumerate(levels):
        first = oracle.descent(start, sizes[0, level], 5, t)
        second = oracle.descent(first, sizes[1, level], 20, t)
        np.testing.assert_allclose(taps[:, level].reshape(2, -1), [first, second], rtol=0, atol=1e-12)
    shared = patch_gradient_descent(denoiser, jnp.asarray([0.01, 0.002]), jnp.asarray(steps), jnp.asarray(levels))
    np.testing.assert_allclose(shared[0, 0], taps[0, 0], rtol=0, atol=1e-14)


def test_full_width_descent_is_that_of_the_modes_with_n_fold_steps():
    autocovariance = pixels.random_autocovariance((6,))
    denoiser = FullWidthConvolution.from_autocovariance(autocovariance, EDM(), 0.4, 1.0)
    oracle = oracle_of(autocovariance, (6,))
    regression = mode_regression(denoiser.spectrum.variance, EDM(), DenoiserTarget(), jnp.asarray(0.7))
    gain = gradient_descent(regression, denoiser.initial_gain, 6 * jnp.asarray([0.01]), jnp.asarray([9]))[0]
    basis = np.asarray(denoiser.spectrum.basis)
    expected = oracle.map(oracle.descent(centre((6,), 0.4), 0.01, 9, 0.7))
    np.testing.assert_allclose(gain, np.diag(basis.T @ expected @ basis), rtol=0, atol=1e-13)


def test_descent_converges_at_first_order_to_the_flow():
    denoiser = patch_of(pixels.random_autocovariance((7,)), 3, gain=0.3)
    flow = denoiser.weights(0.1, 0.7)
    errors = [
        np.abs(
            patch_gradient_descent(denoiser, jnp.asarray([0.1 / n]), jnp.asarray([n]), jnp.asarray([0.7]))[0, 0] - flow
        ).max()
        for n in (1000, 2000, 4000)
    ]
    assert errors[0] < 1e-3
    np.testing.assert_allclose([errors[0] / errors[1], errors[1] / errors[2]], 2, rtol=0.01)
