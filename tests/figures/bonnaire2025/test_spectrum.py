"""Verdicts of `bonnaire2025_spectrum`, from eigenvalues whose law is known."""

import numpy as np

from figures.bonnaire2025.spectrum.claims import claims
from figures.bonnaire2025.spectrum.statistics import distance_exponents, kolmogorov_smirnov

RANDOM = np.random.default_rng(1)
DIMENSIONS, SAMPLES, REPLICATES = np.array([25, 50, 100]), np.array([3, 6]), 6
EDGES = np.array([[0.1, 10.0], [0.05, 10.0]])


def shares(dimension, number, shift):
    """As evenly as eigenvalues lie, moved by twice a distance in the middle."""
    count = (number + 1) * dimension
    even = (np.arange(count) + 0.5) / count + 0.1 / count * RANDOM.normal(size=(REPLICATES, count))
    return np.clip(even + 4 * shift * even * (1 - even), 0, 1)


def arrays(shift=0.0, equivalent=0.0, power=-1.0, edge=1.0, low=1.0, high=1.0, moved=0.0, left_out=1e-9):
    data = {"dimension": DIMENSIONS, "samples": SAMPLES, "edge": EDGES, "printed": EDGES[:, 0] * 1.02}
    for i, number in enumerate(SAMPLES):
        for j, dimension in enumerate(DIMENSIONS):
            far = 2 / dimension * 0.8 + shift * (dimension / 100) ** power
            data[f"share_{i}_{j}"] = shares(dimension, number, far * (dimension / 100) ** (power + 1))
            data[f"equivalent_{i}_{j}"] = shares(dimension, number, 0.005 + equivalent)
            parts = np.concatenate(
                [
                    np.full(int(dimension * low), 0.02),
                    np.geomspace(EDGES[i, 0] * edge, 1.0, int(dimension * (number + 1 - low - high))),
                    np.geomspace(10.0, 40.0, int(dimension * high)) * np.exp(moved * i),
                ]
            )
            data[f"eigenvalues_{i}_{j}"] = parts * np.exp(1e-3 * RANDOM.normal(size=(REPLICATES, 1)))
            data[f"left_out_{i}_{j}"] = np.full(REPLICATES, left_out)
    return data


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def test_what_is_as_stated_holds():
    assert set(verdicts().values()) == {"holds"}


def test_what_is_not_differs():
    assert verdicts(shift=0.03)["ψ_n = 3: distribution"] == "differs"
    assert verdicts(equivalent=0.03)["ψ_n = 6: equivalents"] == "differs"
    assert verdicts(power=-0.4)["ψ_n = 3: distance by dimension"] == "differs"
    assert verdicts(edge=1.3)["ψ_n = 3: edge"] == "differs"
    assert verdicts(edge=0.8)["ψ_n = 3: printed edge"] == "differs"
    assert verdicts(low=1.2)["ψ_n = 3: low"] == "differs"
    assert verdicts(high=0.9)["ψ_n = 3: high"] == "differs"
    assert verdicts(moved=0.2)["largest eigenvalues"] == "differs"
    assert verdicts(left_out=1e-3)["average over the noise"] == "differs"


def test_distance_is_the_largest_on_either_side_of_a_step():
    np.testing.assert_allclose(kolmogorov_smirnov(np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 0.0]])), [0.5, 0.25, 1.0])


def test_exponent_of_distances():
    data = {"dimension": np.array([4, 8])}
    for place, distance in enumerate((0.5, 0.125)):
        data[f"share_0_{place}"] = np.array([[distance], [distance]])
    expected = np.log((1 - 0.125) / 0.5) / np.log(2)
    np.testing.assert_allclose(distance_exponents(data, 0), [expected, expected])
