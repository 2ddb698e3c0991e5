"""Measurements of ensembles of models against SciPy, brute force and their own null laws."""

import numpy as np
import pytest
import scipy.stats

from sims.measurements.densities import gap_mass
from sims.measurements.distances import cumulative, grouped_cumulative, squared_distance
from sims.measurements.gaussianity import (
    gaussian_surrogates,
    gaussianity_p_values,
    holm_rejected,
    mardia_statistics,
)
from sims.measurements.memorisation import distance_to_segment, memorised, memorised_among_many
from sims.measurements.resampling import jackknife, pooled_variance_ratio, variance_over_members


def generator(seed=0):
    return np.random.default_rng(seed)


# --- Memorisation ---


def test_memorised_is_what_gap_and_outside_leave():
    """On {-1, 0, 1} the ratio of distances is below 1/3 for |x| < 1/4 and for 3/4 < |x| < 3/2, and nowhere else."""
    samples = generator().normal(scale=0.9, size=(7, 500))
    found = memorised(samples[..., None], np.array([[-1.0], [0.0], [1.0]]))
    outside = np.mean(np.abs(samples) >= 1.5)
    assert abs(found.mean() + float(gap_mass(samples, 0.25, 0.75).value) + outside - 1) < 1e-12
    near = (np.abs(samples) < 0.25) | ((np.abs(samples) > 0.75) & (np.abs(samples) < 1.5))
    np.testing.assert_array_equal(found, near)


def test_memorised_in_two_dimensions_by_brute_force():
    points, samples = generator(1).normal(size=(5, 2)), generator(2).normal(size=(3, 40, 2))
    hits = 0
    for x in samples.reshape(-1, 2):
        first, second = sorted(float(np.hypot(*(x - point))) for point in points)[:2]
        hits += first / second < 1 / 3
    assert np.sum(memorised(samples, points)) == hits
    with pytest.raises(ValueError, match="two nearest"):
        memorised(samples, points[:1])


def test_distance_to_a_segment_is_the_smallest_to_its_points():
    start, end = np.array([-1.0, 0.5]), np.array([2.0, -0.3])
    x = generator().normal(scale=2, size=(3, 20, 2))
    line = start + np.linspace(0, 1, 20_001)[:, None] * (end - start)
    expected = np.linalg.norm(x[..., None, :] - line, axis=-1).min(axis=-1)
    np.testing.assert_allclose(distance_to_segment(x, start, end), expected, rtol=0, atol=1e-4)


def test_whole_numbers_without_a_sign_do_not_wrap():
    samples, points = np.array([[0, 10]], np.uint8), np.array([[1, 10], [20, 10]], np.uint8)
    assert memorised(samples, points).tolist() == [True]
    assert memorised_among_many(samples, points).tolist() == [True]
    assert distance_to_segment(samples[0], *points) == 1


# --- Distances ---


def test_jackknife_of_a_mean_is_the_standard_error_of_the_mean():
    summaries = generator().normal(size=(20, 4))
    estimate = jackknife(lambda mean: float(mean[2]), summaries)
    np.testing.assert_allclose(estimate.value, summaries[:, 2].mean())
    np.testing.assert_allclose(estimate.stderr, scipy.stats.sem(summaries[:, 2]))
    with pytest.raises(ValueError, match="two models"):
        jackknife(lambda mean: float(mean[0]), summaries[:1])


def test_variance_and_its_jackknife_error():
    """Against leaving members out one by one, and the error against the spread of many ensembles."""
    weights = np.random.default_rng(4).normal(size=(20, 2, 3, 3)) * np.arange(1.0, 4.0)
    left_out = np.stack([np.var(np.delete(weights, i, axis=0), axis=0, ddof=1) for i in range(20)])
    estimate = variance_over_members(weights)
    np.testing.assert_allclose(estimate.value, weights.var(axis=0, ddof=1), rtol=1e-12)
    jackknife = np.sqrt(19 / 20 * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    np.testing.assert_allclose(estimate.stderr, jackknife, rtol=1e-10)

    predicted = np.broadcast_to(np.arange(1.0, 4.0) ** 2, (2, 3, 3))
    pooled = pooled_variance_ratio(weights, predicted)
    np.testing.assert_allclose(pooled.value, np.mean(estimate.value / predicted, axis=(1, 2)), rtol=1e-12)
    ensembles = np.random.default_rng(5).normal(size=(300, 20, 3, 3))
    ratios = [pooled_variance_ratio(each, np.ones((3, 3))) for each in ensembles]
    spread, claimed = np.std([r.value for r in ratios]), np.sqrt(np.mean([r.stderr**2 for r in ratios]))
    np.testing.assert_allclose(claimed, spread, rtol=0.15)
    with pytest.raises(ValueError, match="three members"):
        variance_over_members(weights[:2])


# --- Gaussianity ---


def test_mardia_by_its_definition_with_all_pairs():
    for dimension in (1, 2, 3):
        values = generator(dimension).gamma(2.0, size=(40, 2, dimension))
        statistics = mardia_statistics(values)
        for place in range(2):
            centred = values[:, place] - values[:, place].mean(axis=0)
            inverse = np.linalg.inv(centred.T @ centred / 40)
            products = centred @ inverse @ centred.T
            np.testing.assert_allclose(statistics.skewness[place], 40 * np.mean(products**3) / 6, rtol=1e-10)
            expected = dimension * (dimension + 2)
            kurtosis = (np.mean(np.diag(products) ** 2) - expected) / np.sqrt(8 * expected / 40)
            np.testing.assert_allclose(statistics.kurtosis[place], kurtosis, rtol=1e-10)
    values = generator().normal(size=50)
    jarque_bera = scipy.stats.jarque_bera(values).statistic
    np.testing.assert_allclose(mardia_statistics(values[:, None]).omnibus, jarque_bera, rtol=1e-10)


def test_mardia_does_not_see_affine_maps_and_refuses_too_few_models():
    values = generator().gamma(2.0, size=(30, 2))
    moved = values @ np.array([[2.0, 1.0], [0.0, -0.5]]) + np.array([3.0, -7.0])
    np.testing.assert_allclose(mardia_statistics(values).omnibus, mardia_statistics(moved).omnibus, rtol=1e-9)
    with pytest.raises(ValueError, match="more models"):
        mardia_statistics(values[:3])


@pytest.mark.parametrize(("dimension", "models"), [(1, 20), (1, 300), (2, 60)])
def test_p_values_are_uniform_for_gaussians(dimension, models):
    """Any mean and covariance; few models too, where the chi-squared limit would be wrong."""
    mixing, rng = generator(5).normal(size=(dimension, dimension)), generator(6)
    values = rng.normal(size=(models, 1000, dimension)) @ mixing + 2.0
    p_values = gaussianity_p_values(values, null_draws=4000, random=rng)
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 1e-3
    assert abs(np.mean(p_values <= 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 * (1 / 1000 + 1 / 4000))


def test_power_against_skewed_and_heavy_tailed_estimators():
    rng = generator(7)
    for values in (rng.exponential(size=(300, 50, 1)), rng.standard_t(4, size=(300, 50, 1))):
        p_values = gaussianity_p_values(values, null_draws=3000, random=rng)
        assert holm_rejected(p_values).mean() > 0.6


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (lambda v: np.where(v == v[3, 0, 0], np.inf, v), "values must be finite"),
        (lambda v: v * [1.0, 0.0] + [0.0, 0.7], r"vary over the models; got 5 place\(s\)"),
        (lambda v: np.full((900, 3, 1), 0.1), r"vary over the models; got 3 place\(s\)"),
        (lambda v: v[..., :1] * [1.0, 1 / 3] + [0.1, 0.7], r"not be linear in one another; got 5 place\(s\)"),
        (lambda v: v * 1j, "must be real"),
    ],
)
def test_values_without_a_whitened_form_are_refused(spoilt, sentence):
    """Their p-values were the smallest ones, or about one."""
    with pytest.raises(ValueError, match=sentence):
        gaussianity_p_values(spoilt(generator().normal(size=(40, 5, 2))), null_draws=20, random=generator())


def test_mardia_has_no_unit():
    values = generator().normal(size=(40, 5, 2))
    expected = mardia_statistics(values)
    for unit in (2.0**-700, 2.0**600):
        np.testing.assert_array_equal(mardia_statistics(values * unit), expected)
    apart = mardia_statistics(values * [1.0, 1e-12])
    np.testing.assert_allclose(apart.omnibus, expected.omnibus, rtol=1e-9)


def step_down(p_values, level):
    """Holm's procedure as written: reject from the smallest while p_(k) ≤ level/(m - k + 1)."""
    rejected, remaining = np.zeros(len(p_values), dtype=bool), len(p_values)
    for index in np.argsort(p_values):
        if p_values[index] > level / remaining:
            break
        rejected[index], remaining = True, remaining - 1
    return rejected


def test_holms_procedure_against_its_definition():
    rng = generator(8)
    for _ in range(50):
        p_values = np.concatenate([rng.uniform(size=10), rng.uniform(high=0.01, size=rng.integers(0, 6))])
        np.testing.assert_array_equal(holm_rejected(p_values), step_down(p_values, 0.05))
    assert not holm_rejected(np.full(4, 0.9)).any()


@pytest.mark.parametrize(
    ("p_values", "level", "message"),
    [
        ([0.1, 0.2], 0.0, "level of a test must lie between zero and one; got 0.0"),
        ([0.1, 0.2], 1.0, "got 1.0"),
        ([0.1, 0.2], np.asarray(5.0), "got 5.0"),
        ([0.1, 0.2], np.nan, "got nan"),
        ([0.1, np.nan], 0.05, "p-values must lie between zero and one"),
        ([0.1, -0.2], 0.05, "p-values must lie between zero and one"),
        (np.array([1.5]), 0.05, "p-values must lie between zero and one"),
    ],
)
def test_numbers_that_are_no_probabilities_are_refused(p_values, level, message):
    with pytest.raises(ValueError, match=message):
        holm_rejected(p_values, level)


def test_surrogates_have_the_models_mean_and_covariance():
    values = generator().gamma(1.0, size=(12, 2, 3))
    drawn = gaussian_surrogates(values, 60_000, generator(1)).reshape(-1, 6)
    flat = values.reshape(12, 6)
    covariance = np.cov(flat.T)
    deviation = (drawn.mean(axis=0) - flat.mean(axis=0)) / np.sqrt(np.diag(covariance) / len(drawn))
    assert np.abs(deviation).max() < 4.5
    scale = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / len(drawn))
    assert np.abs((np.cov(drawn.T) - covariance) / scale).max() < 4.5
    assert scipy.stats.kstest((drawn[:, 0] - drawn[:, 0].mean()) / drawn[:, 0].std(), "norm").pvalue > 1e-3
    with pytest.raises(ValueError, match="at least two models; got 1"):
        gaussian_surrogates(values[:1], 5, generator())


def test_squared_distance_of_shifted_uniform_laws():
    """U(0, 1) against U(c, 1 + c): ∫ (F - F')² dx by the trapezoidal rule on a fine grid; zero at c = 0."""
    grid, fine = np.linspace(-1, 3, 401), np.linspace(-1, 3, 40001)
    rng = np.random.default_rng(30)
    for shift in (0.0, 0.4):
        expected = np.trapezoid((np.clip(fine, 0, 1) - np.clip(fine - shift, 0, 1)) ** 2, fine)
        squared = []
        for _ in range(50):
            first, second = (grouped_cumulative(rng.uniform(size=(24, 30)) + c, grid, 8) for c in (0.0, shift))
            squared.append(squared_distance(first, second, grid).squared)
        assert abs(np.mean(squared) - expected) < 4 * np.std(squared, ddof=1) / np.sqrt(50) + 0.01 * expected


def test_groups_are_means_of_models_in_their_order():
    grid, samples = np.linspace(0, 1, 11), np.random.default_rng(31).uniform(size=(7, 4))
    found = grouped_cumulative(samples, grid, 3)
    of_models = cumulative(samples, grid)
    for group, members in enumerate(([0, 1, 2], [3, 4], [5, 6])):
        np.testing.assert_allclose(found[group], of_models[members].mean(axis=0), rtol=1e-14)
    assert grouped_cumulative(samples[:1], grid, 3).shape == (1, 11)
