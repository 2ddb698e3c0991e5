"""Moments of samples: in double precision whatever the samples' own, and refused where they do not fit."""

import warnings

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import Spectrum
from theory.definitions import sample_moments

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("x64", [False, True])
def test_single_precision_samples_far_from_zero(x64):
    """In float32 sums the mean of these is off by many of its standard errors, and a variance comes out as 15."""
    samples = (100 + RNG.standard_normal((400_000, 2))).astype(np.float32)
    with jax.enable_x64(x64):
        spectrum = Spectrum.from_samples(samples)
        exact = np.linalg.eigvalsh(np.cov(samples.astype(float).T, bias=True))[::-1]
        np.testing.assert_allclose(spectrum.variance, exact, rtol=1e-6)
        np.testing.assert_allclose(spectrum.mean, samples.mean(axis=0, dtype=float), rtol=1e-6)
        assert spectrum.variance.dtype == np.float32


@given(st.integers(-280, 280), st.integers(1, 40))
def test_any_unit_and_any_block(exponent, rows):
    """Powers of two and the size of blocks change nothing but the unit."""
    samples = RNG.standard_normal((40, 3))
    moments = sample_moments.sample_moments(samples * 2.0**exponent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_moments, "_BLOCK", 3 * rows)
        blocks = sample_moments.sample_moments(samples)
    expected = np.cov(samples.T, bias=True)
    np.testing.assert_allclose(moments.scaled_covariance * (moments.unit * 2.0**-exponent) ** 2, expected, rtol=1e-12)
    np.testing.assert_allclose(blocks.scaled_covariance * blocks.unit**2, expected, rtol=1e-12)
    np.testing.assert_allclose(moments.mean * 2.0**-exponent, samples.mean(axis=0), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float16])
def test_integers_and_half_precision(dtype):
    samples = np.floor(RNG.uniform(size=(500, 3)) * 2).astype(dtype)
    expected = np.linalg.eigvalsh(np.cov(samples.astype(float).T, bias=True))[::-1]
    np.testing.assert_allclose(Spectrum.from_samples(samples).variance, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.ones((4, 2)) * (1 + 1j), "samples must be real numbers; got complex128"),
        (np.array([["a", "b"], ["c", "d"]]), "samples must be real numbers"),
        (np.ones((4, 2)) * 0.1, "samples must vary"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "got 1 values that are not"),
        (RNG.standard_normal((4, 2)) * 1e200, "do not fit into float64; rescale"),
        (RNG.standard_normal((4, 2)) * 1e-200, "do not fit into float64; rescale"),
    ],
)
def test_what_has_no_spectrum_is_refused(samples, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            Spectrum.from_samples(samples)


def test_what_single_precision_cannot_hold():
    with jax.enable_x64(False):
        for unit in (1e-30, 1e30):
            with pytest.raises(ValueError, match="do not fit into float32"):
                Spectrum.from_samples(RNG.standard_normal((4, 2)) * unit)
