"""Targets without the clean datum and from the score of the data: means, biases and a variance of zero."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import (
    EDM,
    FlowMatching,
    GaussianMixture,
    VariancePreserving,
    mixed_score_target,
    reference_target,
    stable_target,
)

DATA = GaussianMixture([[-1.0], [1.0]], 0.2)
KEY = jax.random.key(0)


def drawn(number, key=KEY):
    return DATA.means[jax.random.randint(key, (number,), 0, 2)] + jnp.sqrt(0.2) * jax.random.normal(
        jax.random.fold_in(key, 1), (number, 1)
    )


def test_one_reference_more_is_the_clean_datum():
    """With x_0 as the first of its references it is the stable target."""
    x0, references, x = jnp.asarray([[0.3], [-2.0]]), drawn(6).reshape(2, 3, 1), jnp.asarray([[0.5], [-1.0]])
    together = jnp.concatenate([x0[:, None], references], axis=1)
    process, time = VariancePreserving(), jnp.asarray([0.2, 0.6])
    found = reference_target(x, time, process, together)
    np.testing.assert_allclose(found, stable_target(x0, x, time, process, references), rtol=1e-11)


@pytest.mark.slow
def test_references_alone_are_biased_and_less_so_if_they_are_many():
    """N(0, 1), σ = .7, x = 1.3: four of them have the mean -1.2081, where the score is -.8725."""
    x, level, count = jnp.asarray([1.3]), 0.7, 200_000
    score = -1.3 / 1.49

    def mean(number):
        references = jax.random.normal(KEY, (count, number, 1))
        found = reference_target(jnp.broadcast_to(x, (count, 1)), level, EDM(), references)
        return float(found.mean()), float(found.std()) / count**0.5

    few, error = mean(4)
    assert abs(few + 1.2081) < 5 * error
    assert abs(mean(64)[0] - score) < 0.1 * abs(few - score) + 5 * error


def test_of_a_gaussian_one_mixture_has_no_variance():
    variance, process, time = 0.6, VariancePreserving(), 0.4
    alpha, sigma = (float(scale(jnp.asarray(time))) for scale in (process.signal_scale, process.noise_scale))
    x0, x = jax.random.normal(KEY, (50, 2)), jnp.broadcast_to(jnp.asarray([0.3, -1.0]), (50, 2))
    share = alpha**2 * variance / (alpha**2 * variance + sigma**2)
    found = mixed_score_target(x0, x, time, process, -x0 / variance, share)
    np.testing.assert_allclose(found, -x / (alpha**2 * variance + sigma**2), rtol=1e-10)


def test_every_mixture_has_the_score_as_its_mean():
    """Clusters at one noisy place: x_0 given x by a fine grid."""
    level, grid = 0.8, jnp.linspace(-6, 6, 4001)[:, None]
    x = jnp.broadcast_to(jnp.asarray([0.4]), grid.shape)
    clean_score = DATA.score(grid, 1e-8, EDM())
    weight = np.exp(DATA.log_density(grid, 1e-8, EDM()) - jnp.sum((x - grid) ** 2, axis=1) / (2 * level**2))
    for share in (0.0, 0.3, 1.0):
        target = np.asarray(mixed_score_target(grid, x, level, EDM(), clean_score, share))[:, 0]
        np.testing.assert_allclose(weight @ target / weight.sum(), DATA.score(x[:1], level, EDM())[0, 0], rtol=1e-9)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (lambda: reference_target(jnp.ones((3, 2)), 1.0, EDM(), jnp.ones((3, 2))), r"references \(..., n, D\), n ≥ 1"),
        (lambda: reference_target(jnp.ones((3, 2)), 1.0, EDM(), jnp.ones((3, 0, 2))), r"got \(3, 2\) and \(3, 0, 2\)"),
        (lambda: reference_target(jnp.ones((3, 2)), 0.0, EDM(), jnp.ones((3, 4, 2))), "noise"),
        (
            lambda: mixed_score_target(jnp.ones((3, 2)), jnp.ones((3, 2)), 1.0, EDM(), jnp.ones((3, 1)), 0.5),
            "must be of one shape",
        ),
    ],
)
def test_refused(question, sentence):
    with pytest.raises(ValueError, match=sentence):
        question()


def test_without_signal_the_target_of_denoising_is_left():
    x0, x, clean = (jnp.asarray([each]) for each in (1.0, 0.5, -1.0))
    assert float(mixed_score_target(x0, x, 0.0, FlowMatching(), clean, 0.0)[0]) == -0.5
