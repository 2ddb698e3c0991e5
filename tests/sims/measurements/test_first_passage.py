"""Emergence in a run: passages by brute force and by root finding, the published definition, fits and gray zones."""

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from scipy.ndimage import gaussian_filter1d

from sims.measurements.exponents import fitted_exponent
from sims.measurements.first_passage import (
    MEANS,
    first_passage,
    fraction_levels,
    mean_levels,
    published_emergence,
)
from sims.measurements.gray_zone import outside_gray_zone, outside_scalar_gray_zone
from theory.spectral_law.power_law import fit_power_law

STEPS = np.concatenate([[0], np.unique(np.geomspace(1, 10_000, 40).round())])
TARGET = np.array([9.0, 1.0, 0.04, 0.003])


def noisy_run(random, modes=50):
    """Random walks of ln v, of several records, from one variance to another."""
    start, end = random.normal(size=(2, modes))
    walk = np.cumsum(random.normal(size=(len(STEPS), modes)), axis=0) * 0.2
    return np.exp(start + (end - start) * np.linspace(0, 1, len(STEPS))[:, None] + walk)


def passed_by_scipy(steps, values, level):
    """First root of the interpolated ln v - ln level in ln τ, with the cases of the table in the docstring."""
    excess = np.log(values) - np.log(level)
    if excess[0] * excess[1] <= 0:  # between step 0 and the first that has a logarithm
        return -np.inf
    log_steps, excess = np.log(steps[1:]), excess[1:]
    change = np.flatnonzero(excess[0] * excess <= 0)
    if not change.size:
        return np.inf
    left, right = log_steps[change[0] - 1], log_steps[change[0]]
    return np.exp(scipy.optimize.brentq(lambda at: np.interp(at, log_steps, excess), left, right, xtol=1e-14))


def test_first_passage_is_that_of_a_root_finder_on_every_mode_and_level():
    random = np.random.default_rng(0)
    variances = noisy_run(random)
    levels = fraction_levels(variances[0], np.exp(random.normal(size=50)), [0.2, 0.5, 0.9])
    found = first_passage(STEPS, variances, levels)
    expected = [[passed_by_scipy(STEPS, variances[:, k], level[k]) for k in range(50)] for level in levels]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert {-np.inf, np.inf} < set(found.ravel())  # both happen here, and most are neither
    assert np.isfinite(found).mean() > 0.5


def test_levels_are_fractions_of_the_way_in_logarithms_and_means():
    initial = np.array([0.25, 0.25, 0.25, 0.5])
    levels = fraction_levels(initial, TARGET, [0.25, 0.5])
    np.testing.assert_allclose(np.log(levels[0]), 0.75 * np.log(initial) + 0.25 * np.log(TARGET), rtol=1e-14)
    for level, mean in zip(mean_levels(initial, TARGET), MEANS, strict=True):
        by_scipy = {"geometric": scipy.stats.gmean, "harmonic": scipy.stats.hmean, "arithmetic": np.mean}[mean]
        np.testing.assert_allclose(level, by_scipy(np.stack([initial, TARGET]), axis=0), rtol=1e-14)
    np.testing.assert_allclose(levels[1], mean_levels(initial, TARGET)[0], rtol=1e-14)
    assert mean_levels(np.zeros(1), np.zeros(1)).tolist() == [[0.0]] * 3
    for unit in (1e-170, 1e200):
        np.testing.assert_allclose(mean_levels(initial * unit, TARGET * unit) / unit, mean_levels(initial, TARGET))
    np.testing.assert_allclose(mean_levels(np.array([1e200]), np.array([1e-200]))[1], 2e-200)


@pytest.mark.parametrize("fractions", [0.0, 1.0, [0.5, np.nan], [-0.1]])
def test_a_fraction_that_is_none_is_refused(fractions):
    with pytest.raises(ValueError, match="fractions must lie between 0 and 1"):
        fraction_levels(TARGET, TARGET, fractions)


def test_passage_of_power_laws_is_exact_on_both_branches_for_seeds():
    """v = v(0)(τ/τ_1)^±p from the first positive record on passes level f at τ_1 (λ/v(0))^(f/±p)."""
    rates, initial = np.array([0.5, 0.3, -0.4, -0.6]), np.array([[0.25] * 4, [0.3] * 4])
    variances = initial * STEPS[1:, None, None] ** rates
    levels = fraction_levels(initial, TARGET, [0.3, 0.7])
    found = first_passage(STEPS[1:], variances, levels)
    expected = np.exp(np.array([0.3, 0.7])[:, None, None] * np.log(TARGET / initial) / rates)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_has_no_time_is_said():
    steps, level = [0, 10, 100], np.array([[2.0] * 7])
    variances = np.array(
        [
            # early; late; never; on the level at the start; level too far; from zero; from above, early
            [1.0, 1.0, 1.0, 2.0, 1.0, 0.0, 8.0],
            [3.0, 1.0, 1.5, 3.0, 1.0, 0.0, 1.0],
            [1.0, 4.0, 1.0, 4.0, 4.0, 4.0, 3.0],
        ]
    )
    level[0, 4] = np.inf
    found = first_passage(steps, variances, level)[0]
    np.testing.assert_allclose(found[:5], [-np.inf, 10**1.5, np.inf, np.nan, np.nan], rtol=1e-12)
    assert 99 < found[5] < 100  # zero counts as the smallest number
    assert found[6] == -np.inf
    only_one = first_passage([0, 10], variances[:2], level[:, :1].repeat(7, axis=1))[0]
    assert only_one.tolist()[:3] == [-np.inf, np.inf, np.inf]


@pytest.mark.parametrize(
    ("steps", "variances", "sentence"),
    [
        ([0, 1], np.ones((3, 2)), "a record for each step"),
        ([0, 1], np.ones(2), "a record for each step"),
        ([1, 0], np.ones((2, 2)), "steps must be two or more that increase"),
        ([-1, 0], np.ones((2, 2)), "steps must be two or more that increase"),
        ([1], np.ones((1, 2)), "steps must be two or more"),
        ([0, np.nan], np.ones((2, 2)), "steps must be two or more"),
        ([0, 1], [[1.0], [np.nan]], "variances must be finite"),
        ([0, 1], [[1.0], [-1.0]], "variances must be finite"),
    ],
)
def test_records_that_are_none_are_refused(steps, variances, sentence):
    for ask in (
        lambda: first_passage(steps, variances, np.ones((1, 1))),
        lambda: published_emergence(steps, variances, np.ones(1)),
    ):
        with pytest.raises(ValueError, match=sentence):
            ask()


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("smoothing", [1.0, 2.0])
def test_published_definition_mode_by_mode(mean, smoothing):
    """Written as its description: threshold of the first record, one mode at a time, the first record beyond."""
    random = np.random.default_rng(1)
    variances, target = noisy_run(random, 30), np.exp(random.normal(size=30))
    expected = []
    for curve, goal in zip(variances[1:].T, target, strict=True):
        level = {
            "geometric": np.sqrt(curve[0] * goal),
            "harmonic": 2 / (1 / curve[0] + 1 / goal),
            "arithmetic": (curve[0] + goal) / 2,
        }[mean]
        smooth = gaussian_filter1d(curve, smoothing)
        sign = 1 if smooth[0] <= level else -1
        beyond = [step for step, value in zip(STEPS[1:], smooth, strict=True) if sign * value > sign * level]
        expected.append(beyond[0] if beyond else np.nan)
    found = published_emergence(STEPS, variances, target, smoothing=smoothing, mean=mean)
    np.testing.assert_array_equal(found, expected)
    assert np.isfinite(found).any()


def test_published_definition_refuses_another_mean_and_width():
    with pytest.raises(ValueError, match="mean must be one of geometric"):
        published_emergence([1, 2], np.ones((2, 1)), np.ones(1), mean="median")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="smoothing must be positive"):
        published_emergence([1, 2], np.ones((2, 1)), np.ones(1), smoothing=0.0)


# --- Exponents ---


def scattered(random, exponent=0.7, modes=20):
    variance = np.exp(random.normal(size=modes))
    return variance, 3.0 * variance**-exponent * np.exp(0.1 * random.normal(size=modes))


@pytest.mark.parametrize("weighted", [False, True])
def test_exponent_is_theorys_and_scipys(weighted):
    """Both packages fit without the other, so two fits: their numbers are the same."""
    random = np.random.default_rng(2)
    variance, emergence = scattered(random)
    errors = random.uniform(0.05, 0.3, 20) if weighted else None
    found = fitted_exponent(variance, emergence, log_stderr=errors)
    law = fit_power_law(variance, emergence, None if errors is None else errors * emergence)
    np.testing.assert_allclose(found[:3], [law.exponent, law.stderr, law.r_squared], rtol=1e-12)
    if not weighted:
        line = scipy.stats.linregress(np.log(variance), np.log(emergence))
        np.testing.assert_allclose(found[:3], [-line.slope, line.stderr, line.rvalue**2], rtol=1e-12)
    assert found.modes == 20


def test_exponent_is_of_the_modes_that_emerged():
    variance, emergence = scattered(np.random.default_rng(3))
    more = np.append(variance, [0.1, 0.2, 0.3, 0.4])
    among = np.append(np.ones(23, dtype=bool), False)
    found = fitted_exponent(more, np.append(emergence, [np.inf, -np.inf, np.nan, 1e9]), among)
    assert found == fitted_exponent(variance, emergence)
    errors = np.append(np.full(23, 0.1), np.inf)
    with_errors = fitted_exponent(more, np.append(emergence, [np.inf, -np.inf, np.nan, 1e9]), log_stderr=errors)
    np.testing.assert_allclose(with_errors.value, found.value, rtol=1e-12)


@pytest.mark.parametrize("variance", [[1.0, 3.0], [1.0, 1.2, 1.4], [0.0, 1.0, 2.0]])
def test_no_exponent_of_few_modes_or_variances_that_are_alike(variance):
    found = fitted_exponent(np.array(variance), np.arange(1.0, len(variance) + 1))
    assert not found.defined
    assert np.isnan(found[:3]).all()


def test_exponents_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="must be of one length"):
        fitted_exponent(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="variances must be zero or more"):
        fitted_exponent(np.array([1.0, np.nan, 2.0]), np.ones(3))
    with pytest.raises(ValueError, match="variances must be finite"):
        fitted_exponent(np.array([1.0, 2.0, 4.0, np.inf]), np.ones(4))
    with pytest.raises(ValueError, match="standard errors of ln τ. must be positive; got 0"):
        fitted_exponent(np.array([1.0, 2.0, 4.0]), np.ones(3), log_stderr=np.array([1.0, 0.0, 1.0]))


# --- Gray zones ---


def test_gray_zone_is_of_each_modes_own_ratio_and_the_published_of_the_mean():
    """The first mode starts from four times the mean: it has far to go and lies in the published zone."""
    initial = np.array([1.2, 0.2, 0.1, 0.1])
    target = np.array([0.4, 0.21, 0.15, 0.3])
    assert initial.mean() == pytest.approx(0.4)
    assert outside_gray_zone(initial, target).tolist() == [True, False, False, True]
    assert outside_scalar_gray_zone(initial, target).tolist() == [False, False, True, False]
    assert outside_gray_zone(initial, target, 1.0).all()
    assert outside_gray_zone(initial, target, 3.01).tolist() == [False, False, False, False]
    both = outside_scalar_gray_zone(np.stack([initial, 10 * initial]), target)
    assert both.tolist() == [[False, False, True, False], [True, True, True, True]]
    with pytest.raises(ValueError, match="gray zone must be one or more"):
        outside_gray_zone(initial, target, 0.5)
    with pytest.raises(ValueError, match="and finite; got inf"):
        outside_gray_zone(initial, target, np.inf)
    with pytest.raises(ValueError, match="variances must be zero or more"):
        outside_scalar_gray_zone(np.array([-1.0, 5.0]), np.ones(2))
    with pytest.raises(ValueError, match="variances must be zero or more"):
        outside_gray_zone(initial, np.full_like(target, np.nan))


def test_a_factor_of_the_gray_zone_decides_which_modes_an_exponent_is_of():
    """Modes near their start are off the power law: the wider the zone, the nearer both branches are to theirs."""
    target = np.geomspace(1e-3, 1e2, 60)
    initial = np.full(60, 0.3)
    law = np.where(target > 0.3, 7 * target**-0.5, 2 * target**-0.25)
    near = np.abs(np.log(target / initial)) < np.log(4)
    emergence = np.where(near, 1.0, law)
    for branch, exponent in ((target > initial, 0.5), (target < initial, 0.25)):
        clear = [outside_gray_zone(initial, target, factor) & branch for factor in (1.0, 2.0, 4.0)]
        off = [abs(fitted_exponent(target, emergence, modes).value - exponent) for modes in clear]
        assert off[0] > off[1] > 0.01
        assert off[2] < 1e-12
