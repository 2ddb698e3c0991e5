"""Scores, weights and moments of every target, against NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from tests.oracles.v_kernels import CORNER, TARGETS, VP, draw, regressed, scales
from theory import PointMasses
from theory.v_kernel.feature_regression import target_moments
from theory.v_kernel.learned_scores import NoiseVarianceWeight, score_coefficients


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_score_and_weight_of_every_target(target):
    """b x + a y is the proxy score -ε/σ for any x_0 and ε, and the weight is σ²a²."""
    clean, noise, time, x = draw(np.random.default_rng(0), CORNER, 50)
    y, weight = regressed(target, clean, noise, time)
    known, scale = (np.asarray(c)[:, None] for c in score_coefficients(target, VP, jnp.asarray(time)))
    sigma = scales(time)[1][:, None]
    np.testing.assert_allclose(known * x + scale * y, -noise / sigma, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        NoiseVarianceWeight(target)(VP, jnp.asarray(time))[:, None] * np.ones_like(weight), weight, rtol=1e-11
    )


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_moments_of_the_target_are_sums_over_the_posterior(target):
    *_, time, x = draw(np.random.default_rng(1), CORNER, 20)
    alpha, sigma = scales(time)
    noises = (x[:, None] - alpha[:, None, None] * CORNER) / sigma[:, None, None]
    posterior = scipy.special.softmax(-np.sum(noises**2, axis=-1) / 2, axis=1)
    y = np.stack([regressed(target, np.tile(p, (20, 1)), noises[:, i], time)[0] for i, p in enumerate(CORNER)], axis=1)
    mean = np.einsum("ni,nid->nd", posterior, y)
    covariance = np.einsum("ni,nid,nie->nde", posterior, y - mean[:, None], y - mean[:, None])
    moments = target_moments(PointMasses(CORNER), VP, target, (jnp.asarray(x), jnp.asarray(time)))
    np.testing.assert_allclose(moments[0], mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(moments[1], covariance, rtol=1e-7, atol=1e-10)
