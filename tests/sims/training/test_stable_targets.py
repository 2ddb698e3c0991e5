"""The stable target as an objective: its mean, its covariance, and what sharing references does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.data.built_in import rotated_square
from sims.training.stable_targets import StableTarget
from sims.training.training_triples import TrainingTriples, draw_triples
from theory import EDM, PointMasses, VariancePreserving, stable_target, target_variance

POINTS, VP = jnp.asarray(rotated_square(0.3)), VariancePreserving(end_time=1e-2)


def test_one_reference_is_denoising_score_matching():
    triples = draw_triples(POINTS, VP, 50, key=jax.random.key(0))
    targets = StableTarget(1).targets(triples, POINTS, VP, key=jax.random.key(1))
    np.testing.assert_allclose(targets, triples.clean, atol=1e-15)


@pytest.mark.parametrize("shared", [False, True])
def test_target_is_the_theorys_of_the_same_references(shared):
    """Both are softmax averages, written twice."""
    triples, key = draw_triples(POINTS, VP, 20, key=jax.random.key(0)), jax.random.key(1)
    targets = StableTarget(3, shared=shared).targets(triples, POINTS, VP, key=key)
    drawn = POINTS[jax.random.randint(key, (1 if shared else 20, 2), 0, len(POINTS))]
    score = stable_target(triples.clean, triples.noisy, triples.time, VP, jnp.broadcast_to(drawn, (20, 2, 2)))
    alpha, sigma = VP.signal_scale(triples.time)[:, None], VP.noise_scale(triples.time)[:, None]
    np.testing.assert_allclose(targets, (sigma**2 * score + triples.noisy) / alpha, atol=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_mean_and_variance_are_the_theorys(shared):
    """Over x_0, x and references at one noise level: E|y - E[x_0|x]|² is σ⁴V_STF/α², whether they are shared or not."""
    level, count, process = 0.6, 2000, EDM()

    def scatter(key):
        own_key, noise_key, target_key = jax.random.split(key, 3)
        clean = POINTS[jax.random.randint(own_key, (count,), 0, len(POINTS))]
        noisy = clean + level * jax.random.normal(noise_key, clean.shape)
        triples = TrainingTriples(clean, noisy, jnp.full(count, level))
        return StableTarget(3, shared=shared).targets(triples, POINTS, process, key=target_key), noisy

    keys = jax.random.split(jax.random.key(2), 100)
    targets, noisy = jax.jit(jax.vmap(scatter))(keys)
    error = np.asarray(targets - PointMasses(POINTS).denoised(noisy, level, process))
    per_set = np.mean(np.sum(error**2, axis=-1), axis=1)
    expected = level**4 * target_variance(PointMasses(POINTS), process, level, 3, replace=True)
    stderr = per_set.std(ddof=1) / np.sqrt(len(keys))
    assert abs(per_set.mean() - expected) < 4 * stderr
    assert stderr < 0.03 * expected
    mean = error.mean(axis=(0, 1))
    assert np.all(np.abs(mean) < 4 * error.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(len(keys)))
    # Of one set the mean error scatters as independent ones do, or more if all lean on the same references.
    independent = np.sqrt(expected / 2 / count)
    scatters = error.mean(axis=1).std(axis=0, ddof=1) / independent
    assert np.all(scatters > 3) if shared else np.all(np.abs(scatters - 1) < 0.25)


def test_bad_numbers_of_references_are_refused():
    for bad in (0, 1.5, -2):
        with pytest.raises(ValueError, match="references must be a whole number of 1 or more"):
            StableTarget(bad)
