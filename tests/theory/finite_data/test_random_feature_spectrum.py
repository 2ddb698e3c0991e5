"""Eigenvalues of random features in theory: the printed equations, direct eigenvalues, limits."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import root

from theory import (
    FeatureCoefficients,
    Spectrum,
    equivalent_feature_moments,
    feature_coefficients,
    feature_edges,
    feature_eigenvalue_density,
    feature_eigenvalue_distribution,
    generalisation_time,
    memorisation_time,
)

WHITE, COLOURED = Spectrum.from_variances([1.0]), Spectrum.from_variances([3.0, 1.0, 0.2, 0.2])
SCALES = float(np.exp(-0.01)), float(np.sqrt(-np.expm1(-0.02)))
PAPER = feature_coefficients(WHITE, *SCALES)


def as_printed(coefficients, variance, features, samples, eigenvalue):
    """Im q/π of Theorem 3.1 as it stands, by SciPy, z led down from far above."""
    seen = float((coefficients.alpha * coefficients.linear) ** 2)
    noise, nonlinear, floor = (
        float(each) for each in (coefficients.noise**2, coefficients.nonlinear, coefficients.remainder)
    )

    def left(unknown, z):
        q, damping = unknown[0] + 1j * unknown[1], unknown[2] + 1j * unknown[3]
        s_hat, r_hat = noise * features + 1 / q, features * seen / damping
        s, r = np.mean(1 / (s_hat + variance * r_hat)), np.mean(variance / (s_hat + variance * r_hat))
        first = features * (floor - z) + features * nonlinear / damping + (1 - features) / q - s / q**2
        second = damping - 1 - features / samples * (seen * r + nonlinear * q)
        return [first.real, first.imag, second.real, second.imag]

    start = None
    for height in np.geomspace(300.0, 1e-11, 320):  # the atom's tail falls with the height
        z = eigenvalue + 1j * height
        start = [(-1 / z).real, (-1 / z).imag, 1.0, 1e-3] if start is None else start
        start = root(left, start, args=(z,), tol=1e-13).x
    return start[1] / np.pi


@pytest.mark.parametrize(
    ("spectrum", "features", "samples", "eigenvalues"),
    [(WHITE, 64, 8, [0.006, 0.2, 20.0]), (COLOURED, 12, 5, [0.05, 2.0])],
)
def test_density_solves_the_printed_equations(spectrum, features, samples, eigenvalues):
    found = feature_eigenvalue_density(PAPER, spectrum, np.array(eigenvalues), features, samples)
    variance = np.asarray(spectrum.variance)
    expected = [as_printed(PAPER, variance, features, samples, each) for each in eigenvalues]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("spectrum", "features", "samples"), [(WHITE, 16, 4), (COLOURED, 10, 3), (COLOURED, 3, 8)])
def test_direct_eigenvalues_have_the_distribution(spectrum, features, samples):
    """Gaussian equivalents of 60 dimensions; with fewer features than n + d there is no atom."""
    random, dimension = np.random.default_rng(1), 60
    variance = np.resize(np.asarray(spectrum.variance), dimension)
    count = features * dimension, samples * dimension
    points = random.normal(size=(count[1], dimension)) * np.sqrt(variance)
    drawn = equivalent_feature_moments(
        PAPER, random.normal(size=(count[0], dimension)), points, random.normal(size=count)
    )
    eigenvalues = np.linalg.eigvalsh(np.asarray(drawn.second))[-min(features, samples + 1) * dimension :]
    theory = np.asarray(feature_eigenvalue_distribution(PAPER, spectrum, eigenvalues, features, samples))
    rank = (np.arange(len(eigenvalues)) + 0.5) / count[0] + 1 - len(eigenvalues) / count[0]
    assert np.abs(theory - rank).max() < 2.5 / len(eigenvalues)


@pytest.mark.parametrize(
    ("spectrum", "features", "samples"),
    [pytest.param(WHITE, 64, 8, marks=pytest.mark.slow), (COLOURED, 12, 5), (WHITE, 4, 9)],
)
def test_distribution_is_the_integral_of_the_density(spectrum, features, samples):
    distance = np.geomspace(1e-5, 400.0, 3001)
    eigenvalues = PAPER.remainder + distance
    density = np.asarray(feature_eigenvalue_density(PAPER, spectrum, eigenvalues, features, samples))
    share = np.asarray(feature_eigenvalue_distribution(PAPER, spectrum, eigenvalues, features, samples))
    atom = max(0.0, 1 - (1 + samples) / features)
    areas = np.diff(np.log(distance)) * (density * distance)[1:]
    np.testing.assert_allclose(share[1:], atom + np.cumsum(areas), atol=2e-3)
    np.testing.assert_allclose([share[0], share[-1]], [atom, 1.0], atol=1e-4)
    assert np.all(np.diff(share) > -1e-9)
    assert np.all(density >= 0)


def test_at_and_below_the_atom():
    at = jnp.asarray([float(PAPER.remainder) - 1e-4, float(PAPER.remainder)])
    np.testing.assert_allclose(feature_eigenvalue_distribution(PAPER, WHITE, at, 64, 8), [0.0, 55 / 64], rtol=1e-12)
    np.testing.assert_array_equal(feature_eigenvalue_density(PAPER, WHITE, at, 64, 8), 0.0)


def test_scatter_alone_is_marchenko_and_pastur():
    nothing = FeatureCoefficients(*(jnp.asarray(each) for each in (1.0, 1.0, 0.0, 0.0, 0.7, 0.1)))
    features, samples = 6.0, 2.0
    ratio = features / samples
    low, high = 0.7 * (1 - np.sqrt(ratio)) ** 2, 0.7 * (1 + np.sqrt(ratio)) ** 2
    distance = np.linspace(low, high, 12)[1:-1]
    expected = np.sqrt((high - distance) * (distance - low)) / (2 * np.pi * 0.7 * ratio * distance)
    found = feature_eigenvalue_density(nothing, WHITE, distance + 0.1, features, samples)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert abs(float(feature_eigenvalue_distribution(nothing, WHITE, high + 0.2, features, samples)) - 1) < 1e-6


def test_parts_and_edges():
    edges = feature_edges(PAPER, WHITE, 64, 8)
    between = jnp.asarray([0.05, 3.0, 100.0])
    share = feature_eigenvalue_distribution(PAPER, WHITE, between, 64, 8)
    np.testing.assert_allclose(share, [1 - 8 / 64, 1 - 1 / 64, 1.0], atol=1e-8)
    shifted = np.array([edges]) * np.array([[0.999], [1.001]])
    density = feature_eigenvalue_density(PAPER, WHITE, shifted, 64, 8)
    assert np.all(density[0] < 1e-6)
    assert np.all(density[1] > 1e-5)
    np.testing.assert_allclose(
        memorisation_time(PAPER, WHITE, 64, 8), 64 / SCALES[1] ** 2 / edges.memorised, rtol=1e-12
    )
    np.testing.assert_allclose(
        generalisation_time(PAPER, WHITE, 64, 8), 64 / SCALES[1] ** 2 / edges.generalised, rtol=1e-12
    )


def test_edges_of_many_features_and_points_are_those_printed():
    features, samples = 1e6, 1e3
    edges = feature_edges(PAPER, WHITE, features, samples)
    printed = PAPER.remainder + PAPER.nonlinear * (np.sqrt(features / samples) - 1) ** 2
    np.testing.assert_allclose(edges.memorised, printed, rtol=2e-3)
    seen = (PAPER.alpha * PAPER.linear) ** 2
    np.testing.assert_allclose(
        edges.generalised, features * (seen * (1 - samples**-0.5) ** 2 + PAPER.noise**2), rtol=0.02
    )
    more = memorisation_time(PAPER, WHITE, features, 2 * samples) / memorisation_time(PAPER, WHITE, features, samples)
    np.testing.assert_allclose(more, 2.0, rtol=0.04)


@pytest.mark.parametrize("question", [feature_edges, memorisation_time, generalisation_time])
def test_refused(question):
    with pytest.raises(ValueError, match="features > samples > 1"):
        question(PAPER, WHITE, 4, 8)
    with pytest.raises(ValueError, match="samples must be positive"):
        question(PAPER, WHITE, 4, -1.0)
    with pytest.raises(ValueError, match="features must be positive"):
        feature_eigenvalue_density(PAPER, WHITE, 0.1, np.nan, 2.0)
