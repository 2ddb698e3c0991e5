"""The samplers that carry prediction, trained models and exact score, where the end of every path is known."""

import numpy as np
import pytest

from figures.studies.linear_ensembles import LinearModels, averages
from figures.studies.published_setting import stratified_prior


@pytest.fixture
def one_point() -> LinearModels:
    """A single point at the origin: p(x|t) = N(0, σ_t²), and the exact flow is x ∝ σ_t."""
    return LinearModels(np.zeros((1, 1)), cutoff=0.01, draws=64, per_axis=4, per_time=4)


def test_exact_score_with_the_converged_solver_scales_by_the_noise_level(one_point):
    process = one_point.process
    initial = stratified_prior(process, 9)
    expected = np.asarray(initial) * float(process.noise_scale(0.01) / process.noise_scale(process.start_time))
    np.testing.assert_allclose(one_point.exact(initial, 400), expected, rtol=3e-4)


def test_exact_score_with_the_published_sampler_takes_uniform_euler_steps(one_point):
    """dx/dt = -β_t x - β_t s with s = -x/σ_t², thirty equal steps from 1 to ε."""
    times = np.linspace(1.0, 0.01, 31)
    beta = 0.1 + 19.9 * times
    variance = -np.expm1(-2 * (0.1 * times + 19.9 * times**2 / 2))
    factor = np.prod(1 + np.diff(times) * (beta * (1 / variance - 1))[:-1])
    initial = stratified_prior(one_point.process, 9)
    np.testing.assert_allclose(one_point.exact(initial, 30, "published"), factor * np.asarray(initial), rtol=1e-9)


def test_averages_are_of_all_models_and_without_each_group():
    weights = np.random.default_rng(0).normal(size=(7, 1, 4))
    found = averages(weights, 3)
    kept = [range(7), range(3, 7), [0, 1, 2, 5, 6], range(5)]
    np.testing.assert_allclose(found, [np.mean([weights[model] for model in models], axis=0) for models in kept])
