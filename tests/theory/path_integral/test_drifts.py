"""From kernels and weights to paths: against the drift written out, and against the sampler of trained models."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.feature_model import FeatureModel
from sims.sampling.feature_models import denoiser_drift, sample_ensemble
from tests.oracles.v_kernels import TARGETS, TRIPLE, VP, coarse_population, output_scale, scales, small_features
from theory import LinearVKernel, PointMasses, sample_gaussian_field_ode, score_drift
from theory.path_integral.paths import flow_path

DATA, FEATURES = PointMasses(TRIPLE), small_features(1)
X, TIME = jnp.linspace(-1.2, 1.3, 7)[:, None], jnp.asarray(0.3)


@pytest.fixture(scope="module")
def kernel():
    return LinearVKernel(DATA, VP, FEATURES, 100, order="leading", population=coarse_population(TRIPLE))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_drift_of_the_mean_score_is_that_of_the_probability_flow(target):
    """-β x - β(b x + a ⟨W⟩φ), β = 0.1 + 19.9 t, with b and a written out for every target."""
    options = {"order": "leading", "population": coarse_population(TRIPLE), "target": target}
    kernel = LinearVKernel(DATA, VP, FEATURES, 100, **options)
    sigma = scales(np.asarray(TIME))[1]
    output = np.asarray(FEATURES(X, TIME)) @ np.asarray(kernel.mean_weights).T
    known = {"DenoiserTarget": -1 / sigma**2, "VelocityTarget": -1.0}.get(type(target).__name__, 0.0)
    score = known * np.asarray(X) + output_scale(target, np.asarray(TIME)) * output
    rate = 0.1 + 19.9 * 0.3
    drift = score_drift(kernel.mean_score, VP)
    np.testing.assert_allclose(drift(X, TIME), -rate * np.asarray(X) - rate * score, rtol=1e-10, atol=1e-10)


def test_drift_of_drawn_weights_is_that_of_a_model_with_these_weights(kernel):
    weights = kernel.draw_weights(jax.random.key(0), 3)
    expected = [denoiser_drift(FeatureModel(FEATURES, w), VP)(jnp.zeros((), int), TIME, X) for w in weights]
    drift = score_drift(kernel.score, VP)
    np.testing.assert_allclose(jnp.stack([drift(w, X, TIME) for w in weights]), jnp.stack(expected), rtol=1e-9)
    average = score_drift(kernel.mean_score, VP)(X, TIME)
    np.testing.assert_allclose(drift(kernel.mean_weights, X, TIME), average, rtol=1e-12)


def test_paths_of_drawn_weights_end_where_trained_models_would(kernel):
    """The same weights by `theory` and by the sampler of trained models, through the same times by Heun's method."""
    weights, times = kernel.draw_weights(jax.random.key(1), 4), jnp.linspace(1.0, 0.1, 40)
    here = sample_gaussian_field_ode(weights, score_drift(kernel.score, VP), X, times)
    there = sample_ensemble(FeatureModel(FEATURES, weights), VP, X, times, method="heun")
    np.testing.assert_allclose(here, there, rtol=1e-8, atol=1e-8)


def test_the_exact_score_carries_the_prior_to_the_points():
    drift = score_drift(lambda z: DATA.score(*z, VP), VP)
    times = VP.time_from_log_snr(jnp.linspace(VP.log_snr(1.0), VP.log_snr(VP.end_time), 200))
    end = flow_path(drift, jnp.asarray([[-1.5], [-0.01], [1.5]]), times)[-1]
    alpha, sigma = scales(float(times[-1]))
    assert np.all(np.abs(np.asarray(end) - alpha * TRIPLE) < 3 * sigma)
