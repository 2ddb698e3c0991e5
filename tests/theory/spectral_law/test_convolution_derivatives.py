"""Derivatives of what convolutions generate, also at coinciding variances, against complex steps in pixels."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.oracles import convolutions as pixels
from tests.theory.spectral_law.convolution_settings import SETTINGS, centre, patch_of
from theory import (
    generated_variance,
)

DEGENERATE = {
    "random": pixels.random_autocovariance((7,)),
    "white": 0.8 * np.eye(1, 7)[0],
    "almost white": 0.8 * np.eye(1, 7)[0] + 1e-9 * np.cos(2 * np.pi * np.arange(7) / 7),
    "square": sum(pixels.random_autocovariance((4, 4), s) + pixels.random_autocovariance((4, 4), s).T for s in (0, 1)),
    "rank one": 1.0 + 0 * np.arange(7),
}


@functools.cache
def slopes_of_the_log_variance(widths):
    """Directional derivatives with respect to autocovariance, initial filter and time, and the whole Jacobians."""

    def answer(acf, taps, tau):
        return jnp.log(generated_variance(patch_of(acf, widths, initial_filter=taps), tau))

    return (
        jax.jit(lambda arguments, tangents: jax.jvp(answer, arguments, tangents)[1]),
        jax.jit(jax.jacrev(answer, argnums=(0, 1, 2))),
    )


@pytest.mark.slow
@pytest.mark.parametrize("autocovariance", DEGENERATE.values(), ids=DEGENERATE)
def test_derivatives_equal_complex_steps_of_training_and_sampling_in_pixels(autocovariance):
    """With respect to the autocovariance, also where eigenvalues of the patch covariance coincide, and the filter."""
    grid, widths = autocovariance.shape, (3,) * autocovariance.ndim
    start, times = centre(widths, 0.4), np.array([1e-3, 0.05])
    direction = pixels.random_autocovariance(grid, seed=5)
    tilt = np.random.default_rng(1).normal(size=np.prod(widths))
    basis = np.asarray(patch_of(autocovariance, widths, gain=0.0).spectrum.basis)
    derivative, jacobian = slopes_of_the_log_variance(widths)
    arguments = tuple(map(jnp.asarray, (autocovariance, start.reshape(widths), times)))
    covariance, step = pixels.stationary_covariance(autocovariance), 1e-30j

    for name, in_covariance, in_filter in [("autocovariance", 1.0, 0.0), ("filter", 0.0, 1.0)]:
        tangents = (in_covariance * direction, in_filter * tilt.reshape(widths), np.zeros(2))
        slope = derivative(arguments, tuple(map(jnp.asarray, tangents)))
        perturbed = covariance + step * in_covariance * pixels.stationary_covariance(direction)
        oracle = pixels.Convolution(perturbed, grid, widths, *SETTINGS["edm"][2:5])
        expected = oracle.log_variance(start + step * in_filter * tilt, times, basis).imag / 1e-30
        np.testing.assert_allclose(slope, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max(), err_msg=name)
    for tau in ([0.0, 1e-3], [5.0, np.inf]):
        for leaf in jacobian(*arguments[:2], jnp.asarray(tau)):
            assert np.isfinite(leaf).all()


@pytest.mark.slow
def test_derivative_of_the_quadrature_and_of_the_filter_at_white_noise():
    """Without closed form the same rule works inside the quadrature."""
    white, direction, h = jnp.asarray(0.8 * np.eye(1, 7)[0]), jnp.asarray(pixels.random_autocovariance((7,))), 1e-4

    @jax.jit
    def answer(size):
        denoiser = patch_of(white + size * direction, 3, SETTINGS["vp"], 0.3)
        return jnp.log(generated_variance(denoiser, 0.05)), denoiser.weights(0.05, 0.3)

    _, slopes = jax.jvp(answer, (0.0,), (1.0,))
    points = [answer(k * h) for k in (-2, -1, 1, 2)]
    for slope, *values in zip(slopes, *points, strict=True):
        expected = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        np.testing.assert_allclose(slope, expected, rtol=0, atol=1e-9)
