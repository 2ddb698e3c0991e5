"""What the figures of patches, filters and Jacobians claim of known arrays, and what they measure, beside oracles."""

import jax
import numpy as np

from figures.studies.photograph_networks.denoisers import exact_denoiser, typical
from figures.studies.trained_networks.experiment import TrainedRun, data_modes, prefixed
from figures.wang2025.fig14.experiment import PRESETS, Points, measure_jacobians
from figures.wang2025.fig15.experiment import centre_row
from figures.wang2025.fig16.pooled_modes import pooled_modes
from sims.measurements.patch_statistics import patch_modes, patch_moments, patches
from tests.figures.known_records import SPREAD, beside_closed_form, verdicts


def cut(of_patches, of_whole, closed=0.45, models=8):
    """Patches of two sizes, (exponent of each), beside whole images."""
    arrays = {"size": np.array([3, 9]), "stride": np.array([1, 3])}
    for kind, alpha in zip(("patches_3_1", "patches_9_3", "whole"), (*of_patches, of_whole), strict=True):
        records = beside_closed_form(alpha + SPREAD[:models], closed)
        arrays |= prefixed(kind, records | {"from_modes": 1.02 * records["generated"]})
    return arrays


def test_patches_beside_whole_images():
    found = verdicts("wang2025_fig16", cut((0.3, 0.5), 0.0))
    assert found["patches 3/1: more spectral bias than in whole images"] == "holds"
    assert found["patches: the smallest have the shallowest law"] == "holds"
    assert found["patches 9/3: pooling alone"] == found["patches 9/3: variances of whole images say it all"] == "holds"
    other = verdicts("wang2025_fig16", cut((0.3, 0.3), 0.3))
    assert other["patches 3/1: more spectral bias than in whole images"] == "differs"
    assert other["patches: the smallest have the shallowest law"] == "differs"
    assert other["whole images: exponent"] == "differs"
    few = verdicts("wang2025_fig16", cut((0.3, 0.5), 0.0, models=7))
    assert "whole images: exponent" not in few
    assert "patches 9/3: more spectral bias than in whole images" not in few


def test_variances_of_image_modes_pool_into_those_of_patches():
    """Of the data themselves exactly, and of other images about the same mean with the same modes."""
    generator, shape = np.random.default_rng(0), (5, 5, 1)
    data = generator.normal(size=(40, 25)) @ generator.normal(size=(25, 25)) + generator.normal(size=25)
    modes = data_modes(data)
    basis = patch_modes(patch_moments(data.reshape(-1, *shape), 2, 3)).basis
    pooled = pooled_modes(modes, basis, shape, 2, 3)
    scores = (data - modes.mean) @ modes.basis
    for factor in (np.ones(25), generator.uniform(0.5, 2.0, 25)):
        images = modes.mean + (factor * scores) @ modes.basis.T
        direct = (patches(images.reshape(-1, *shape), 2, 3) @ basis).reshape(-1, 4).var(axis=0)
        # Variances of modes have one less than the number of images in the denominator.
        found = pooled(factor**2 * modes.variance * 39 / 40)
        np.testing.assert_allclose(found, direct, rtol=1e-10)


def filtered(early, late, distances):
    """Shares explained within a tenth of training and at the end, and distances at step 0, then and at the end."""
    models, steps = 8, np.array([0, 5, 100, 1000])
    spread = SPREAD[:models, None, None, None]
    shares = np.array([1.0, 0.99, early, late])[None, :, None, None] + 0.1 * spread
    theory = np.zeros((models, 2, 5, 5))
    theory[..., 2, 2] = 0.5
    away = np.array([distances[0], 1.0, *distances[1:]])[None, :, None, None, None]
    taps = np.broadcast_to(theory[:, None] * (1 + away * (1 + spread[..., None])), (models, 4, 2, 5, 5))
    return {
        "steps": steps,
        "noise_levels": np.array([0.3, 3.0]),
        "widths": np.array([1, 5]),
        "compared": np.array(5),
        "r_squared": np.broadcast_to(shares, (models, 4, 2, 2)),
        "taps": taps,
        "exact_r_squared": np.broadcast_to(0.99 + 0.1 * spread[:, 0], (models, 2, 2)),
        "exact_taps": theory * 1.01,
        "theory_taps": theory,
    }


def test_early_filters():
    found = verdicts("wang2025_fig15", filtered(0.95, 0.8, (1.0, 0.3, 0.1)))
    assert set(found.values()) == {"holds"}
    other = verdicts("wang2025_fig15", filtered(0.8, 0.8, (1.0, 0.9, 0.9)))
    assert sorted(other.values()) == ["differs"] * 4 + ["holds"]


def test_centre_row_is_the_best_linear_guess_of_the_middle_pixel():
    generator = np.random.default_rng(0)
    images = generator.normal(size=(30, 5, 5)) @ generator.normal(size=(5, 5))
    clean = patches(images, 3, 1).reshape(-1, 9)
    clean = clean - clean.mean(axis=0)
    # Noise of exactly σ² = 0.49 in the sample, whatever was drawn, would be in the normal equations as a ridge.
    ridge = 0.49 * (len(clean) - 1)
    best = np.linalg.lstsq(
        np.concatenate([clean, np.sqrt(ridge) * np.eye(9)]), np.concatenate([clean[:, 4], np.zeros(9)]), rcond=None
    )[0]
    found = centre_row(patch_moments(images, 3, 1), 0.7)
    np.testing.assert_allclose(found, best.reshape(3, 3), rtol=1e-9, atol=1e-12)


def spectra(share, imaginary=0.0):
    """Jacobians that go this share of the way from 0.8 to the gains of a Gaussian's denoiser, of both networks."""
    variance = np.broadcast_to(np.geomspace(10, 0.01, 9), (4, 9))
    levels = np.array([0.1, 0.5, 5.0])
    exact = variance[:, None] / (variance[:, None] + levels[None, :, None] ** 2)
    way = share + 0.1 * SPREAD[:4, None, None]
    end = (1 - way) * 0.8 + way * exact
    gains = np.stack([np.full_like(end, 0.8), end], axis=1)
    real = gains[:, :, :, None]
    linear = exact.mean(axis=-1)
    errors = np.stack([np.full_like(linear, 0.8), linear - 0.1 * way[..., 0]], axis=1)
    arrays = {"steps": np.array([0, 100]), "real": real, "gains": gains, "imaginary": imaginary * real}
    arrays |= {"error": errors, "linear_error": np.stack([linear, linear], axis=1)}
    return {"variance": variance, "noise_levels": levels} | prefixed("mlp", arrays) | prefixed("cnn", arrays)


def test_spectra_of_jacobians():
    assert set(verdicts("wang2025_fig14", spectra(0.9)).values()) == {"holds"}
    found = verdicts("wang2025_fig14", spectra(-0.9, imaginary=0.5))
    assert set(found.values()) == {"differs"}


def test_jacobian_of_the_exact_denoiser_has_the_gains_of_its_modes():
    """Measured as those of networks are: all that a Jacobian of a Gaussian's denoiser has is λ/(λ + σ²)."""
    generator = np.random.default_rng(0)
    data = (generator.normal(size=(50, 6)) * np.geomspace(3, 0.1, 6) + 0.5).astype(np.float32)
    points = Points((0.3, 1.0), patches=2)
    network = PRESETS["tiny"].mlp
    run = TrainedRun("", network, data, jax.random.key(0))
    found = measure_jacobians(run, points=points)(exact_denoiser(data_modes(data)))
    variance = data_modes(data).variance
    expected = variance / (variance + np.square(points.noise_levels)[:, None])
    np.testing.assert_allclose(found["real"], np.broadcast_to(expected[:, None], (2, 2, 6)), atol=1e-5)
    np.testing.assert_allclose(found["gains"], expected, atol=1e-5)
    np.testing.assert_allclose(found["imaginary"], 0.0, atol=1e-5)
    # Of these data the exact linear denoiser errs by the mean of λ/(λ + σ²), over σ², and a denoiser that answers zero
    # by the data's own power.
    np.testing.assert_allclose(found["error"], found["linear_error"], rtol=1e-6)
    np.testing.assert_allclose(found["error"], expected.mean(axis=-1), rtol=0.25)
    nothing = measure_jacobians(run, points=points)(lambda x, time: 0 * x)
    np.testing.assert_allclose(nothing["error"], np.mean(data**2) / np.square(points.noise_levels), rtol=1e-5)


def test_typical_patches_vary_as_the_average_one():
    data = np.array([1.0, 2.0, 3.0, 10.0])[:, None] * np.array([[-1.0, 0.0, 1.0]])  # variances 2/3 (1, 4, 9, 100)
    np.testing.assert_array_equal(typical(data, 2), data[[2, 1]])
