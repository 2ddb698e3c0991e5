"""Sets of features side by side, against concatenation by hand: alone, in ridge fits and in V-kernels."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from sims.training.feature_ensembles import fit_ridge
from sims.training.training_triples import draw_triples, with_array_parameters
from tests.oracles.v_kernels import BOX, TRIPLE, VP, few_points, scales
from theory import FeatureSum, FourierFeatures, GaussianFeatures, LazyVKernel, LinearVKernel, PointMasses

BUMPS, WAVES = GaussianFeatures(1, 4, 2, **BOX), FourierFeatures(1, 3, 2, **BOX)
BOTH = FeatureSum(BUMPS, WAVES)


class ByHand(eqx.Module):
    """The same 14 functions as nobody's class."""

    @property
    def number(self) -> int:
        return 14

    def __call__(self, x: Array, time: Array) -> Array:
        return jnp.concatenate([BUMPS(x, time), WAVES(x, time)], axis=-1)


def triples(count):
    return draw_triples(jnp.asarray(TRIPLE), VP, count, key=jax.random.key(0))


@pytest.mark.parametrize("dimension", [1, 2])
def test_a_sum_is_concatenation(dimension):
    parts = (
        GaussianFeatures(dimension, 3, 2, **BOX),
        FourierFeatures(dimension, 2, 3, **BOX),
        GaussianFeatures(dimension, 2, 2, **BOX),
    )
    features, rng = FeatureSum(*parts), np.random.default_rng(0)
    x, time = jnp.asarray(rng.uniform(-1.5, 1.5, (9, dimension))), jnp.asarray(rng.uniform(0.1, 1, 9))
    phi = np.concatenate([part(x, time) for part in parts], axis=-1)
    assert features.number == phi.shape[-1]
    assert features.dimension == dimension
    np.testing.assert_array_equal(features(x, time), phi)
    np.testing.assert_array_equal(features(x[0], time[0]), phi[0])
    np.testing.assert_allclose(features.gram(x, time), phi @ phi.T, rtol=1e-12, atol=1e-12)
    weights = jnp.asarray(rng.normal(size=(2, features.number)))
    expected = np.concatenate([part(x, time[0]) for part in parts], axis=-1) @ np.asarray(weights).T
    np.testing.assert_allclose(jax.jit(features.combine)(weights, x, time[0]), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.slow_cases("more triples than features")
@pytest.mark.parametrize("count", [300, 8], ids=["more triples than features", "fewer"])
def test_a_ridge_fit_in_a_sum(count):
    """The solution of the normal equations in NumPy, and its denoiser evaluated by the quick contraction."""
    sets = triples(count)
    model = eqx.filter_jit(fit_ridge)(with_array_parameters(BOTH), sets, VP, ridge=0.1)
    phi = np.asarray(ByHand()(sets.noisy, sets.time))
    alpha, sigma = scales(np.asarray(sets.time))
    weighted = phi * (alpha / sigma)[:, None] ** 2 / count
    expected = np.linalg.solve(weighted.T @ phi + 0.1 * np.eye(14), weighted.T @ np.asarray(sets.clean))
    np.testing.assert_allclose(model.weight, expected.T, rtol=1e-8, atol=1e-9)
    x = jnp.linspace(-2, 2, 9)[:, None]
    by_hand = np.asarray(ByHand()(x, jnp.full(9, 0.3))) @ expected
    np.testing.assert_allclose(model(x, jnp.asarray(0.3)), by_hand, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("family", [functools.partial(LinearVKernel, order="leading"), LazyVKernel])
def test_a_kernel_of_a_sum(family):
    data, z = PointMasses(TRIPLE), (jnp.asarray([[0.3], [0.8]]), jnp.asarray([0.1, 0.4]))
    kernel, by_hand = (
        family(data, VP, features, 100, 0.3, population=few_points(count=40)) for features in (BOTH, ByHand())
    )
    np.testing.assert_allclose(kernel.mean_score(z), by_hand.mean_score(z), rtol=1e-9)
    np.testing.assert_allclose(kernel(z, z), by_hand(z, z), rtol=1e-9)


@pytest.mark.parametrize(
    ("parts", "message"),
    [((), "got \\[\\]"), ((BUMPS, GaussianFeatures(2, 2, 2, **BOX)), "one dimension; got \\[1, 2\\]")],
)
def test_sets_that_do_not_fit_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        FeatureSum(*parts)


def test_positions_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="must have 1 coordinates"):
        BOTH(jnp.ones((4, 2)), jnp.full(4, 0.5))
