"""Cosine of the stochastic and the exact target, and the weight of the drawn point, from their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.measurements.target_agreement import falling_crossing, target_agreement
from theory import FlowMatching, PointMasses

RANDOM = np.random.default_rng(6)
POINTS, LEVELS = RANDOM.normal(size=(6, 3)), np.array([0.2, 1.0, 4.0])


def test_every_draw_is_that_of_its_definition():
    key = jax.random.key(3)
    found = target_agreement(jnp.asarray(POINTS), jnp.asarray(LEVELS), draws=4, key=key)
    for draw, own in enumerate(jax.random.split(key, 4)):
        own_key, noise_key = jax.random.split(own)
        index = int(jax.random.randint(own_key, (), 0, 6))
        noise = np.asarray(jax.random.normal(noise_key, (3,)))
        for place, level in enumerate(LEVELS):
            time = 1 / (1 + level)
            x = time * POINTS[index] + (1 - time) * noise
            posterior = np.asarray(PointMasses(POINTS).posterior(x, time, FlowMatching()))
            denoised = posterior @ POINTS
            drawn, exact = POINTS[index] - noise, denoised - (x - time * denoised) / (1 - time)
            cosine = drawn @ exact / np.linalg.norm(drawn) / np.linalg.norm(exact)
            np.testing.assert_allclose(found.cosine[draw, place], cosine, rtol=1e-10)
            np.testing.assert_allclose(found.own[draw, place], posterior[index], rtol=1e-10)


def test_one_point_has_one_target():
    found = target_agreement(jnp.ones((1, 2)), jnp.asarray(LEVELS), draws=3, key=jax.random.key(0))
    np.testing.assert_allclose(found.cosine, 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.own, 1.0)


def test_refused():
    with pytest.raises(ValueError, match="draws must be a whole number"):
        target_agreement(jnp.ones((1, 2)), jnp.asarray(LEVELS), draws=0, key=jax.random.key(0))


def test_where_a_curve_falls_through_a_height():
    places, curve = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 0.8, 0.4, 0.9])
    np.testing.assert_allclose(falling_crossing(places, curve, 0.5), 1.75)
    assert np.isnan(falling_crossing(places, curve, 0.1))
    assert np.isnan(falling_crossing(places, curve, 1.5))  # below from the first place on
