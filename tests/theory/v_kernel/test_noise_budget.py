"""The budget of misfit, design and target noise, against `LinearVKernel` and ridge fits made in NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.oracles.v_kernels import CORNER, TRIPLE, VP, coarse_population, draw, regressed, ridge_fits, small_features
from theory import LinearVKernel, PointMasses
from theory.definitions.targets import NoiseTarget
from theory.v_kernel.feature_regression import feature_regression
from theory.v_kernel.moments import normal_equations
from theory.v_kernel.noise_budget import noise_budget

DRAWS, RIDGE = 60, 0.02


def _no_noise(x, time):
    return jnp.zeros((*jnp.shape(x), jnp.shape(x)[-1])) + 0.0 * time[..., None, None]


@pytest.mark.parametrize("points", [TRIPLE, CORNER], ids=["line", "plane"])
def test_parts_add_up_to_the_variance_of_the_kernel(points):
    data, features = PointMasses(points), small_features(points.shape[1])
    population = coarse_population(points)
    setting = (data, VP, features, DRAWS, RIDGE)
    budget = noise_budget(*setting, population=population)
    kernel = LinearVKernel(*setting, population=population)
    regression = feature_regression(data, VP, features, kernel.target, None, population)
    second_moment, _ = normal_equations(regression)
    variance = jnp.einsum("ifr,fg,igr->", kernel.weight_factor, second_moment, kernel.weight_factor)
    assert float(budget.design + budget.target) == pytest.approx(float(variance), rel=1e-5)  # that of fixed points
    assert float(budget.ratio) == pytest.approx(float(budget.target / (budget.misfit + budget.design)))


def test_targets_without_noise_leave_misfit_and_design():
    data, features, population = PointMasses(CORNER), small_features(2), coarse_population(CORNER)
    setting = (data, VP, features, DRAWS, RIDGE)
    noisy = noise_budget(*setting, population=population)
    exact = noise_budget(*setting, population=population, clean_covariance=_no_noise)
    assert float(exact.target) == 0.0
    assert float(noisy.target) > 0.01 * float(noisy.misfit)
    np.testing.assert_allclose([exact.misfit, exact.design], [noisy.misfit, noisy.design], rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("noisy", [False, True], ids=["exact target", "noisy target"])
def test_ridge_fits_have_these_errors(noisy):
    """Models fitted in NumPy to the noise, or to its mean given the input, from the same triples."""
    points, target, count, models, ridge = TRIPLE, NoiseTarget(), 400, 300, 0.01
    data, features = PointMasses(points), small_features(1)
    clean, noise, time, x = draw(np.random.default_rng(5), points, models * count)
    y, weight = regressed(target, clean, noise, time)
    if not noisy:
        alpha, sigma = np.asarray(VP.signal_scale(time))[:, None], np.asarray(VP.noise_scale(time))[:, None]
        y = (x - alpha * np.asarray(data.denoised(x, time, VP))) / sigma
    fitted = ridge_fits(features, x, time, y, weight, models, ridge)
    population = coarse_population(points)
    second_moment, _ = normal_equations(feature_regression(data, VP, features, target, None, population))
    away = fitted - fitted.mean(axis=0)
    of_models = np.einsum("mif,fg,mig->m", away, np.asarray(second_moment), away) * models / (models - 1)
    budget = noise_budget(data, VP, features, count, ridge, target=target, population=population)
    predicted = float(budget.design + noisy * budget.target)
    stderr = of_models.std(ddof=1) / np.sqrt(models)
    assert stderr < 0.05 * predicted
    assert abs(of_models.mean() - predicted) < 4 * stderr + 0.05 * predicted
