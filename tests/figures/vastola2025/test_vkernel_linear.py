"""How well a predicted V-kernel fits a measured one: every statistic where its answer is known."""

from collections import Counter

import numpy as np
import pytest

from figures.vastola2025.vkernel_linear.comparison import ORDERS, Places, _ceilings, comparison
from tests.oracles.known_ensembles import drawn_scores, law_of_scores

EDGES = np.linspace(-2.0, 2.0, 9)


def _places(count: int) -> dict[str, np.ndarray]:
    """Places of which the last are exposed, with diffusion coefficients over a factor of thirty."""
    position = np.linspace(0.05, 0.95, count)
    return {"leverage": position**3, "diffusion": 0.2 + 6 * np.modf(7.3 * position)[0], "edges": EDGES}


def _compared(scores: np.ndarray, predicted: np.ndarray, **changes) -> dict[str, np.ndarray]:
    """`comparison`, with one prediction for all orders if only one is given."""
    predicted = predicted if predicted.ndim == 3 else np.stack([predicted] * len(ORDERS))
    return comparison(scores, predicted, **(_places(scores.shape[1]) | changes))


def _correlation_of_pairs(first: np.ndarray, second: np.ndarray, diffusion: np.ndarray, places: list[int]) -> float:
    """Over all pairs i ≤ j of some places of D V D', pair by pair."""
    pairs = [(i, j) for i in places for j in places if i <= j]
    return np.corrcoef(*[[diffusion[i] * v[i, j] * diffusion[j] for i, j in pairs] for v in (first, second)])[0, 1]


def test_v_kernel_statistics_of_a_right_prediction_are_one_and_see_a_factor_of_the_variance():
    """A prediction that is right, one that is half of it, and scores too large by √2 where it was right."""
    fields = law_of_scores(np.linspace(0, 1, 20))
    scores, truth = drawn_scores(np.random.default_rng(1), fields, 20_000), fields.T @ fields
    found = _compared(scores, np.stack([truth, truth / 2, truth]))
    for name in ("correlation", "score_correlation", "calm_correlation"):
        np.testing.assert_allclose(found[name], 1, atol=2e-3)
        np.testing.assert_allclose(found[f"{name}_ceiling"], 1, atol=2e-3)
    np.testing.assert_allclose(found["median_ratio"], [1, 2, 1], rtol=0.02)
    np.testing.assert_allclose(found["variance_ratio"][0], 1, atol=0.06)
    np.testing.assert_allclose(found["excess"], 0, atol=0.03)
    larger = _compared(np.sqrt(2) * scores, truth)
    np.testing.assert_allclose(larger["median_ratio"], 2, rtol=0.02)
    np.testing.assert_allclose(larger["correlation"], found["correlation"], rtol=1e-12)


def test_v_kernel_correlations_pair_by_pair():
    """With and without diffusion coefficients, and without the two places of twenty of largest leverage."""
    random = np.random.default_rng(2)
    fields = law_of_scores(np.linspace(0, 1, 20))
    scores = drawn_scores(random, fields, 30)
    predicted = np.stack([np.cov(drawn_scores(random, fields, 10 * (1 + order)).T) for order in range(len(ORDERS))])
    measured, places, everywhere = np.cov(scores.T), _places(20), list(range(20))
    # In no order: the exposed places are found by their leverage.
    leverage = random.permutation(places["leverage"])
    calm = sorted(np.argsort(leverage)[:18])
    found = _compared(scores, predicted, leverage=leverage)
    assert np.flatnonzero(~found["exposed"]).tolist() == calm
    for order in range(len(ORDERS)):
        for name, diffusion, kept in (
            ("correlation", places["diffusion"], everywhere),
            ("score_correlation", np.ones(20), everywhere),
            ("calm_correlation", places["diffusion"], calm),
        ):
            expected = _correlation_of_pairs(predicted[order], measured, diffusion, kept)
            np.testing.assert_allclose(found[name][order], expected, rtol=1e-10)


def test_calm_correlation_does_not_see_what_is_predicted_for_exposed_places():
    """The prediction is the sample covariance, but for pairs with an exposed place, and then for a single calm pair."""
    random = np.random.default_rng(3)
    scores = drawn_scores(random, law_of_scores(np.linspace(0, 1, 20)), 40)
    covariance = np.cov(scores.T)
    wrong, one_calm_pair = covariance.copy(), covariance.copy()
    wrong[18:] = random.normal(size=(2, 20))
    wrong[:, 18:] = wrong[18:].T
    wrong[18:, 18:] = np.diag([50.0, 60.0])
    one_calm_pair[16:18, 16:18] *= -1
    found = _compared(scores, np.stack([wrong, one_calm_pair, covariance]))
    np.testing.assert_allclose(found["calm_correlation"][[0, 2]], 1, rtol=1e-12)
    assert found["correlation"][0] < 0.9
    assert found["score_correlation"][0] < 0.9
    assert found["calm_correlation"][1] < 0.99


def test_excess_is_the_factor_by_which_exposed_places_vary_more():
    """Variances of 5 times the predicted at exposed places and 2 at the others, predicted by the last order only.

    A place that the prediction puts at round-off, and that is off by much, counts for nothing.
    """
    random = np.random.default_rng(4)
    scores = drawn_scores(random, law_of_scores(np.linspace(0, 1, 20)), 30)
    unresolved, exposed, calm = [0], [18, 19], list(range(1, 18))
    equal = np.cov(scores.T)
    equal[unresolved] *= 1e-20
    equal[:, unresolved] *= 1e-20
    too_little, own = equal.copy(), equal.copy()
    too_little[np.ix_(exposed, exposed)] /= 4
    own[np.ix_(exposed, exposed)] *= 5 / 2
    scores[:, exposed] *= np.sqrt(5)
    scores[:, calm] *= np.sqrt(2)
    found = _compared(scores, np.stack([3 * too_little, equal, own]))
    assert np.flatnonzero(~found["resolved"]).tolist() == unresolved
    assert np.flatnonzero(found["exposed"]).tolist() == exposed
    np.testing.assert_allclose(found["excess"], [np.log(10), np.log(5 / 2), 0], atol=1e-10)
    half = np.log(5 / 2) / 2
    np.testing.assert_allclose(found["excess_left"], [np.log(10) - half, half, -half], atol=1e-10)
    np.testing.assert_allclose(found["median_ratio"], [2 / 3, 2, 2], rtol=1e-10)
    np.testing.assert_allclose(found["variance_ratio"][:, exposed], [[20 / 3] * 2, [5] * 2, [2] * 2], rtol=1e-10)


def test_histogram_of_pairs_in_units_of_the_largest_predicted_variance():
    """Every pair i ≤ j once, in the bin of predicted and of measured V, or in that at the end."""
    random = np.random.default_rng(5)
    fields = law_of_scores(np.linspace(0, 1, 20))
    scores, truth = 1.6 * drawn_scores(random, fields, 25), fields.T @ fields
    predicted = np.stack([2.5 * truth, truth * np.where(np.eye(20), 1, -1), truth])
    found = _compared(scores, predicted)
    factor = np.outer(*[_places(20)["diffusion"]] * 2)
    unit = (truth * factor).diagonal().max()

    def bin_of(covariance: float) -> int:
        return int(np.clip(np.floor((covariance / unit - EDGES[0]) / (EDGES[1] - EDGES[0])), 0, len(EDGES) - 2))

    measured = np.cov(scores.T) * factor
    for order, values in enumerate(predicted * factor):
        pairs = Counter((bin_of(values[i, j]), bin_of(measured[i, j])) for i in range(20) for j in range(i, 20))
        expected = np.zeros((len(EDGES) - 1, len(EDGES) - 1))
        for place, count in pairs.items():
            expected[place] = count
        np.testing.assert_array_equal(found["histogram"][order], expected)


def test_ceilings_are_the_mean_correlation_of_a_perfect_prediction():
    """Sixteen models are few: the truth itself correlates with what they measure by .85 or so."""
    random = np.random.default_rng(6)
    fields = law_of_scores(np.linspace(0, 1, 30))
    truth = fields.T @ fields
    found = [_compared(drawn_scores(random, fields, 16), truth) for _ in range(30)]
    for name in ("correlation", "score_correlation", "calm_correlation"):
        measured, ceiling = (np.mean([one[key] for one in found]) for key in (name, f"{name}_ceiling"))
        assert measured < 0.9
        np.testing.assert_allclose(ceiling, measured, atol=0.02)


def test_ceiling_is_zero_where_two_halves_of_the_ensemble_disagree():
    """Models in turn vary at the first place alone and at the second alone: covariances correlate by -1/2."""
    scores = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    places = Places(np.ones(2), np.full(2, True), np.full(2, False))
    assert [float(value) for value in _ceilings(scores, places).values()] == [0.0, 0.0, 0.0]


def test_squared_distances_are_without_the_noise_of_few_models():
    """Forty models of the truth, many times: from the truth zero on average, from 1.5 of it half of it."""
    random = np.random.default_rng(8)
    fields = law_of_scores(np.linspace(0, 1, 20))
    truth = fields.T @ fields
    predicted = np.stack([1.5 * truth, 0.8 * truth, truth])
    found = [_compared(drawn_scores(random, fields, 40), predicted) for _ in range(60)]
    products = np.stack([one["distance_products"] for one in found])  # (ensemble, pairs, order, group, group)
    groups = products.shape[-1]
    squared = products.sum(axis=(-2, -1)) / (groups * (groups - 1))
    error = squared.std(axis=0, ddof=1) / np.sqrt(60)
    np.testing.assert_array_less(np.abs(squared.mean(axis=0) - [0.25, 0.04, 0.0]), 4 * error)
    contest = np.stack([one["contest"] for one in found]).mean(axis=-1)
    error = contest.std(axis=0, ddof=1) / np.sqrt(60)
    assert np.all(np.abs(contest.mean(axis=0) - [0.25, 0.04, 0.0]) <= 4 * error)


@pytest.mark.slow_cases("1000", "60")
@pytest.mark.parametrize("models", [60, 1000])
def test_errors_of_v_kernel_statistics_are_their_scatter(models):
    """Models and places are drawn anew; with few models their noise dominates, with many that of the places.

    Two predictions are wrong in a way that depends on the place; the last is right, and has the noise of models alone.
    That noise shows between places as well, so that the error is on the safe side.
    """
    random = np.random.default_rng(7)
    found = []
    for _ in range(40):
        position = random.uniform(size=60)
        fields = law_of_scores(position, kinds=6)
        truth, bend = fields.T @ fields, 1 + 0.6 * np.sin(20 * position)
        predicted = np.stack([truth * np.outer(bend, bend), truth * np.outer(2 - bend, 2 - bend), truth])
        leverage, diffusion = random.uniform(size=60), 1 + position
        found.append(comparison(drawn_scores(random, fields, models), predicted, leverage, diffusion, EDGES))
    for name in ("correlation", "score_correlation", "calm_correlation", "median_ratio", "excess", "excess_left"):
        values, errors = (np.stack([one[key] for one in found]) for key in (name, f"{name}_stderr"))
        ratio = np.sqrt(np.mean(errors**2, axis=0)) / values.std(axis=0, ddof=1)
        assert np.all((ratio > 1 / 1.6) & (ratio < 1.9)), (name, ratio)
