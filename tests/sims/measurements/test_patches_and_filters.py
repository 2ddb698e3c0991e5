"""Patches by brute force; filters by SciPy's correlation, NumPy's least squares, and the regression's own optimum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import correlate

from sims.measurements.linear_filters import (
    LinearFilter,
    denoiser_filters,
    fitted_filters,
    r_squared,
)
from sims.measurements.patch_statistics import patch_modes, patch_moments, patch_variances, patches

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize(("size", "stride"), [(3, 1), (6, 3), (9, 3), (2, 2), (4, 4)])
def test_patches_are_cut_out_at_every_position(size, stride, channels):
    images = RANDOM.normal(size=(2, 10, 12, *channels))
    corners = [(i, j) for i in range(0, 10 - size + 1, stride) for j in range(0, 12 - size + 1, stride)]
    expected = [[image[i : i + size, j : j + size].reshape(-1) for i, j in corners] for image in images]
    np.testing.assert_array_equal(patches(images, size, stride), expected)


def test_patch_moments_are_numpys_of_all_patches_in_any_blocks(monkeypatch):
    """Off-centre images in single precision."""
    images = (1000 + RANDOM.normal(size=(7, 9, 9, 2))).astype(np.float32)
    every = patches(images, 3, 2).reshape(-1, 18).astype(float)
    whole = patch_moments(images, 3, 2)
    monkeypatch.setattr("sims.measurements.patch_statistics._BLOCK", 1)
    for moments in (whole, patch_moments(images, 3, 2)):
        np.testing.assert_allclose(moments.mean, every.mean(axis=0), rtol=1e-14)
        np.testing.assert_allclose(moments.covariance, np.cov(every.T), rtol=1e-9, atol=1e-11)


def test_patch_variances_of_samples_in_the_datas_patch_modes():
    """Of the data themselves their own eigenvalues; of samples of twice the size four times as much."""
    images = np.cumsum(RANDOM.normal(size=(30, 8, 8)), axis=2)
    moments = patch_moments(images, 2, 2)
    modes = patch_modes(moments)
    assert np.all(np.diff(modes.variance) <= 0)
    np.testing.assert_allclose(modes.basis.T @ modes.basis, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(patch_variances(moments, modes.basis), modes.variance, rtol=1e-12)
    doubled = patch_variances(patch_moments(2 * images[::-1], 2, 2), modes.basis)
    np.testing.assert_allclose(doubled, 4 * modes.variance, rtol=1e-12)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: patches(np.ones((2, 4)), 2, 1), "images must have the shape"),
        (lambda: patches(np.ones((2, 4, 4)), 5, 1), "must fit into images"),
        (lambda: patches(np.ones((0, 4, 4)), 2, 1), "images must be one or more"),
        (lambda: patch_moments(np.ones((0, 4, 4)), 2, 1), "images must be one or more"),
        (lambda: fitted_filters(np.ones((0, 4, 4, 1)), np.ones((0, 4, 4, 1)), [1]), "images must be one or more"),
        (lambda: fitted_filters(np.ones((1, 4, 4, 1)) * 1j, np.ones((1, 4, 4, 1)), [1]), "images must be real"),
        (lambda: patches(np.ones((2, 4, 4)), 2, 0), "stride must be a whole number of 1 or more; got 0"),
        (lambda: patch_moments(np.full((2, 4, 4), np.nan), 2, 1), "32 of 32 that are NaN"),
        (lambda: patch_moments(np.ones((1, 4, 4)), 4, 1), "two patches or more; got 1"),
        (lambda: fitted_filters(np.ones((1, 4, 4)), np.ones((1, 4, 4)), [1]), "images must be"),
        (lambda: fitted_filters(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1)), [2]), "must be odd numbers"),
        (
            lambda: fitted_filters(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1)), [1.5]),
            "width of a filter must be a whole",
        ),
        (lambda: fitted_filters(np.ones((1, 4, 4, 1)), np.full((1, 4, 4, 1), np.nan), [1]), "images must be finite"),
        (lambda: fitted_filters(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1)), []), "must be odd numbers, one or more"),
        (lambda: fitted_filters(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1)), [1], 0.0), "ridge must be"),
        (
            lambda: denoiser_filters(lambda x, t: x, np.ones((4, 4)), 0.0, [1], key=jax.random.key(0)),
            "noise_level must be positive",
        ),
    ],
)
def test_what_cannot_be_is_refused(ask, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask()


def test_a_filter_correlates_with_zeros_beyond_the_edge():
    images, taps, bias = RANDOM.normal(size=(3, 6, 7, 2)), RANDOM.normal(size=(3, 3, 2, 2)), RANDOM.normal(size=2)
    expected = np.stack(
        [
            sum(correlate(images[..., i], taps[None, ..., i, o], mode="constant") for i in range(2)) + bias[o]
            for o in range(2)
        ],
        axis=-1,
    )
    np.testing.assert_allclose(LinearFilter(taps, bias)(images), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("width", [1, 3, 7])
def test_fitted_filters_are_the_ridge_regression_on_explicit_columns(width):
    """Least squares with rows √ridge·I added and a column for every shift; also of filters wider than images."""
    inputs, outputs, ridge = RANDOM.normal(size=(4, 5, 5, 2)), RANDOM.normal(size=(4, 5, 5, 2)), 0.7
    reach = width // 2
    padded = np.pad(inputs, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    columns = [padded[:, a : a + 5, b : b + 5, c].ravel() for a in range(width) for b in range(width) for c in range(2)]
    design = np.stack([*columns, np.ones(100)], axis=1)
    penalty = np.sqrt(ridge) * np.eye(design.shape[1])[:-1]
    answers = np.concatenate([outputs.reshape(-1, 2), np.zeros((len(penalty), 2))])
    expected = np.linalg.lstsq(np.concatenate([design, penalty]), answers, rcond=None)[0]
    for widths in ([width], [7, width]):
        found = fitted_filters(inputs, outputs, widths, ridge)[-1]
        assert found.width == width
        np.testing.assert_allclose(found.taps.reshape(-1, 2), expected[:-1], atol=1e-10)
        np.testing.assert_allclose(found.bias, expected[-1], atol=1e-10)


def test_filter_of_a_denoiser_that_is_one_is_found_with_all_its_variance():
    taps = np.random.default_rng(3).normal(size=(3, 3, 1, 1))
    exact = LinearFilter(taps, np.array([0.4]))
    kernel = jnp.asarray(taps[..., 0, 0])

    def denoiser(x, time):
        del time
        images = jnp.pad(x.reshape(-1, 6, 6), ((0, 0), (1, 1), (1, 1)))
        shifted = [kernel[a, b] * images[:, a : a + 6, b : b + 6] for a in range(3) for b in range(3)]
        return sum(shifted).reshape(x.shape) + 0.4

    image = np.random.default_rng(4).normal(size=(6, 6))
    narrow, same, wide = denoiser_filters(denoiser, image, 0.8, [1, 3, 5], key=jax.random.key(0), ridge=1e-10, block=30)
    np.testing.assert_allclose(same.filter.taps, exact.taps, atol=1e-10)
    np.testing.assert_allclose(wide.filter.taps[1:-1, 1:-1], exact.taps, atol=1e-10)
    assert narrow.r_squared < 0.9 < 1 - 1e-12 < same.r_squared <= 1
    bent = denoiser_filters(lambda x, t: jnp.abs(denoiser(x, t)), image, 0.8, [3], key=jax.random.key(0), noises=30)[0]
    assert bent.r_squared < 0.8


def test_share_of_variance_is_that_of_a_known_remainder():
    random = np.random.default_rng(1)
    images = random.normal(size=(200, 5, 5, 1))
    outputs = 2 * images + 0.5 * random.normal(size=images.shape)
    found = r_squared(fitted_filters(images, outputs, [1])[0], images, outputs)
    np.testing.assert_allclose(found, 4 / 4.25, atol=0.01)
    assert np.isnan(r_squared(LinearFilter(np.zeros((1, 1, 1, 1)), np.zeros(1)), images, np.ones_like(images)))


def test_filter_that_denoises_is_the_centre_row_of_the_patch_covariance_over_itself_plus_noise():
    """Regression of the clean centre on a noisy patch: Σ_P(Σ_P + σ²)^-1, by patches that count what lies beyond the
    edge as zero, as the fit does; without its bias for images of mean zero."""
    random, sigma = np.random.default_rng(2), 0.7
    images = random.normal(size=(400, 14, 14))
    images = images[:, 1:-1, 1:-1] + images[:, :-2, 1:-1] + 0.5 * images[:, 1:-1, 2:]
    padded, inside = (np.pad(each, ((0, 0), (1, 1), (1, 1))) for each in (images, np.ones((1, 12, 12))))
    every, share = patches(padded, 3, 1).reshape(-1, 9), patches(inside, 3, 1).mean(axis=(0, 1))
    second_moment = every.T @ every / len(every)
    # Beyond the edge there is no noise either: its variance in a patch is that of the pixels inside.
    row = np.linalg.solve(second_moment + sigma**2 * np.diag(share), second_moment[4])
    noisy = images + sigma * random.normal(size=images.shape)
    found = fitted_filters(noisy[..., None], images[..., None], [3])[0]
    np.testing.assert_allclose(found.taps.ravel(), row, atol=0.02)
    assert np.ptp(row) > 0.3
