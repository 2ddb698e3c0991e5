"""Many gradient steps of one layer at once: against single steps, and where a common clock leaves weak modes behind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.linear import linear_denoiser
from sims.training.descent import common_clock, train_full_batch
from sims.training.one_layer_descent import clock_of_every_level, train_one_layer
from sims.training.pairs import PairCoefficients
from sims.training.training_sets import gaussian_training_sets
from theory import EDM, OneLayer, Spectrum

LEVELS = np.array([0.02, 1.0, 30.0])
TIMES = np.array([0.01, 0.3, 40.0])
SPECTRUM = Spectrum.from_variances(jnp.array([30.0, 1.0, 0.03]))
CURVATURE = 2 * (30.0 * 1.05 + LEVELS**2)


def moments_of(seeds: int, samples: int):
    pairs = PairCoefficients(np.ones(3), LEVELS, np.ones(3), np.zeros(3), np.array([1.0, 0.5, 2.0]))
    moments = gaussian_training_sets(SPECTRUM, pairs, seeds=seeds, samples=samples, key=jax.random.key(0))
    return jax.tree.map(lambda leaf: leaf.astype(float), moments)


def test_many_steps_at_once_are_the_single_steps():
    moments = moments_of(2, 500)
    clock = clock_of_every_level(TIMES[:2], 2 * CURVATURE, smallest_steps=3, safety=0.3)
    network = linear_denoiser(3, 0.2, dtype=float)
    trained = train_one_layer(network, moments, clock).weight
    for level in range(LEVELS.size):  # each by itself has the same steps in both
        own = jax.tree.map(lambda leaf, level=level: leaf[:, level : level + 1], moments)
        sizes = jnp.asarray(clock.step_sizes[:, level : level + 1])
        expected = train_full_batch(network, own, sizes, jnp.asarray(clock.steps[:, level]))
        np.testing.assert_allclose(trained[:, level], expected.weight[:, 0], rtol=1e-12, atol=1e-13)


def test_every_level_arrives_at_every_time_by_stable_steps():
    clock = clock_of_every_level(TIMES, CURVATURE, smallest_steps=5, safety=0.7)
    np.testing.assert_allclose(np.cumsum(clock.step_sizes * clock.steps, axis=0), clock.reached, rtol=1e-14)
    np.testing.assert_array_equal(clock.reached, np.broadcast_to(TIMES[:, None], clock.reached.shape))
    assert np.all(clock.step_sizes <= 1.4 / CURVATURE)
    assert clock.steps.min() == 5
    # One step fewer would not be stable, where there are more than the fewest.
    longer = (clock.step_sizes * clock.steps) / np.maximum(clock.steps - 1, 1)
    assert np.all((longer > 1.4 / CURVATURE) | (clock.steps == 5))


@pytest.mark.slow
def test_weak_modes_follow_the_closed_form_where_the_common_clock_leaves_them_behind():
    """The weight σ^-0.5 slows the levels that have no strong mode, so that a common number of steps is small."""
    moments = moments_of(1, 1_000_000)
    moments = moments._replace(weight=jnp.broadcast_to(LEVELS**-0.5, moments.weight.shape))
    slowed = LEVELS**-0.5 * CURVATURE
    network, closed = linear_denoiser(3, 0.0, dtype=float), OneLayer(SPECTRUM, EDM(), 0.0, 1.0)
    # At the smallest noise level time is multiplied by its weight; the weakest mode has learned a third by then.
    expected = np.asarray(closed.gain(jnp.asarray(6.0 * LEVELS[0] ** -0.5), jnp.asarray(LEVELS[0])))
    clock = clock_of_every_level(np.array([6.0]), slowed, smallest_steps=40, safety=0.2)
    trained = train_one_layer(network, moments, clock).weight[0, 0, 0]
    np.testing.assert_allclose(np.diag(trained), expected, rtol=0.02)
    lagging = common_clock(np.array([6.0]), slowed, smallest_steps=40, safety=0.2)
    behind = train_full_batch(network, moments, jnp.asarray(lagging.step_sizes), jnp.asarray(lagging.steps))
    assert behind.weight[0, 0, 0, 2, 2] < 0.7 * expected[2]


def test_networks_and_steps_that_are_refused():
    moments, clock = moments_of(1, 10), clock_of_every_level(TIMES, CURVATURE, smallest_steps=2)
    with pytest.raises(ValueError, match="no bias; got one"):
        train_one_layer(linear_denoiser(3, 0.0, initial_bias=0.0), moments, clock)
    with pytest.raises(ValueError, match=r"shape of the step sizes, \(3, 3\); got \(3,\)"):
        train_one_layer(linear_denoiser(3, 0.0), moments, clock._replace(steps=clock.steps[:, 0]))
