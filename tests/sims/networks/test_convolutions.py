"""Convolutions against scipy.ndimage and against their circulant matrices; moments of patches against patches."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage

from sims.networks.convolution import ConvolutionDenoiser, convolution_denoiser
from sims.networks.linear import linear_denoiser, total_maps_of
from sims.training.linear_losses import shift_moments, sufficient_moments
from sims.training.pairs import noisy_moments

GRIDS = [((7,), (3,)), ((8,), (1,)), ((9,), (9,)), ((5, 6), (3, 5)), ((4, 7), (1, 7)), ((5, 5), (5, 5))]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("grid", "widths"), GRIDS)
def test_convolution_is_scipys_correlation(grid, widths):
    kernel, x = RNG.normal(size=widths), RNG.normal(size=grid)
    network = ConvolutionDenoiser(jnp.asarray(kernel), grid)
    expected = scipy.ndimage.correlate(x, kernel, mode="wrap").ravel()
    output = eqx.filter_jit(network)(jnp.asarray(x.ravel()))
    np.testing.assert_allclose(output, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(total_maps_of(network) @ x.ravel(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("length", [5, 8])
def test_full_width_map_is_the_circulant_matrix(length):
    """Also of even length, where the first tap sits opposite to the pixel."""
    kernel = RNG.normal(size=length)
    first_column = np.roll(kernel, -(length // 2))[-np.arange(length)]  # w(-j)
    maps = total_maps_of(ConvolutionDenoiser(jnp.asarray(np.stack([kernel, 2 * kernel])), (length,)))
    np.testing.assert_array_equal(maps[0], scipy.linalg.circulant(first_column))
    np.testing.assert_array_equal(maps[1], 2 * scipy.linalg.circulant(first_column))


@pytest.mark.parametrize(("grid", "widths"), [*GRIDS, ((8,), (8,)), ((4, 6), (4, 3))])
def test_initial_filter_passes_its_input(grid, widths):
    network = convolution_denoiser(grid, widths, 0.3)
    assert network.kernel.dtype == "float32"
    np.testing.assert_allclose(total_maps_of(network), 0.3 * np.eye(np.prod(grid)), rtol=1e-7)


@pytest.mark.parametrize(
    ("grid", "widths"), [((8,), (4,)), ((8,), (9,)), ((8,), (0,)), ((8, 8), (3,)), ((8,), (3, 3)), ((5, 4), (3, 2))]
)
def test_filter_refuses(grid, widths):
    with pytest.raises(ValueError, match="must be (odd|a whole number)"):
        convolution_denoiser(grid, widths, 0.1)


def test_moments_of_shifts_are_for_convolutions():
    moments = noisy_moments(jnp.ones((3, 4)), jnp.ones((3, 4)), jnp.ones(2))
    with pytest.raises(ValueError, match="must train a ConvolutionDenoiser; got LinearDenoiser"):
        sufficient_moments(linear_denoiser(4, 0.1), shift_moments(moments, (4,)))


@pytest.mark.parametrize(("grid", "widths"), [((7,), (3,)), ((6,), (6,)), ((4, 5), (3, 1))])
def test_moments_of_patches_are_those_of_the_pixels_under_the_filter(grid, widths):
    pixels, sigma = int(np.prod(grid)), np.array([0.5, 3.0])
    clean, noise = RNG.normal(size=(2, 30, pixels)) + 0.7
    moments = noisy_moments(jnp.asarray(clean), jnp.asarray(noise), jnp.asarray(sigma))
    network = convolution_denoiser(grid, widths, 0.1)
    patches = sufficient_moments(network, moments)
    for array, expected in zip(sufficient_moments(network, shift_moments(moments, grid)), patches, strict=True):
        np.testing.assert_array_equal(array, expected)
    for level in range(2):
        noisy = (clean + sigma[level] * noise).reshape(30, *grid)
        cross, second = 0.0, 0.0
        for pixel in np.ndindex(grid):
            places = [
                tuple((i + j - width // 2) % n for i, j, width, n in zip(pixel, tap, widths, grid, strict=True))
                for tap in np.ndindex(widths)
            ]
            patch = np.stack([noisy[:, *place] for place in places], axis=1)
            cross = cross + clean.reshape(30, *grid)[:, *pixel] @ patch / 30
            second = second + patch.T @ patch / 30
        np.testing.assert_allclose(patches.cross[level], cross, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(patches.noisy[level], second, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(patches.target[level], np.mean(np.sum(clean**2, axis=1)), rtol=1e-12)
