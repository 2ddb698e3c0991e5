"""The sampled scatter of the stable target, against an average over everything that could be drawn."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.measurements.target_scatter import fresh_target_scatter, target_scatter

POINTS = np.array([[0.0, 0.0], [1.0, 0.2], [-0.3, 0.8], [2.0, -1.0]])
LEVELS = np.array([0.3, 0.8, 2.0])


def exact(sigma, references, replace):
    """Every x_0 and tuple of references, and a grid of noise."""
    axis = np.arange(-7, 7.01, 0.25)
    noise = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    weight = np.exp(-np.sum(noise**2, axis=1) / 2)
    total, count = 0.0, 0
    for own in range(len(POINTS)):
        x = POINTS[own] + sigma * noise

        def mean(members, x=x):
            chosen = POINTS[list(members)]
            odds = -np.sum((x[:, None] - chosen[None]) ** 2, axis=-1) / (2 * sigma**2)
            share = np.exp(odds - odds.max(axis=1, keepdims=True))
            return share @ chosen / share.sum(axis=1, keepdims=True)

        others = range(len(POINTS)) if replace else [k for k in range(len(POINTS)) if k != own]
        choose = itertools.product if replace else itertools.permutations
        arguments = {"repeat": references - 1} if replace else {}
        tuples = choose(others, **arguments) if replace else choose(others, references - 1)
        for beside in tuples:
            squared = np.sum((mean([own, *beside]) - mean(range(len(POINTS)))) ** 2, axis=1)
            total, count = total + weight @ squared / weight.sum(), count + 1
    return total / count / sigma**2


@pytest.mark.slow
@pytest.mark.parametrize("replace", [False, True])
def test_scatter_is_the_average_over_all_draws(replace):
    references = (1, 2, 3)
    keys = jax.random.split(jax.random.key(0), 16)
    points, levels = jnp.asarray(POINTS), jnp.asarray(LEVELS)
    curves = jax.jit(lambda key: target_scatter(points, levels, references, draws=1024, key=key, replace=replace))
    found, posterior = (np.stack(part) for part in zip(*map(curves, keys), strict=True))
    expected = np.array([[exact(sigma, number, replace) for sigma in LEVELS] for number in references])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(keys))
    np.testing.assert_array_less(np.abs(found.mean(axis=0) - expected), 5 * error + 1e-12)
    assert np.all(error[:2] < 0.05 * expected[:2])
    known = posterior.std(axis=0, ddof=1) / np.sqrt(len(keys))
    np.testing.assert_array_less(np.abs(posterior.mean(axis=0) - expected[0]), 5 * known)
    assert np.all(known < error[0])


def test_fresh_references_are_points_drawn_with_replacement():
    points, keys = jnp.asarray(POINTS), jax.random.split(jax.random.key(2), 16)

    def sample(key, number):
        return points[jax.random.randint(key, (number,), 0, len(points))]

    def score(x, level):
        away = x[:, None] - points[None]
        share = jax.nn.softmax(-jnp.sum(away**2, axis=-1) / (2 * level[:, None] ** 2), axis=1)
        return -jnp.sum(share[..., None] * away, axis=1) / level[:, None] ** 2

    references, levels = (1, 3), jnp.asarray(LEVELS)
    measure = jax.jit(lambda key: fresh_target_scatter(sample, score, levels, references, draws=512, key=key))
    found = np.stack([measure(key) for key in keys])
    expected = np.array([[exact(sigma, number, True) for sigma in LEVELS] for number in references])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(keys))
    np.testing.assert_array_less(np.abs(found.mean(axis=0) - expected), 5 * error)
    assert np.all(error < 0.06 * expected)


def test_all_points_as_references_leave_nothing():
    found = target_scatter(jnp.asarray(POINTS), jnp.asarray(LEVELS), (4,), draws=64, key=jax.random.key(1))
    np.testing.assert_allclose(found.scatter, 0.0, atol=1e-24)


def test_what_is_refused():
    asked = {"noise_levels": jnp.asarray(LEVELS), "draws": 8, "key": jax.random.key(0)}
    with pytest.raises(ValueError, match="at most the number of points, 4; got 5"):
        target_scatter(jnp.asarray(POINTS), references=(5,), **asked)
    with pytest.raises(ValueError, match="references must be a whole number"):
        target_scatter(jnp.asarray(POINTS), references=(0,), **asked)
    with pytest.raises(ValueError, match="draws must be a whole number"):
        target_scatter(jnp.asarray(POINTS), references=(1,), **asked | {"draws": 0})
    with pytest.raises(ValueError, match="references must be a whole number"):
        fresh_target_scatter(lambda key, number: None, lambda x, level: x, references=(0,), **asked)

    def fresh(levels, references):
        return fresh_target_scatter(
            lambda key, number: jax.random.normal(key, (number, 2)),
            lambda x, level: -x,
            levels,
            references,
            draws=2,
            key=jax.random.key(0),
        )

    def of_points(levels, references):
        return target_scatter(jnp.asarray(POINTS), levels, references, draws=2, key=jax.random.key(0))

    for measure in (fresh, of_points):
        for levels in ([0.3, 0.0], [0.3, -1.0], [jnp.nan]):
            with pytest.raises(ValueError, match="noise levels must be positive and finite"):
                measure(levels, (1,))
        with pytest.raises(ValueError, match=r"noise levels must be a sequence; got shape \(\)"):
            measure(0.3, (1,))
        for references in ((), 2):
            with pytest.raises(ValueError, match="references must be a sequence of one or more"):
                measure([0.3], references)
        measure([0.3, 1], (1, 2))
