"""Estimators: known values, and standard errors that cover as often as they say."""

import numpy as np
import pytest
import scipy.stats

from sims.measurements.densities import gap_mass, histograms, joint_histogram
from sims.measurements.distances import wasserstein1
from sims.measurements.estimates import Estimate, difference, heterogeneity, mean_over, weighted_sum
from sims.measurements.modes import first_crossing, mode_covariances, variance_over_seeds

REPEATS, COUNT = 1000, 12
REFERENCE = np.array([-1.0, 0.0, 1.0])


def normal_means(rng):
    return mean_over(rng.normal(3.0, 2.0, size=COUNT))


def generated_variances(rng):
    """Variances of small samples, strongly skewed; ln χ²_9 has mean ψ(9/2) + ln 2."""
    return variance_over_seeds(rng.normal(size=(COUNT, 10)).var(axis=1, ddof=1))


def gap_masses(rng):
    """A share of its own for every model."""
    samples = np.where(rng.random((COUNT, 200)) < rng.uniform(0.1, 0.5, (COUNT, 1)), 0.5, 0.0)
    return gap_mass(samples * rng.choice([-1, 1], samples.shape), 0.25, 0.75)


def distances(rng):
    """The reference itself, shifted by 0.5 ± 0.05: every model's distance is its shift."""
    return wasserstein1(REFERENCE + rng.normal(0.5, 0.05, size=(COUNT, 1)), REFERENCE)


@pytest.mark.parametrize(
    ("estimate", "truth"),
    [
        (normal_means, 3.0),
        (generated_variances, np.exp(scipy.special.digamma(4.5) + np.log(2 / 9))),
        (gap_masses, 0.3),
        (distances, 0.5),
    ],
)
def test_intervals_cover_as_often_as_they_say(estimate, truth):
    """Student intervals at 68 and 95 %: a standard error wrong by a fifth, or a biased value, falls out."""
    rng = np.random.default_rng(0)
    estimates = [estimate(rng) for _ in range(REPEATS)]
    values, errors = np.array([(each.value, each.stderr) for each in estimates]).T
    inner = np.abs(values - truth) < scipy.stats.t(COUNT - 1).ppf(0.84) * errors
    low, high = np.array([each.interval for each in estimates]).T
    for level, covered in ((0.68, inner), (0.95, (low < truth) & (truth < high))):
        assert abs(covered.mean() - level) < 4 * np.sqrt(level * (1 - level) / REPEATS)
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(REPEATS) + 0.02 * errors.mean()
    np.testing.assert_allclose(np.sqrt(np.mean(errors**2)), values.std(), rtol=0.15)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_mean_is_scipys_with_its_standard_error(axis):
    samples = np.random.default_rng(0).normal(size=(3, 5, 4))
    estimate = mean_over(samples, axis)
    np.testing.assert_allclose(estimate.value, samples.mean(axis=axis), rtol=1e-14)
    np.testing.assert_allclose(estimate.stderr, scipy.stats.sem(samples, axis=axis, ddof=1), rtol=1e-13)
    assert estimate.repetitions == samples.shape[axis]


def test_interval_is_scipys():
    samples = [1.0, 2.0, 4.0, 9.0]
    expected = scipy.stats.ttest_1samp(samples, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose(mean_over(samples).interval, expected, rtol=1e-12)


def test_half_widths_are_those_of_the_intervals_of_single_values():
    estimate = mean_over(np.random.default_rng(3).normal(size=(6, 2)))
    for index in range(2):
        low, high = estimate.at(index).interval
        np.testing.assert_allclose(
            [(low + high) / 2, (high - low) / 2], [part[index] for part in (estimate.value, estimate.half_width)]
        )


def test_weighted_sums_and_differences_of_independent_estimates():
    """3-4-5, with one weight for all and one for each; the fewer repetitions decide."""
    pair = Estimate(np.array([1.0, 5.0]), np.array([0.3, 0.4]), 7)
    np.testing.assert_allclose(weighted_sum(2.0, pair)[:2], (12.0, 1.0))
    np.testing.assert_allclose(weighted_sum([1.0, -1.0], pair)[:2], (-4.0, 0.5))
    apart = difference(pair.at(0), Estimate(np.asarray(5.0), np.asarray(0.4), 3))
    np.testing.assert_allclose(apart[:2], (-4.0, 0.5))
    assert (weighted_sum(2.0, pair).repetitions, apart.repetitions) == (7, 3)


def test_without_a_standard_error_the_interval_is_everything():
    assert Estimate(np.asarray(1.5), np.asarray(np.nan), 10).interval == (-np.inf, np.inf)


@pytest.mark.parametrize("count", [0, 1])
def test_a_standard_error_needs_two(count):
    with pytest.raises(ValueError, match="at least two"):
        mean_over(np.ones((count, 3)))


def test_covariances_are_numpys():
    """For any leading axes; off-centre samples in single precision are summed in double."""
    samples = (1000 + np.random.default_rng(0).normal(size=(2, 3, 50, 4))).astype(np.float32)
    covariances = mode_covariances(samples)
    assert covariances.dtype == "float64"
    for at in np.ndindex(2, 3):
        np.testing.assert_allclose(covariances[at], np.cov(samples[at].astype(float).T), rtol=1e-9, atol=1e-10)


def test_p_values_are_those_of_scipys_t_test():
    samples = np.random.default_rng(3).normal(0.4, 1.0, 9)
    estimate = mean_over(samples)
    for threshold in (-0.3, 0.0, 0.9):
        above = scipy.stats.ttest_1samp(samples, threshold, alternative="greater").pvalue
        np.testing.assert_allclose(estimate.p_at_most(threshold), above, rtol=1e-10)
        np.testing.assert_allclose(estimate.p_at_least(threshold), 1 - above, rtol=1e-10)
    unknown = Estimate(np.asarray(1.0), np.asarray(np.nan), 9)
    assert (unknown.p_at_most(0.0), unknown.p_at_least(2.0)) == (1.0, 1.0)
    certain = Estimate(np.asarray(1.0), np.asarray(0.0), 9)
    assert (certain.p_at_most(0.0), certain.p_at_least(0.0)) == (0.0, 1.0)


def test_less_a_number_the_error_stays():
    estimate = Estimate(np.asarray(2.0), np.asarray(0.3), 7)
    assert estimate.minus(1.5) == (0.5, 0.3, 7)
    assert estimate.centre == 2.0


def test_cochrans_q_is_chi_squared_for_runs_that_differ_by_their_errors():
    rng = np.random.default_rng(4)
    errors = np.array([0.1, 0.2, 0.4, 0.3])
    runs = [
        heterogeneity(
            [Estimate(np.asarray(v), np.asarray(e), 9) for v, e in zip(rng.normal(1, errors), errors, strict=True)]
        )
        for _ in range(2000)
    ]
    statistic, p_value = np.transpose(runs)
    np.testing.assert_allclose(statistic.mean(), 3, rtol=0.06)
    np.testing.assert_allclose(np.mean(p_value < 0.05), 0.05, atol=0.015)
    assert np.isnan(heterogeneity([Estimate(np.asarray(1.0), np.asarray(0.0), 9)] * 2)).all()


def test_variance_over_seeds_is_the_geometric_mean():
    variances = np.array([[1.0, 5.0], [4.0, 5.0], [16.0, 5.0]])
    value, stderr, _ = variance_over_seeds(variances)
    np.testing.assert_allclose(value, [4.0, 5.0], rtol=1e-14)
    np.testing.assert_allclose(stderr, [4 * np.log(4) / np.sqrt(3), 0.0], atol=1e-12)


# --- First crossing ---

TIMES = np.geomspace(1e-3, 1e2, 11)


@pytest.mark.parametrize("power", [1.0, 0.3, -1.0, -2.5])
@pytest.mark.parametrize("crossing", [1.3e-3, 0.07, TIMES[4], 99.0])
def test_crossing_is_exact_on_power_laws(power, crossing):
    """Rising and falling, between grid points and on one."""
    values = 3.0 * TIMES**power
    np.testing.assert_allclose(first_crossing(TIMES, values, np.asarray(3.0 * crossing**power)), crossing, rtol=1e-12)


def test_crossing_is_nan_where_there_is_none():
    """Also for a curve that moves away from its level; and without a warning."""
    curves = np.stack([TIMES, 1 / TIMES, np.full_like(TIMES, 2.0), TIMES**0.5], axis=1)
    crossing = first_crossing(TIMES, curves, np.array([1e5, 1e5, 3.0, 1.0]))
    np.testing.assert_array_equal(np.isnan(crossing), [True, True, True, False])
    np.testing.assert_allclose(crossing[3], 1.0, rtol=1e-12)


def test_crossing_is_the_first_and_starts_from_the_first_value():
    values = np.array([1.0, 4.0, 1.0, 4.0, 1.0])
    times = np.array([1.0, 4.0, 16.0, 64.0, 256.0])
    np.testing.assert_allclose(first_crossing(times, values, np.asarray(2.0)), 2.0, rtol=1e-14)
    np.testing.assert_allclose(first_crossing(times, 1 / values, np.asarray(0.5)), 2.0, rtol=1e-14)
    assert first_crossing(times, values, np.asarray(1.0)) == 1.0  # already there


def test_crossing_of_a_batch_of_curves_and_levels():
    curves = TIMES[:, None, None] * np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    level = np.array([1.0, 2.0, 8.0])
    np.testing.assert_allclose(first_crossing(TIMES, curves, level[None]), level / curves[0] * TIMES[0], rtol=1e-12)


# --- Shares, densities, distances ---


def test_gap_mass_of_known_samples():
    samples = np.array([[0.0, 0.5, -0.5, 1.0], [0.0, 0.3, 0.9, -1.0]])
    value, stderr, _ = gap_mass(samples, 0.25, 0.75)
    np.testing.assert_allclose([value, stderr], [0.375, 0.125], rtol=1e-14)
    np.testing.assert_array_equal(gap_mass(np.array([[0.25, 0.75]] * 2), 0.25, 0.75).value, 0.0)  # ends excluded


@pytest.mark.parametrize(
    ("low", "high"), [(0.75, 0.25), (0.5, 0.5), (np.nan, 0.75), (np.asarray(1.0), np.asarray(0.0))]
)
def test_a_gap_without_width_is_refused(low, high):
    with pytest.raises(ValueError, match="a gap needs low < high"):
        gap_mass(np.zeros((2, 3)), low, high)


def test_histogram_counts_samples_outside_in_its_normalisation():
    edges = np.array([-1.0, 0.0, 0.5])
    samples = np.array([[-0.5, -0.2, 0.1, 7.0], [0.2, 0.3, 0.4, 0.1]])
    density = histograms(samples, edges)
    np.testing.assert_allclose(density, [[0.5, 0.5], [0.0, 2.0]], rtol=1e-14)
    np.testing.assert_allclose(density @ np.diff(edges), [0.75, 1.0], rtol=1e-14)


def test_joint_histogram_is_indexed_x_then_y():
    edges = np.array([-1.0, 0.0, 0.5])
    samples = np.array([[-0.5, 0.2], [-0.6, 0.3], [0.2, 0.2], [9.0, 0.0]])
    np.testing.assert_allclose(joint_histogram(samples, edges), [[0.0, 1.0], [0.0, 1.0]], rtol=1e-14)


def test_joint_histogram_marginal():
    rng = np.random.default_rng(0)
    samples, edges = rng.normal(size=(500, 2)) * [1.0, 0.2], np.linspace(-2, 2, 9)
    marginal = joint_histogram(samples, edges) @ np.diff(edges)
    np.testing.assert_allclose(marginal, histograms(samples[None, :, 0], edges)[0], rtol=1e-12)


def test_wasserstein1_of_known_distributions():
    """A point at 2 is 2 from the triple on average; half of it at ±1 is 1/3; equal sets are at zero."""
    samples = np.array([np.full(6, 2.0), np.repeat([-1.0, 1.0], 3), np.tile(REFERENCE, 2)])
    value, stderr, _ = wasserstein1(samples, REFERENCE)
    np.testing.assert_allclose(value, (2 + 1 / 3) / 3, rtol=1e-12)
    np.testing.assert_allclose(stderr, scipy.stats.sem([2, 1 / 3, 0]), rtol=1e-12)


@pytest.mark.parametrize(
    "measure",
    [lambda x: gap_mass(x, 0.2, 0.8), lambda x: histograms(x, np.linspace(-1, 1, 5))],
)
def test_samples_that_are_no_numbers_are_no_share(measure):
    samples = np.zeros((2, 10))
    samples[0, 3] = np.nan
    with pytest.raises(ValueError, match="got 1 of 20 that are NaN"):
        measure(samples)
