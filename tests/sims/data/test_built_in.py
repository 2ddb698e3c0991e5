"""Built-in data sets against the photographs and their definitions."""

from typing import Literal

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_sample_images

from sims.data import built_in as datasets

KEY = jax.random.key(7)


# --- Photographs, digits, Gaussians ---


@pytest.mark.parametrize("channels", ["grey", "colour"])
@pytest.mark.parametrize("size", [1, 8, 32])
def test_patches_are_cut_from_the_photographs(channels: Literal["grey", "colour"], size: int):
    patches = datasets.natural_image_patches(KEY, count=30, size=size, channels=channels)
    assert patches.dtype == np.float64
    assert patches.shape == (30, size * size * (3 if channels == "colour" else 1))
    assert np.abs(patches).max() <= 1.0
    photographs = load_sample_images().images
    found_in = {_photograph_holding(patch, photographs, size) for patch in patches}
    assert found_in == {0, 1}  # both photographs are used, and no patch comes from elsewhere


def _photograph_holding(patch: np.ndarray, photographs: list[np.ndarray], size: int) -> int | None:
    """Brute force: every place whose first pixel agrees is compared in full."""
    patch = patch.reshape(size, size, -1)
    for index, photograph in enumerate(photographs):
        pixels = photograph / 127.5 - 1.0
        if patch.shape[-1] == 1:
            red, green, blue = np.moveaxis(pixels, -1, 0)
            pixels = (0.299 * red + 0.587 * green + 0.114 * blue)[..., np.newaxis]
        places = np.argwhere(np.all(np.abs(pixels - patch[0, 0]) < 1e-12, axis=-1))
        for row, column in places:
            window = pixels[row : row + size, column : column + size]
            if window.shape == patch.shape and np.allclose(window, patch, rtol=0, atol=1e-12):
                return index
    return None


def test_patches_as_large_as_the_photographs():
    patches = datasets.natural_image_patches(KEY, count=2, size=427)
    assert patches.shape == (2, 427 * 427)


def test_single_pixels_have_the_statistics_of_the_photographs():
    """One-pixel patches sample all pixels uniformly: mean within 4 standard errors."""
    pixels = np.stack(load_sample_images().images) / 127.5 - 1.0
    luma = pixels @ [0.299, 0.587, 0.114]
    sample = datasets.natural_image_patches(KEY, count=200_000, size=1)
    assert abs(sample.mean() - luma.mean()) < 4 * luma.std() / np.sqrt(200_000)


@pytest.mark.parametrize(("name", "index"), [("temple", 0), ("flower", 1)])
def test_patches_of_one_photograph_are_of_that(name, index):
    photographs = load_sample_images().images
    assert "china" in load_sample_images().filenames[0]  # of the temple
    patches = datasets.natural_image_patches(KEY, count=8, size=8, of=name)
    assert {_photograph_holding(patch, photographs, 8) for patch in patches} == {index}


def test_patches_repeat_with_the_key_and_change_with_it():
    first = datasets.natural_image_patches(KEY, count=20)
    assert np.array_equal(first, datasets.natural_image_patches(KEY, count=20))
    assert not np.array_equal(first, datasets.natural_image_patches(jax.random.key(8), count=20))


def test_patches_do_not_depend_on_the_float_precision():
    first = datasets.natural_image_patches(KEY, count=20)
    with jax.enable_x64(False):
        assert np.array_equal(first, datasets.natural_image_patches(KEY, count=20))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"count": 3, "size": 428}, "between 1 and 427.*427 x 640 photographs; got 428"),
        ({"count": 3, "size": 0}, "size must be a whole number of 1 or more; got 0"),
        ({"count": 0}, "count must be a whole number of 1 or more; got 0"),
        ({"count": 3, "channels": "gray"}, "'grey' or 'colour'; got 'gray'"),
        ({"count": 3, "of": np.array(["temple", "flower"])}, "of must be 'both', 'temple' or 'flower'; got array"),
        ({"count": 3, "of": "china"}, "of must be 'both', 'temple' or 'flower'; got 'china'"),
    ],
)
def test_patches_refuse(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        datasets.natural_image_patches(KEY, **arguments)


def test_digits():
    digits = datasets.digits()
    assert digits.shape == (1797, 64)
    assert digits.dtype == np.float64
    assert (digits.min(), digits.max()) == (-1.0, 1.0)
    assert np.array_equal((digits + 1.0) * 8.0, load_digits(return_X_y=True)[0])


def test_gaussian_samples_have_the_mean_and_covariance():
    """Each entry of the sample moments within 5 standard errors of the defining formula."""
    count, mean, variances = 50_000, np.array([1.0, -2.0, 0.5]), np.array([4.0, 1.0])
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 2)))[0]
    samples = datasets.gaussian_samples(KEY, count=count, mean=mean, variances=variances, basis=basis)
    assert samples.shape == (count, 3)
    assert samples.dtype == np.float64
    covariance = basis @ np.diag(variances) @ basis.T
    spread = np.diag(covariance)
    assert np.all(np.abs(samples.mean(axis=0) - mean) < 5 * np.sqrt(spread / count))
    standard_error = np.sqrt((np.outer(spread, spread) + covariance**2) / count)
    assert np.all(np.abs(np.cov(samples.T) - covariance) < 5 * standard_error)
    null_direction = np.linalg.svd(basis.T)[2][-1]
    np.testing.assert_allclose((samples - mean) @ null_direction, 0.0, atol=1e-13)


def test_gaussian_samples_scale_one_standard_normal_draw():
    normal = datasets.gaussian_samples(KEY, count=5, mean=[0.0, 0.0], variances=[1.0, 1.0])
    samples = datasets.gaussian_samples(KEY, count=5, mean=[3.0, 1.0], variances=[9.0, 0.0])
    assert np.array_equal(samples, normal * [3.0, 0.0] + [3.0, 1.0])
    swapped = datasets.gaussian_samples(KEY, count=5, mean=[3.0, 1.0], variances=[9.0, 0.0], basis=[[0, 1], [1, 0]])
    np.testing.assert_allclose(swapped, (samples - [3.0, 1.0])[:, ::-1] + [3.0, 1.0], rtol=1e-15)
    assert not np.array_equal(
        normal, datasets.gaussian_samples(jax.random.key(8), count=5, mean=[0.0, 0.0], variances=[1.0, 1.0])
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"count": 0, "mean": [0.0], "variances": [1.0]}, "count must be a whole number of 1 or more; got 0"),
        ({"count": 2, "mean": [0.0], "variances": [-1.0]}, "variances must be zero or more; got -1"),
        ({"count": 2, "mean": [0.0], "variances": [np.nan]}, "variances must be zero or more; got nan"),
        ({"count": 2, "mean": [0.0, 0.0], "variances": [1.0]}, r"got \(2,\), \(1,\) and \(2, 2\)"),
        ({"count": 2, "mean": 0.0, "variances": [1.0]}, r"got \(\), \(1,\) and"),
        ({"count": 2, "mean": [0.0], "variances": [1.0], "basis": np.eye(2)}, r"and \(2, 2\)"),
    ],
)
def test_gaussian_samples_refuse(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        datasets.gaussian_samples(KEY, **arguments)


# --- Point masses ---


def test_point_masses_of_vastola():
    assert datasets.triple().tolist() == [[-1.0], [0.0], [1.0]]
    np.testing.assert_allclose(datasets.line(), [[v, v] for v in (-1, -0.6, -0.2, 0.2, 0.6, 1)], atol=1e-15)
    corner = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0.5, -1), (1, -1)]
    assert np.array_equal(datasets.l_shape(), corner)
    irregular = [(-1, -1), (-0.9, 1), (-0.3, 0.2), (0.1, -0.1), (0.2, -0.1), (0.9, 0.7)]
    assert np.array_equal(datasets.random_points(), irregular)


@pytest.mark.parametrize("vertices", [1, 3, 4, 6])
def test_polygon_is_the_roots_of_unity(vertices: int):
    corners = datasets.polygon(vertices, angle=0.3, radius=2.0)
    assert corners.shape == (vertices, 2)
    corners = corners[:, 0] + 1j * corners[:, 1]
    np.testing.assert_allclose((corners / (2 * np.exp(0.3j))) ** vertices, 1.0, atol=1e-14)
    assert corners[0] == pytest.approx(2 * np.exp(0.3j), abs=1e-15)
    assert len(np.unique(corners.round(12))) == vertices
    with pytest.raises(ValueError, match="vertices must be a whole number of 1 or more; got 0"):
        datasets.polygon(0)


def test_rotated_square():
    np.testing.assert_allclose(datasets.rotated_square(0.0), [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=1e-15)
    half = np.sqrt(0.5)
    expected = [[half, half], [-half, half], [-half, -half], [half, -half]]
    np.testing.assert_allclose(datasets.rotated_square(np.pi / 4), expected, atol=1e-15)
