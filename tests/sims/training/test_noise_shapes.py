"""Target noise at some noise levels, and evenly over x: means and variances by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.training.noise_shapes import BandedTargetNoise, EvenTargetNoise
from sims.training.score_targets import posterior_mean
from sims.training.training_triples import TrainingTriples, draw_triples
from theory import EDM

POINTS = jnp.asarray([[-1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
PROCESS = EDM(0.1, 3.0)


@pytest.fixture(scope="module")
def triples():
    return draw_triples(POINTS, PROCESS, 400, key=jax.random.key(0))


def test_bands_that_meet_hold_every_clean_datum_once(triples):
    mean = np.asarray(posterior_mean(triples, POINTS, PROCESS))
    bands = [(0.0, 0.5), (0.5, 1.5), (1.5, float("inf"))]
    noise = [
        np.asarray(BandedTargetNoise(*band).targets(triples, POINTS, PROCESS, key=jax.random.key(1))) - mean
        for band in bands
    ]
    np.testing.assert_allclose(sum(noise), np.asarray(triples.clean) - mean, atol=1e-12)
    level = np.asarray(triples.time)
    for (low, high), each in zip(bands, noise, strict=True):
        inside = (level >= low) & (level < high)
        assert np.abs(each[inside]).max() > 0.1
        assert np.all(each[~inside] == 0)


def test_even_noise_has_the_mean_trace_at_every_place():
    """At one noise level the window averages over x alone: the mean of tr Cov/D, in every bin of x."""
    count = 6000
    key, noise_key = jax.random.split(jax.random.key(2))
    clean = POINTS[jax.random.randint(key, (count,), 0, 3)]
    time = jnp.full(count, 0.8)
    noisy = clean + 0.8 * jax.random.normal(noise_key, clean.shape)
    triples = TrainingTriples(clean, noisy, time)
    mean = np.asarray(posterior_mean(triples, POINTS, PROCESS))
    added = np.asarray(EvenTargetNoise().targets(triples, POINTS, PROCESS, key=jax.random.key(3))) - mean
    expected = np.mean((np.asarray(clean) - mean) ** 2)
    right = np.asarray(noisy)[:, 0] > 1.0
    for chosen in (right, ~right):
        assert np.mean(added[chosen] ** 2) == pytest.approx(expected, rel=0.08)
    # Denoising score matching's own noise is not even: this is what the rule takes away.
    own = (np.asarray(clean) - mean) ** 2
    assert own[right].mean() < 0.8 * own[~right].mean()


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.5), (-1.0, 1.0), (1.0, 1.0), (float("nan"), 1.0)])
def test_bands_that_are_none_are_refused(low, high):
    with pytest.raises(ValueError, match="0 <= low < high"):
        BandedTargetNoise(low, high)
