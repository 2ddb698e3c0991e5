"""The statistics that figure modules compute on their own, on ensembles whose answer is known."""

from collections import Counter

import jax
import numpy as np
import pytest
from scipy.stats import hypergeom, norm, wasserstein_distance
from scipy.stats import t as student_t

from figures import closure_experiment, lazy_networks, learned_distribution, unification_claims, vkernel_statistics
from figures.claims import Claim
from figures.stages import Arrays
from figures.vkernel_statistics import ORDERS, comparison
from sims.distribution_measurements import cumulative, jackknife_error

EDGES = np.linspace(-2.0, 2.0, 9)


def _points(random: np.random.Generator, grid: np.ndarray, low: float, high: float, shape: tuple[int, ...]):
    """Random samples halfway between grid points, where the trapezoidal rule makes no error."""
    inside = np.flatnonzero((grid >= low) & (grid < high))
    return (grid[:-1] + grid[1:])[random.choice(inside, size=shape)] / 2


# --- vkernel_statistics: a law of scores, known in full ---


def _law(position: np.ndarray, kinds: int = 12) -> np.ndarray:
    """Fields (kinds, n) whose sum with independent N(0, 1) amplitudes is a score; no two places vary alike."""
    waves = np.arange(1, kinds + 1)[:, None]
    return np.cos(np.pi * waves * position + waves**2) / waves**0.5


def _scores(random: np.random.Generator, fields: np.ndarray, models: int) -> np.ndarray:
    return random.normal(size=(models, len(fields))) @ fields


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
    fields = _law(np.linspace(0, 1, 20))
    scores, truth = _scores(np.random.default_rng(1), fields, 20_000), fields.T @ fields
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
    fields = _law(np.linspace(0, 1, 20))
    scores = _scores(random, fields, 30)
    predicted = np.stack([np.cov(_scores(random, fields, 10 * (1 + order)).T) for order in range(len(ORDERS))])
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
    scores = _scores(random, _law(np.linspace(0, 1, 20)), 40)
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
    scores = _scores(random, _law(np.linspace(0, 1, 20)), 30)
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
    fields = _law(np.linspace(0, 1, 20))
    scores, truth = 1.6 * _scores(random, fields, 25), fields.T @ fields
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
    fields = _law(np.linspace(0, 1, 30))
    truth = fields.T @ fields
    found = [_compared(_scores(random, fields, 16), truth) for _ in range(30)]
    for name in ("correlation", "score_correlation", "calm_correlation"):
        measured, ceiling = (np.mean([one[key] for one in found]) for key in (name, f"{name}_ceiling"))
        assert measured < 0.9
        np.testing.assert_allclose(ceiling, measured, atol=0.02)


def test_ceiling_is_zero_where_two_halves_of_the_ensemble_disagree():
    """Models in turn vary at the first place alone and at the second alone: covariances correlate by -1/2."""
    scores = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    places = vkernel_statistics.Places(np.ones(2), np.full(2, True), np.full(2, False))
    assert [float(value) for value in vkernel_statistics._ceilings(scores, places).values()] == [0.0, 0.0, 0.0]


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
        fields = _law(position, kinds=6)
        truth, bend = fields.T @ fields, 1 + 0.6 * np.sin(20 * position)
        predicted = np.stack([truth * np.outer(bend, bend), truth * np.outer(2 - bend, 2 - bend), truth])
        leverage, diffusion = random.uniform(size=60), 1 + position
        found.append(comparison(_scores(random, fields, models), predicted, leverage, diffusion, EDGES))
    for name in ("correlation", "score_correlation", "calm_correlation", "median_ratio", "excess", "excess_left"):
        values, errors = (np.stack([one[key] for one in found]) for key in (name, f"{name}_stderr"))
        ratio = np.sqrt(np.mean(errors**2, axis=0)) / values.std(axis=0, ddof=1)
        assert np.all((ratio > 1 / 1.6) & (ratio < 1.9)), (name, ratio)


# --- learned_distribution ---


def _trained_and_others(random: np.random.Generator, models: int, ensembles: int) -> dict[str, np.ndarray]:
    """Samples of trained models in blocks that differ by much, of others with laws of their own, and of one model."""
    grid = learned_distribution._GRID
    wide = _points(random, grid, -1.0, 1.0, (ensembles * models, 7))
    shift = np.round(0.8 * (np.arange(ensembles * models) % learned_distribution._BLOCKS) / 9 / 0.0025) * 0.0025
    return {
        "trained": wide + shift[:, None],
        "predicted": _points(random, grid, -2.0, 1.5, (3 * models, 7)) + np.tile(shift[models - 1 :: -1], 3)[:, None],
        "exact": _points(random, grid, -1.5, 0.0, (1, 50)),
    }


def _kept(samples: np.ndarray, block: int | None) -> np.ndarray:
    """Samples of all models but every tenth, counted from the block's own."""
    if block is None or len(samples) == 1:
        return samples
    return np.delete(samples, np.s_[block :: learned_distribution._BLOCKS], axis=0)


def test_distance_of_learned_distributions_is_the_shift_between_them():
    """Zero for the trained samples themselves, and c for those shifted by c, whichever block is left out."""
    random = np.random.default_rng(8)
    trained = _points(random, learned_distribution._GRID, -2.0, 2.0, (40, 5))
    samples = {"trained": trained, "predicted": trained, "surrogate": trained + 0.25, "average": trained[:1] * 0 + 3}
    found = learned_distribution._distances(samples, 2, random)
    replicates = 1 + learned_distribution._BLOCKS
    np.testing.assert_allclose(found["wasserstein1_predicted_of_all"], np.zeros(replicates), atol=1e-12)
    np.testing.assert_allclose(found["wasserstein1_surrogate_of_all"], np.full(replicates, 0.25), rtol=1e-9)
    # All mass of the single model lies above all other mass: means differ by W_1.
    means = np.array([3 - _kept(trained, block).mean() for block in (None, *range(replicates - 1))])
    np.testing.assert_allclose(found["wasserstein1_average_of_all"], means, rtol=1e-3)


def test_distance_to_each_trained_ensemble_and_to_all_of_them():
    """Ensembles at 0 and at 1, predictions at 1/2 and at both: distances 1/2 and 1/2 but 0 to the mixture."""
    places = np.repeat([0.00125, 1.00125], 20)[:, None]
    samples = {"trained": places, "predicted": places, "exact": np.array([[0.50125]])}
    found = learned_distribution._distances(samples, 2, np.random.default_rng(9))
    for name, expected in (("predicted", 0.5), ("predicted_of_all", 0.0), ("exact", 0.5), ("exact_of_all", 0.5)):
        np.testing.assert_allclose(found[f"wasserstein1_{name}"], np.full(11, expected), atol=1e-9)


def test_blocks_are_left_out_of_each_ensemble():
    """Ensembles of 15 models, blocks of 10: no model may slip from one ensemble into the other."""
    trained = np.concatenate([np.zeros((15, 4)), np.ones((15, 4))])
    samples = {"trained": trained, "predicted": np.zeros((20, 4))}
    found = learned_distribution._distances(samples, 2, np.random.default_rng(3))["wasserstein1_predicted"]
    np.testing.assert_allclose(found, 0.5, atol=3e-3)  # the spacing of the grid


def test_entries_of_learned_distances_leave_one_block_out():
    """Every entry against W_1 of the pooled samples without the models b, b + 10, b + 20, ..."""
    random = np.random.default_rng(10)
    samples = _trained_and_others(random, models=20, ensembles=2)
    found = learned_distribution._distances(samples, 2, random)
    for entry, block in enumerate([None, *range(learned_distribution._BLOCKS)]):
        kept = {name: _kept(each, block) for name, each in samples.items()}
        parts = [_kept(part, block) for part in np.split(samples["trained"], 2)]
        for name in ("predicted", "exact"):
            of_all = wasserstein_distance(kept[name].ravel(), kept["trained"].ravel())
            of_each = np.mean([wasserstein_distance(kept[name].ravel(), part.ravel()) for part in parts])
            np.testing.assert_allclose(found[f"wasserstein1_{name}_of_all"][entry], of_all, rtol=1e-9)
            np.testing.assert_allclose(found[f"wasserstein1_{name}"][entry], of_each, rtol=1e-9)


def test_distance_between_trained_ensembles_is_that_of_random_splits_of_pairs():
    """Half of the models at 0 and half at 1: W_1 of two groups is the difference of their shares, hypergeometric.

    With a second pair of ensembles, all at 3, the mean over pairs is half of that.
    """
    random = np.random.default_rng(11)
    pair = np.tile([0.00125, 1.00125], 20)[:, None]
    ones = np.arange(21)
    expected = np.sum(hypergeom(40, 20, 20).pmf(ones) * np.abs(2 * ones - 20) / 20)
    runs = {
        2: {"trained": pair, "exact": pair[:1]},
        4: {"trained": np.concatenate([pair, np.full((40, 1), 3.00125)]), "exact": pair[:1]},
    }
    for ensembles, samples in runs.items():
        found = [learned_distribution._distances(samples, ensembles, random)["wasserstein1_trained"] for _ in range(8)]
        np.testing.assert_allclose(np.mean(found, axis=0)[0], 2 * expected / ensembles, rtol=0.15)


def test_error_of_a_learned_distance_is_its_scatter():
    """Ensembles of models that are shifted at random, around means one apart; also of the ratio to the exact score."""
    random = np.random.default_rng(12)
    grid = learned_distribution._GRID
    found = []
    for _ in range(30):
        samples = {
            name: _points(random, grid, -0.5, 0.5, (models, 4)) + centre + 0.4 * random.normal(size=(models, 1))
            for name, models, centre in (("trained", 40, 0.0), ("predicted", 40, 1.0))
        }
        samples["exact"] = np.full((1, 4), -2.0)
        found.append(learned_distribution._distances(samples, 2, random))
    of_all = np.stack([one["wasserstein1_predicted_of_all"] for one in found])
    errors = jackknife_error(of_all[:, 1:].T)
    assert 1 / 1.5 < np.sqrt(np.mean(errors**2)) / of_all[:, 0].std(ddof=1) < 1.5
    data = {name: np.stack([one[name] for one in found]) for name in found[0]}
    ratios = [learned_distribution._ratio(data, index, "exact", "_of_all") for index in range(len(found))]
    values, errors = np.array([each.value for each in ratios]), np.array([each.stderr for each in ratios])
    np.testing.assert_allclose(values.mean(), 1 / 2, rtol=0.05)
    assert 1 / 1.5 < np.sqrt(np.mean(errors**2)) / values.std(ddof=1) < 1.5
    assert ratios[0].repetitions == learned_distribution._BLOCKS


def test_intervals_of_gap_masses_hold_the_error_of_both():
    """3-4-5: the difference of a trained and a predicted mass with errors .03 and .04."""
    names = ("trained", "predicted", "trained_published", "predicted_published", "surrogate")
    data = dict(zip((f"gap_mass_{name}" for name in names), np.array([[0.5], [0.4], [0.3], [0.2], [0.1]]), strict=True))
    errors = np.array([[0.03], [0.04], [0.06], [0.08], [0.12]])
    data |= dict(zip((f"gap_mass_{name}_stderr" for name in names), errors, strict=True))
    data |= {"gap_mass_average": np.array([0.1]), "feature_ratio": np.array([0.25])}
    for claim, theory, measured, error in (
        (learned_distribution._gap_claim(data, 0, "here"), 0.4, 0.5, 0.05),
        (learned_distribution._gap_claim(data, 0, "here", "_published"), 0.2, 0.3, 0.1),
        (learned_distribution._closure_claim(data, 0, "here"), 0.4, 0.1, 0.13),
        (learned_distribution._variance_fills(data, 0), None, 0.4, 0.03),
    ):
        assert claim.theory == theory
        np.testing.assert_allclose(claim.measured, measured, rtol=1e-12)
        np.testing.assert_allclose(claim.interval, measured + error * norm.ppf(0.975) * np.array([-1, 1]), rtol=1e-4)


# --- closure_experiment ---


def test_closure_distance_is_that_of_the_pooled_samples():
    """W_1 between averages over models, not the average of distances between models."""
    random = np.random.default_rng(13)
    grid = closure_experiment._GRID
    first, second = (_points(random, grid, low, low + 3, (8, 5)) for low in (-3.0, -2.0))
    found = closure_experiment._distance(cumulative(first, grid), cumulative(second, grid))
    np.testing.assert_allclose(found, wasserstein_distance(first.ravel(), second.ravel()), rtol=1e-9)
    shifted = closure_experiment._distance(cumulative(first, grid), cumulative(first[::-1] + 0.75, grid))
    np.testing.assert_allclose(shifted, 0.75, rtol=1e-9)


@pytest.mark.parametrize("spreads", [(0.5, 0.05), (0.05, 0.5), (0.4, 0.3)])
def test_bootstrap_error_of_the_closure_distance_is_its_scatter(spreads):
    """Ensembles whose models are shifted at random, either of them more than the other: √[(s² + s'²)/models]."""
    random = np.random.default_rng(14)
    grid, models = closure_experiment._GRID, 30
    distances, errors = [], []
    for _ in range(60):
        pair = [
            cumulative(random.normal(size=(models, 1)) * spread + centre + np.linspace(-0.5, 0.5, 5), grid)
            for spread, centre in zip(spreads, (0.0, 2.0), strict=True)
        ]
        distances.append(closure_experiment._distance(*pair))
        errors.append(closure_experiment._bootstrap_stderr(*pair, 100, random))
    error = np.sqrt(np.mean(np.square(errors)))
    np.testing.assert_allclose(error, np.hypot(*spreads) / np.sqrt(models), rtol=0.1)
    np.testing.assert_allclose(error, np.std(distances, ddof=1), rtol=0.3)


def test_bootstrap_of_the_closure_distance_resamples_ensembles_independently():
    """Of an ensemble and its own copy, shifted: in pairs, the distance would not vary at all."""
    random = np.random.default_rng(21)
    grid, centres = closure_experiment._GRID, random.normal(size=(40, 1))
    pair = [cumulative(shift + 0.5 * centres, grid) for shift in (-2.0, 2.0)]
    error = closure_experiment._bootstrap_stderr(*pair, 400, random)
    np.testing.assert_allclose(error, np.sqrt(2 / 40) * 0.5 * centres.std(), rtol=0.15)


def test_closure_of_weights_that_are_plus_or_minus_one():
    """Models that generate their weight, ±1, and Gaussian ones N(0, 1): W_1 is E||Z| - 1|, gaps are those of Z."""
    random = np.random.default_rng(15)
    weights = np.where(random.permutation(1000) < 500, -1.0, 1.0)[:, None, None]
    config = closure_experiment.Config(null_draws=99, permutations=40)
    found = closure_experiment._closure(
        config, weights, lambda values: values, lambda values: values, jax.random.key(1)
    )
    # 2 [∫_0^1 (1 - z) φ(z) dz + ∫_1^∞ (z - 1) φ(z) dz]
    expected = 2 * (2 * norm.cdf(1) - 1.5 + 2 * norm.pdf(1) - norm.pdf(0))
    stderr = float(found["wasserstein1_stderr"])
    assert 0 < stderr < 0.1 * expected
    np.testing.assert_allclose(found["wasserstein1"], expected, atol=3 * stderr)
    assert found["wasserstein1_null"].shape == (40,)
    assert found["wasserstein1_null"].max() < 0.6 * expected
    share = 2 * (norm.cdf(0.75) - norm.cdf(0.25))
    np.testing.assert_allclose(found["gap"].mean(), 0)
    np.testing.assert_allclose(found["gap_surrogate"].mean(), share, atol=3 * np.sqrt(share * (1 - share) / 1000))
    np.testing.assert_allclose(found["p_value"], 0.01)
    assert found["p_value_surrogate"].item() > 0.02


# --- lazy_networks ---


def _network_data(outputs: np.ndarray, predicted: np.ndarray) -> Arrays:
    """One run, behind another that must not be looked at."""
    return {
        "network_outputs": np.stack([np.random.default_rng(0).normal(size=outputs.shape), outputs]),
        "network_predicted": np.stack([np.eye(len(predicted)) + 1, predicted]),
    }


def test_network_agreement_of_a_prediction_that_is_right_up_to_a_factor():
    """The sample covariance over 1.3: correlation 1 and ratio 1.3, with a large mean too."""
    random = np.random.default_rng(16)
    outputs = _scores(random, _law(np.linspace(0, 1, 8)), 50)
    for mean in (0.0, 1e7):
        found = lazy_networks._network_agreement(_network_data(outputs + mean, np.cov(outputs.T) / 1.3), 1)
        np.testing.assert_allclose(found["correlation"].value, 1, rtol=1e-9)
        np.testing.assert_allclose(found["ratio"].value, 1.3, rtol=1e-6)
        assert found["ratio"].repetitions == 50


def test_network_agreement_pair_by_pair():
    """Against a prediction of the wrong sizes: the ratio is over the pairs whose prediction is the larger half."""
    random = np.random.default_rng(17)
    fields = _law(np.linspace(0, 1, 8))
    outputs, other = _scores(random, fields, 50), np.cov(_scores(random, fields, 20).T)
    found = lazy_networks._network_agreement(_network_data(outputs, other), 1)
    covariance = np.cov(outputs.T)
    pairs = [(other[i, j], covariance[i, j]) for i in range(8) for j in range(i, 8)]
    np.testing.assert_allclose(found["correlation"].value, np.corrcoef(*zip(*pairs, strict=True))[0, 1], rtol=1e-9)
    largest = sorted(pairs, key=lambda pair: -abs(pair[0]))[: len(pairs) // 2]
    np.testing.assert_allclose(found["ratio"].value, np.median([there / here for here, there in largest]), rtol=1e-9)


def test_errors_of_network_agreement_are_their_scatter():
    """Over ensembles drawn anew, against the true covariance."""
    random = np.random.default_rng(18)
    fields = _law(np.linspace(0, 1, 8))
    truth = fields.T @ fields
    found = [lazy_networks._network_agreement(_network_data(_scores(random, fields, 120), truth), 1) for _ in range(40)]
    for name in ("correlation", "ratio"):
        values, errors = (np.array([getattr(one[name], part) for one in found]) for part in ("value", "stderr"))
        assert 1 / 1.7 < np.sqrt(np.mean(errors**2)) / values.std(ddof=1) < 1.7


RATES = np.geomspace(1.0, 0.01, 6)
PARTS = np.array([1.0, 1.1, 0.9, 2.3, 0.4, 1.2])  # of measured over predicted variance, by mode


def _linear_data(exponent: float = 1.0, members: int = 30) -> Arrays:
    """Weights whose sample mean and variance are exactly chosen curves; predicted is (1 - e^{-lτ})² and 1.2 at the end.

    Measured variances have rates l^exponent, end at 1.8, larger by PARTS; the mean learns at rate l, in modes 0,
    2 and 4. A first P is there that must not be looked at.
    """
    random = np.random.default_rng(19)
    draws, fine = np.array([20, 50]), np.geomspace(1e-2, 1e4, 241)
    times = fine[::2]
    noise = random.normal(size=(members, len(times) + 1, len(RATES)))
    noise -= noise.mean(axis=0)
    noise /= noise.std(axis=0, ddof=1)
    optimum = np.array([3.0, 0.0, -2.0, 0.0, 1.0, 0.0])
    variance = (
        PARTS * np.vstack([(1 - np.exp(-times[:, None] * RATES**exponent)) ** 2, np.full((1, 6), 1.8)]) / draws[1]
    )
    mean = optimum * np.vstack([1 - np.exp(-times[:, None] * RATES), np.ones((1, 6))])
    weights = mean + np.sqrt(variance) * noise
    first_order = (1 - np.exp(-fine[:, None] * RATES)) ** 2
    other = random.normal(size=(1, members, len(times), 6))
    return {
        "weights": np.concatenate([other, weights[None, :, :-1]]),
        "final_weights": np.concatenate([other[:, :, -1], weights[None, :, -1]]),
        "rates": RATES,
        "times": times,
        "fine_times": fine,
        "draws": draws,
        "optimum": optimum,
        "variance_first_order": first_order,
        "final_first_order": np.full(6, 1.2),
        "variance_fixed_design": first_order / 4,
        "final_fixed_design": np.full(6, 1.5),
        "final_freedom": np.asarray(10.0),
    }


def _by_name(claims: list[Claim]) -> dict[str, Claim]:
    assert len({claim.name for claim in claims}) == len(claims)
    return {claim.name: claim for claim in claims}


def test_lazy_variance_ratios_of_the_typical_and_the_worst_mode():
    """Median of the factors by which modes vary more than predicted, and the one farthest from 1 in logarithm."""
    data = _linear_data()
    predicted = data["variance_first_order"][::2, 4] / 50
    found = _by_name(lazy_networks._ratio_claims(data))
    np.testing.assert_allclose(found["first order, typical mode, P = 50"].measured, np.median(PARTS), rtol=1e-9)
    worst = found["first order, worst mode, P = 50"]
    np.testing.assert_allclose(worst.measured, 0.4, rtol=1e-9)
    assert worst.statement.endswith("mode 5")
    ratios = [
        np.mean(np.delete(data["weights"][1, :, :, 4], member, axis=0).var(axis=0, ddof=1) / predicted)
        for member in range(30)
    ]
    error = np.sqrt(29 / 30 * np.sum((ratios - np.mean(ratios)) ** 2))
    np.testing.assert_allclose(worst.interval, 0.4 + error * student_t.ppf(0.975, 29) * np.array([-1, 1]), rtol=5e-3)


def test_eq_16_at_both_ends_of_training():
    """A quarter of what is measured early, and at the end 1.8 κ of 1.5/(1 - 10/50)."""
    found = _by_name(lazy_networks._printed_claims(_linear_data()))
    np.testing.assert_allclose(found["Eq. 16 early in training"].measured, 4 * np.median(PARTS), rtol=1e-9)
    late = 1.8 * np.median(PARTS) / (1.5 / (1 - 10 / 50))
    np.testing.assert_allclose(found["Eq. 16 at the end of training"].measured, late, rtol=1e-9)


def test_emergence_exponents_of_mean_and_variance():
    """Rates l^0.8 of measured variances, against l of the prediction and of the mean."""
    data = _linear_data(exponent=0.8)
    found = _by_name(lazy_networks._emergence_claims(data))
    np.testing.assert_allclose(found["emergence of the mean"].measured, 1, rtol=1e-3)
    for level in ("final", "largest"):
        name = f"emergence of the variance to half of its {level} value"
        np.testing.assert_allclose(found[name].measured, 0.8, rtol=2e-3)
        first_order = found[f"{name}, first order"]
        np.testing.assert_allclose([first_order.measured, first_order.theory], [0.8, 1], rtol=2e-3)
        share = found[f"variance to half of its {level} value and mean share an exponent"]
        np.testing.assert_allclose(share.measured, -0.2, atol=2e-3)
    assert lazy_networks._has_mean(data, 1).tolist() == [True, False, True, False, True, False]


def test_emergence_is_at_half_of_the_final_or_of_the_largest_value():
    """1 - e^{-lτ} that ends at 1.5: e^{-lτ} is 1/4 at half of its end and 1/2 at half of its largest value."""
    times = np.geomspace(1e-3, 1e4, 400)
    curve = np.vstack([1 - np.exp(-times[:, None] * RATES), np.full((1, 6), 1.5)])
    for level, part in (("end", 1 / 4), ("peak", 1 / 2)):
        np.testing.assert_allclose(lazy_networks._emergence(times, curve, level), -np.log(part) / RATES, rtol=1e-3)


def test_variance_over_members_and_its_error():
    """Value with n - 1 in the denominator, error by leaving out one member after the other."""
    data = _linear_data()
    found = lazy_networks._over_members(data, 1, lambda variance, mean: float(variance[3, 2] + mean[3, 2]))
    values = data["weights"][1, :, 3, 2]
    np.testing.assert_allclose(found.value, values.var(ddof=1) + abs(values.mean()), rtol=1e-9)
    kept = [np.delete(values, member) for member in range(len(values))]
    without = np.array([part.var(ddof=1) + abs(part.mean()) for part in kept])
    np.testing.assert_allclose(found.stderr, np.sqrt(29 / 30 * np.sum((without - without.mean()) ** 2)), rtol=5e-3)


# --- unification_claims ---


def _unification_data() -> Arrays:
    """Every number apart from the others; indexed [m, time, level, k, l] where all of these apply."""
    random = np.random.default_rng(20)
    shape = (5, 2, 3, 3)
    theory = random.uniform(1, 2, size=shape)
    stderr = random.uniform(0.01, 0.02, size=shape)
    away = random.permuted(np.where(np.arange(90) < 9, -5.0, 3.5)).reshape(shape)  # standard errors
    gain_theory, scarce_theory = random.uniform(size=(5, 2, 3)), random.uniform(size=(4, 6))
    gain, scarce_gain = gain_theory + 0.001, scarce_theory - 0.002
    gain[3, 1, 2] -= 0.02
    scarce_gain[2, 4] -= 0.05
    naive = scarce_gain + 0.01
    naive[1, 3] = scarce_gain[1, 3] - 0.3
    ratio = random.uniform(0.99, 1.01, size=(2, 5, 2))
    ratio[0, 3, 0], ratio[0, 1, 1], ratio[1, 4, 1] = 0.5, 1.2, 0.7
    measured = random.normal(size=(2, 50))
    loss = np.array([4.0, 2.0, 1.0, 1.5])
    return {
        "noise_levels": np.array([0.5, 2.0]),
        "variance": np.array([3.0, 1.0, 0.3]),
        "times": np.geomspace(0.01, 100, 5)[:, None] * np.ones(2),
        "weight_variance": theory + away * stderr,
        "weight_variance_stderr": stderr,
        "total_theory": theory,
        "targets_theory": theory / random.uniform(2, 3, size=shape),
        "gain": gain,
        "gain_theory": gain_theory,
        "gain_stderr": random.uniform(0.001, 0.002, size=(5, 2, 3)),
        "shared_ratio": ratio,
        "shared_ratio_stderr": random.uniform(0.01, 0.02, size=ratio.shape),
        "few_ratio": np.asarray(0.5),
        "few_any_ratio": np.array([1.01, 0.95, 1.04]),
        "few_any_ratio_stderr": np.array([0.01, 0.02, 0.03]),
        "few_leading": np.array([1.1, 1.5, 1.9]),
        "few_leading_stderr": np.array([0.04, 0.05, 0.06]),
        "few_correction": np.array([1.2, 1.6, 2.0]),
        "alone_ratio": random.uniform(0.9, 1.1, size=(5, 2)),
        "alone_ratio_stderr": random.uniform(0.01, 0.02, size=(5, 2)),
        "score_times": np.array([0.1, 10.0]),
        "score_measured": measured,
        "score_predicted": np.stack([2 * measured[0] + 1, -measured[1]]),
        "half_times": np.stack([c * np.array([3.25, 1.25, 0.55]) ** -a for c, a in ((1, 0.8), (3, 1.0), (2, 1.2))]),
        "scarce_variance": np.ones(6),
        "scarce_data": np.asarray(3),
        "scarce_gain": scarce_gain,
        "scarce_gain_stderr": random.uniform(0.001, 0.002, size=(4, 6)),
        "scarce_gain_theory": scarce_theory,
        "scarce_gain_naive": naive,
        "scarce_loss": loss * [1.01, 0.98, 1.04, 0.93],
        "scarce_loss_stderr": loss * [0.01, 0.02, 0.03, 0.04],
        "scarce_loss_theory": loss,
        "scarce_overfit": np.array([1.4, 1.6, 1.8]),
    }


def test_unification_claims_state_the_numbers_that_decide_them():
    """Value, standard error and theory of every claim, each put into the data by hand."""
    data = _unification_data()
    found = _by_name(unification_claims.claims(data))
    expected = {
        # The time at which measured over theory is farthest from 1, below or above.
        "variance of weights over draws, σ = 0.5": (0.5, data["shared_ratio_stderr"][0, 3, 0], 1),
        "variance of weights over draws, σ = 2": (1.2, data["shared_ratio_stderr"][0, 1, 1], 1),
        "many noises per datum": (0.7, data["shared_ratio_stderr"][1, 4, 1], 1),
        # Nine of ninety are 5 standard errors off, the others 3.5.
        "variances element by element": (0.9, 0, 0.99),
        "mean over draws": (0.019, data["gain_stderr"][3, 1, 2], 0),
        "any number of draws per dimension": (0.95, 0.02, 1),
        "leading order at few draws": (1.9, 0.06, 2),
        "learning curves at finite data": (0.052, data["scarce_gain_stderr"][2, 4], 0),
        "infinite-data curves at finite data": (0.3, data["scarce_gain_stderr"][1, 3], 0.1),
        "loss on fresh data at finite data": (0.93, 0.04, 1),
        "no overfitting with all noise averaged": (1.6, 0.2 / np.sqrt(3), 1.5),
        "V-kernel at ητ = 0.1": (1, 0, 0.97),
        "V-kernel at ητ = 10": (-1, 0, 0.97),
    }
    for level, name in enumerate(("σ = 0.5", "σ = 2")):
        first = data["targets_theory"][0, level, 0, 0]
        values = [data[key][0, level, 0, 0] for key in ("weight_variance", "weight_variance_stderr", "total_theory")]
        expected[f"Eq. 16 alone early in training, {name}"] = tuple(value / first for value in values)
        alone = data["alone_ratio"][4, level], data["alone_ratio_stderr"][4, level], 1
        expected[f"Eq. 16 alone at the end of training, {name}"] = alone
    for name, (value, stderr, theory) in expected.items():
        claim = found.pop(name)
        np.testing.assert_allclose([claim.measured, claim.theory], [value, theory], rtol=1e-9, atol=1e-12, err_msg=name)
        interval = value + norm.ppf(0.975) * stderr * np.array([-1, 1])
        np.testing.assert_allclose(claim.interval, interval, rtol=0, atol=1e-4 * stderr + 1e-12, err_msg=name)
    # What is left is tested below.
    assert list(found) == ["variance switches on in the order of the spectral law"]


def test_half_times_are_of_what_feeds_into_the_weakest_mode():
    """1 - e^{-tr} of row d alone passes half its end at ln 2/r."""
    times, rates = np.geomspace(1e-2, 1e3, 400), np.array([[50.0, 20.0, 9.0], [7.0, 30.0, 5.0], [4.0, 2.0, 1.0]])
    variance = rates * (1 - np.exp(-times[:, None, None] * rates))
    np.testing.assert_allclose(unification_claims.half_times(times, variance), np.log(2) / rates[-1], rtol=1e-3)


def test_unified_variance_switches_on_by_the_exponent_of_groups():
    """Half-times (λ + σ²)^-α of three groups, α = .8, 1 and 1.2 with σ = .5; theory's curve has α = 1.5."""
    data, times = _unification_data(), np.geomspace(1e-2, 1e3, 400)
    data["times"] = times[:, None] * np.ones(2)
    rates = (data["variance"] + 0.25) ** 1.5
    data["total_theory"] = np.ones((400, 2, 3, 3)) * times[:, None, None, None]
    data["total_theory"][:, 0, -1] = 1 - np.exp(-times[:, None] * rates)
    claim = _by_name(unification_claims._kernel_claims(data))["variance switches on in the order of the spectral law"]
    np.testing.assert_allclose([claim.measured, claim.theory], [1.0, 1.5], rtol=2e-3)
    half = 1.96 * 0.2 / np.sqrt(3)
    np.testing.assert_allclose(claim.interval, (1 - half, 1 + half), rtol=1e-6)
