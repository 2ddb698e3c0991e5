"""Noise levels of training batches: their laws, and what a tilt does."""

import jax
import numpy as np
import pytest
import scipy.stats

from sims.training.noise_densities import LogNormalNoise, LogUniformNoise, TabulatedNoise
from sims.training.records import log_spaced_records

COUNT = 40_000
DENSITIES = {
    "log_normal": LogNormalNoise(),
    "log_normal_tilted": LogNormalNoise(0.3, 0.7).tilted(0.5),
    "log_uniform": LogUniformNoise(0.002, 80.0),
    "log_uniform_to_small": LogUniformNoise(0.002, 80.0, 0.25),
    "log_uniform_to_large": LogUniformNoise(0.002, 80.0).tilted(-0.25),
    "log_uniform_steep": LogUniformNoise(0.002, 80.0, -20.0),
}


def distribution(density, log_level):
    """Distribution function of ln σ, written out."""
    if isinstance(density, LogNormalNoise):
        return scipy.stats.norm.cdf(log_level, float(density.log_mean), float(density.log_std))
    low, high, rate = np.log(density.low), np.log(density.high), 2 * density.tilt
    if rate == 0:
        return (log_level - low) / (high - low)
    if rate > 0:
        return np.expm1(-rate * (log_level - low)) / np.expm1(-rate * (high - low))
    return 1 - np.expm1(rate * (high - log_level)) / np.expm1(rate * (high - low))


@pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES)
def test_levels_have_their_law(density):
    """Kolmogorov-Smirnov on 40,000 of them; the same levels in single precision."""
    levels = np.asarray(density.sample(jax.random.key(1), COUNT, "float64"))
    assert scipy.stats.kstest(np.log(levels), lambda at: distribution(density, at)).pvalue > 1e-3
    single = density.sample(jax.random.key(1), COUNT, "float32")
    assert single.dtype == "float32"
    assert np.isfinite(single).all()
    assert scipy.stats.kstest(np.log(np.asarray(single, float)), lambda at: distribution(density, at)).pvalue > 1e-3


def test_karras_has_mean_and_deviation_1_2():
    assert (LogNormalNoise().log_mean, LogNormalNoise().log_std) == (-1.2, 1.2)


SEVERAL = {
    "normal": LogNormalNoise(),
    "uniform": LogUniformNoise(0.1, 10.0),
    "table": TabulatedNoise(np.linspace(-3.0, 0.5, 6)),
}


@pytest.mark.parametrize("density", SEVERAL.values(), ids=SEVERAL)
def test_a_tilt_is_the_weight_in_expectation(density):
    """E[f σ^-2a]/E[σ^-2a] is E[f] at tilted levels, for f = ln σ and 1/(1 + σ²); tilts add up."""
    levels = np.asarray(density.sample(jax.random.key(1), 400_000, "float64"))
    tilted = np.asarray(density.tilted(0.1).tilted(0.2).sample(jax.random.key(2), 400_000, "float64"))
    weight = levels**-0.6 / np.mean(levels**-0.6)
    for function in (np.log, lambda level: 1 / (1 + level**2)):
        expected, found = weight * function(levels), function(tilted)
        error = np.sqrt((np.var(expected) + np.var(found)) / 400_000)
        assert abs(expected.mean() - found.mean()) < 4 * error
        assert abs(function(levels).mean() - found.mean()) > 40 * error


def test_entries_of_a_table_are_equally_likely():
    table = np.array([-2.0, 0.5, 1.0])
    levels = np.log(np.asarray(TabulatedNoise(table).sample(jax.random.key(1), COUNT, "float64")))
    counts = [np.sum(np.isclose(levels, each)) for each in table]
    assert sum(counts) == COUNT
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LogNormalNoise(log_std=0.0), "log_std must be positive and finite; got 0.0"),
        (lambda: LogNormalNoise(log_mean=np.nan), "log_mean must be finite; got nan"),
        (lambda: LogUniformNoise(0.1, 1.0).tilted(np.inf), "tilt must be finite; got inf"),
        (lambda: LogUniformNoise(0.0, 1.0), "0 < low < high < inf; got low=0.0, high=1.0"),
        (lambda: LogUniformNoise(2.0, 1.0), "0 < low < high < inf; got low=2.0, high=1.0"),
        (lambda: log_spaced_records(5, 7), "at most steps . 1 different records; got count=7, steps=5"),
        (lambda: log_spaced_records(5, 1), "count must be a whole number of 2 or more; got 1"),
        (lambda: log_spaced_records(0, 2), "steps must be a whole number of 1 or more; got 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_records_begin_before_training_and_are_spaced_in_equal_ratios():
    assert log_spaced_records(64, 8).tolist() == [0, 1, 2, 4, 8, 16, 32, 64]
    assert log_spaced_records(100_000, 2).tolist() == [0, 100_000]
    assert log_spaced_records(5, 6).tolist() == [0, 1, 2, 3, 4, 5]
    for steps, count in ((5000, 297), (50_000, 60), (11, 9), (1000, 999)):
        records = log_spaced_records(steps, count)
        assert (records[0], records[-1], len(records)) == (0, steps, count)
        assert np.all(np.diff(records) >= 1)
        ratios = np.diff(np.log(records[records > 50]))
        if ratios.size > 3:
            assert np.all(np.abs(np.exp(ratios - ratios.mean()) - 1) < 0.03)
