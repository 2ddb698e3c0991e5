"""The agreement statistic: its formula by loops, false alarms, coverage and power by simulation of correlated cells."""

import itertools

import numpy as np
import pytest

from sims.measurements.agreement import agreement, difference_of_squares

MODES, TIMES = 8, 20
# Neighbouring times of one network are nearly the same number.
CORRELATION = 0.95 ** np.abs(np.subtract.outer(np.arange(TIMES), np.arange(TIMES)))
ROOT = np.linalg.cholesky(CORRELATION)
ERROR = 0.016 * np.sqrt(8)  # of one model, so that the mean of eight has a standard error of 1.6 %


def draw(rng, models, systematic=0.0):
    noise = ERROR * np.einsum("st,rtm->rsm", ROOT, rng.normal(size=(models, TIMES, MODES)))
    return systematic + noise


def test_the_formulas_equal_loops_over_pairs():
    deviations = draw(np.random.default_rng(0), 6, 0.01)
    flat, models = deviations.reshape(6, -1), 6
    products = {(i, j): flat[i] @ flat[j] / flat.shape[1] for i, j in itertools.permutations(range(models), 2)}
    squared = sum(products.values()) / 30
    means = [np.mean([products[i, j] for j in range(models) if j != i]) for i in range(models)]
    variance = 2 * np.mean(np.square(list(products.values()))) / 30 + 4 / models * np.var(means, ddof=1)
    flips = [
        sum(s[i] * s[j] * k for (i, j), k in products.items()) / 30 for s in itertools.product((1, -1), repeat=models)
    ]
    found = agreement(deviations)
    np.testing.assert_allclose(found.squared, squared, rtol=1e-12)
    np.testing.assert_allclose(found.stderr, np.sqrt(variance), rtol=1e-12)
    np.testing.assert_allclose(found.p_value, np.mean(np.asarray(flips) >= squared - 1e-12), rtol=1e-12)
    np.testing.assert_allclose(found.centre**2 * np.sign(found.centre), squared, rtol=1e-12)


def test_false_alarms_are_as_rare_as_stated():
    """p < .05 in at most 5 % of 1500 ensembles that follow the theory, and in no fewer than 2.5 %: a level of .04."""
    rng = np.random.default_rng(1)
    alarms = np.mean([agreement(draw(rng, 8)).p_value < 0.05 for _ in range(1500)])
    assert 0.025 < alarms < 0.056


@pytest.mark.parametrize(("systematic", "least"), [(0.0, 0.97), (0.01, 0.91), (0.02, 0.95)])
def test_the_upper_bound_covers_the_systematic_deviation(systematic, least):
    rng = np.random.default_rng(2)
    covered = [agreement(draw(rng, 8, systematic)).interval[1] >= systematic for _ in range(1000)]
    assert np.mean(covered) >= least


def test_a_systematic_deviation_is_found_and_measured():
    """Of 5 % in all cells, and of 8 % in one mode of eight, whose root mean square is 8 %/√8."""
    rng = np.random.default_rng(3)
    for systematic, size in ((0.05, 0.05), (0.08 * np.eye(MODES)[0], 0.08 / np.sqrt(MODES))):
        found = [agreement(draw(rng, 8, systematic)) for _ in range(300)]
        assert np.mean([one.p_value < 0.05 for one in found]) > 0.9
        np.testing.assert_allclose(np.sqrt(np.mean([one.squared for one in found])), size, rtol=0.05)
        assert np.mean([one.interval[0] <= size <= one.interval[1] for one in found]) > 0.9


def test_few_models_decide_nothing_and_many_use_random_flips():
    rng = np.random.default_rng(4)
    assert agreement(draw(rng, 5, 1.0)).interval == (-np.inf, np.inf)
    many = agreement(draw(rng, 16, 0.05))
    assert 0 < many.p_value < 0.001
    assert many.interval[0] > 0.02
    assert agreement(np.full((8, 3), np.nan)).interval == (-np.inf, np.inf)
    with pytest.raises(ValueError, match="at least two models; got 1"):
        agreement(np.ones((1, 4)))


def test_difference_of_squares_and_its_error():
    """Of 3 % and of twice the square of 1 %, from the same models: mean and scatter of many ensembles."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(300):
        noise = draw(rng, 8)
        found.append(difference_of_squares(agreement(noise + 0.03), agreement(noise + 0.01), factor=2.0))
    values, errors = (np.array([float(getattr(one, part)) for one in found]) for part in ("value", "stderr"))
    assert abs(values.mean() - (0.0009 - 0.0002)) < 4 * values.std(ddof=1) / np.sqrt(300)
    assert 0.8 < np.sqrt(np.mean(errors**2)) / values.std(ddof=1) < 1.4
    assert found[0].repetitions == 8
    with pytest.raises(ValueError, match="same models"):
        difference_of_squares(agreement(draw(rng, 8)), agreement(draw(rng, 7)))
