"""The stable target: its mean given x is the score if x_0 is among the references, and else it is not."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm, qmc

from sims.measurements.estimates import mean_over
from theory import EDM, PointMasses, VariancePreserving, stable_target

RANDOM = np.random.default_rng(3)


def means(points, x, time, process, references, *, replace, with_own=True):
    """E[target | x] by enumeration: every x_0 by its posterior, every tuple of references beside it.

    Without x_0, the target is that of its references alone: one of them takes its place.
    """
    count = len(points)
    posterior = np.asarray(PointMasses(points).posterior(jnp.asarray(x), time, process))
    rows, weights = [], []
    for own in range(count):
        pool = range(count) if replace else [k for k in range(count) if k != own]
        tuples = list(itertools.product(pool, repeat=references)) if replace else None
        tuples = tuples or list(itertools.permutations(pool, references))
        rows += [(own, *beside) if with_own else beside for beside in tuples]
        weights += [posterior[:, own] / len(tuples)] * len(tuples)
    chosen = jnp.asarray(points)[np.array(rows)]  # (tuples, n, dim)
    own = jnp.broadcast_to(chosen[:, None, 0], (len(rows), *x.shape))
    beside = jnp.broadcast_to(chosen[:, None, 1:], (len(rows), len(x), chosen.shape[1] - 1, x.shape[1]))
    targets = stable_target(own, jnp.broadcast_to(x, own.shape), time, process, beside)
    return np.einsum("tn,tnd->nd", np.array(weights), np.asarray(targets))


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("others", [0, 1, 2])
def test_the_mean_given_x_is_the_score(others, replace):
    points, x = RANDOM.normal(size=(4, 2)), RANDOM.normal(size=(5, 2))
    for process, time in ((EDM(), 0.7), (VariancePreserving(), 0.3)):
        found = means(points, x, time, process, others, replace=replace)
        score = PointMasses(points).score(jnp.asarray(x), time, process)
        np.testing.assert_allclose(found, score, atol=1e-12 * np.abs(score).max())


def test_without_x_0_the_mean_is_not_the_score():
    points, x = RANDOM.normal(size=(4, 2)), RANDOM.normal(size=(5, 2))
    score = np.asarray(PointMasses(points).score(jnp.asarray(x), 0.7, EDM()))
    for replace in (False, True):
        found = means(points, x, 0.7, EDM(), 2, replace=replace, with_own=False)
        assert np.abs(found - score).max() > 0.05 * np.abs(score).max()


def test_one_target_is_that_of_denoising_score_matching_and_all_are_the_score():
    points = jnp.asarray(RANDOM.normal(size=(4, 3)))
    x = 0.9 * points[0] + 0.4
    none = jnp.zeros((0, 3))
    process, time = VariancePreserving(), 0.5
    alpha, sigma = process.signal_scale(jnp.asarray(time)), process.noise_scale(jnp.asarray(time))
    alone = stable_target(points[0], x, time, process, none)
    np.testing.assert_allclose(alone, (alpha * points[0] - x) / sigma**2, rtol=1e-13)
    every = stable_target(points[0], x, time, process, points[1:])
    np.testing.assert_allclose(every, PointMasses(points).score(x, time, process), rtol=1e-12)


def test_little_noise_and_single_precision_lose_nothing():
    """σ = 1e-3 beside points at a distance of 1e3, where squares of distances would have no digit left."""
    own, step, sigma = np.array([1000.0, 0.0]), np.array([1e-3, 0.0]), 1e-3
    noise = np.array([0.4, -0.2])
    x = own + sigma * noise
    far = own + 5.0
    odds = np.exp([0.0, step @ noise / sigma - step @ step / (2 * sigma**2)])
    expected = (odds[1] / odds.sum() * step / sigma - noise) / sigma
    found = stable_target(own, x, sigma, EDM(), np.stack([own + step, far]))
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.slow  # a million targets for most
@pytest.mark.parametrize(("references", "draws"), [(2, 2**16), (4, 2**16), (16, 2**16), (256, 2**12)])
def test_gaussian_data_by_monte_carlo(references, draws):
    """With x_0 an equivalence to the score, margin 1e-3 of its scale; without x_0 a difference beyond the margin.

    Sixteen scrambled Sobol sequences of `draws` each, so that the interval fits into the margin.
    """
    sigma, x, scrambles = 0.7, 1.3, 16
    found = []
    for seed in range(scrambles):
        uniform = qmc.Sobol(references, seed=seed).random(draws)
        normal = jnp.asarray(norm.ppf(uniform))[..., None]
        own = (x + sigma * np.sqrt(1 + sigma**2) * normal[:, 0]) / (1 + sigma**2)  # x_0 given x
        others, place = normal[:, 1:], jnp.full_like(own, x)
        # With the first reference in its place.
        targets = [stable_target(own, place, sigma, EDM(), others)]
        targets += [stable_target(others[:, 0], place, sigma, EDM(), others[:, 1:])]
        found.append([float(target.mean()) for target in targets])
    estimate = mean_over(np.array(found) + x / (1 + sigma**2))
    margin = 1e-3 / np.sqrt(1 + sigma**2)
    beyond = np.abs(estimate.value), estimate.half_width
    assert beyond[0][0] + beyond[1][0] < margin
    if references <= 16:  # of 256 the bias is near the margin
        assert beyond[0][1] - beyond[1][1] > margin


def test_shapes_that_do_not_fit_are_refused():
    own, others = jnp.zeros((3, 2)), jnp.zeros((3, 4, 2))
    for bad in ((own[0], own, others), (own, own, others[0]), (own, own, others[..., :1]), (own, own, own[0, 0])):
        with pytest.raises(ValueError, match="x0 and x must be of one shape"):
            stable_target(bad[0], bad[1], 1.0, EDM(), bad[2])
    for times in (np.ones(2), np.ones((3, 1)), np.ones(4)):
        with pytest.raises(ValueError, match="t must have the shape of x but for its coordinates"):
            stable_target(own, own, times, EDM(), others)
    with pytest.raises(ValueError, match="must leave noise"):
        stable_target(own, own, 0.0, EDM(), others)
