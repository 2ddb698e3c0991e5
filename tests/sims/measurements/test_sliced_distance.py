"""The sliced distance between samples against SciPy's optimal matching."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from sims.measurements.distance_to_normal import random_directions
from sims.measurements.sliced_distance import sliced_distance


def test_it_is_the_least_cost_of_matching():
    random = np.random.default_rng(3)
    samples, reference = random.normal(size=(2, 4, 3)), 1.0 + 2.0 * random.normal(size=(12, 3))
    directions = random_directions(random, 5, 3)
    expected = np.zeros(2)
    for place, own in enumerate(samples):
        for direction in directions:
            repeated = np.repeat(own @ direction, 3)  # each sample is matched with three points of the reference
            cost = (repeated[:, None] - (reference @ direction)[None]) ** 2
            expected[place] += cost[linear_sum_assignment(cost)].mean() / len(directions)
    np.testing.assert_allclose(sliced_distance(samples, reference, directions), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("samples", "reference", "match"),
    [
        (np.zeros((3, 2)), np.zeros((4, 2)), "must divide that of the reference, 4; got 3"),
        (np.zeros((2, 3)), np.zeros((4, 2)), "samples must be of the directions' dimension 2"),
        (np.zeros((2, 2)), np.zeros((4, 3)), "the reference must be of the directions' dimension 2"),
        (np.full((2, 2), np.nan), np.zeros((4, 2)), "NaN"),
    ],
)
def test_refusals(samples, reference, match):
    with pytest.raises(ValueError, match=match):
        sliced_distance(samples, reference, np.eye(2))


def test_it_does_not_depend_on_where_zero_is():
    random = np.random.default_rng(4)
    samples, reference = random.normal(size=(4, 2)), random.normal(size=(12, 2))
    here, there = (sliced_distance(samples + at, reference + at, np.eye(2)) for at in (0.0, 1e6))
    np.testing.assert_allclose(there, here, rtol=1e-8)
