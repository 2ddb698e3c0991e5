"""Distances to and along a circle, and its likelihood under samples."""

import numpy as np
import pytest
from scipy import integrate

from sims.measurements.circles import circle_log_loss, distance_along_circle, distance_to_circle


def turned(degrees, radius=1.0):
    angle = np.deg2rad(np.asarray(degrees, dtype=float))
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def test_distances():
    samples = np.concatenate([turned([175, -170], 1.2), turned([10], 0.5)])
    np.testing.assert_allclose(distance_to_circle(samples), np.sqrt((2 * 0.04 + 0.25) / 3), rtol=1e-12)
    expected = np.deg2rad(np.sqrt((5**2 + 10**2 + 10**2) / 3))
    np.testing.assert_allclose(distance_along_circle(samples, turned([180, 0])), expected, rtol=1e-12)


def test_loss_on_the_circle():
    """By SciPy's quadrature of the logarithm of the density."""
    samples, width = np.array([[0.5, 0.2], [-1.0, 0.1]]), 0.4

    def log_density(angle):
        place = np.array([np.cos(angle), np.sin(angle)])
        density = np.exp(-np.sum((place - samples) ** 2, axis=1) / (2 * width**2)) / (2 * np.pi * width**2)
        return np.log(density.mean())

    expected = -integrate.quad(log_density, 0, 2 * np.pi, epsabs=1e-12, limit=200)[0] / (2 * np.pi)
    np.testing.assert_allclose(circle_log_loss(samples, width), expected, rtol=1e-6)


def test_nan_is_refused():
    lost = np.array([[np.nan, 0.0]])
    for measure in (distance_to_circle, lambda x: distance_along_circle(x, x), lambda x: circle_log_loss(x, 0.1)):
        with pytest.raises(ValueError, match="1 of 2 that are NaN"):
            measure(lost)
