"""Distances between learned distributions, and the intervals of their claims, where the answer is known."""

import numpy as np
from scipy.stats import hypergeom, wasserstein_distance
from scipy.stats import t as student_t

from figures.vastola2025.learned_distribution import claims, statistics
from figures.vastola2025.learned_distribution.distances import BLOCKS, GRID, learned_distances
from sims.measurements.resampling import jackknife_error
from tests.oracles.known_ensembles import points_between


def _trained_and_others(random: np.random.Generator, models: int, ensembles: int) -> dict[str, np.ndarray]:
    """Samples of trained models in blocks that differ by much, of others with laws of their own, and of one model."""
    wide = points_between(random, GRID, -1.0, 1.0, (ensembles * models, 7))
    shift = np.round(0.8 * (np.arange(ensembles * models) % BLOCKS) / 9 / 0.0025) * 0.0025
    return {
        "trained": wide + shift[:, None],
        "predicted": points_between(random, GRID, -2.0, 1.5, (3 * models, 7))
        + np.tile(shift[models - 1 :: -1], 3)[:, None],
        "exact": points_between(random, GRID, -1.5, 0.0, (1, 50)),
    }


def _kept(samples: np.ndarray, block: int | None) -> np.ndarray:
    """Samples of all models but every tenth, counted from the block's own."""
    if block is None or len(samples) == 1:
        return samples
    return np.delete(samples, np.s_[block::BLOCKS], axis=0)


def test_distance_of_learned_distributions_is_the_shift_between_them():
    """Zero for the trained samples themselves, and c for those shifted by c, whichever block is left out."""
    random = np.random.default_rng(8)
    trained = points_between(random, GRID, -2.0, 2.0, (40, 5))
    samples = {"trained": trained, "predicted": trained, "surrogate": trained + 0.25, "average": trained[:1] * 0 + 3}
    found = learned_distances(samples, 2, random)
    replicates = 1 + BLOCKS
    np.testing.assert_allclose(found["wasserstein1_predicted_of_all"], np.zeros(replicates), atol=1e-12)
    np.testing.assert_allclose(found["wasserstein1_surrogate_of_all"], np.full(replicates, 0.25), rtol=1e-9)
    # All mass of the single model lies above all other mass: means differ by W_1.
    means = np.array([3 - _kept(trained, block).mean() for block in (None, *range(replicates - 1))])
    np.testing.assert_allclose(found["wasserstein1_average_of_all"], means, rtol=1e-3)


def test_distance_to_each_trained_ensemble_and_to_all_of_them():
    """Ensembles at 0 and at 1, predictions at 1/2 and at both: distances 1/2 and 1/2 but 0 to the mixture."""
    places = np.repeat([0.00125, 1.00125], 20)[:, None]
    samples = {"trained": places, "predicted": places, "exact": np.array([[0.50125]])}
    found = learned_distances(samples, 2, np.random.default_rng(9))
    for name, expected in (("predicted", 0.5), ("predicted_of_all", 0.0), ("exact", 0.5), ("exact_of_all", 0.5)):
        np.testing.assert_allclose(found[f"wasserstein1_{name}"], np.full(11, expected), atol=1e-9)


def test_blocks_are_left_out_of_each_ensemble():
    """Ensembles of 15 models, blocks of 10: no model may slip from one ensemble into the other."""
    trained = np.concatenate([np.zeros((15, 4)), np.ones((15, 4))])
    samples = {"trained": trained, "predicted": np.zeros((20, 4))}
    found = learned_distances(samples, 2, np.random.default_rng(3))["wasserstein1_predicted"]
    np.testing.assert_allclose(found, 0.5, atol=3e-3)  # the spacing of the grid


def test_entries_of_learned_distances_leave_one_block_out():
    """Every entry against W_1 of the pooled samples without the models b, b + 10, b + 20, ..."""
    random = np.random.default_rng(10)
    samples = _trained_and_others(random, models=20, ensembles=2)
    found = learned_distances(samples, 2, random)
    for entry, block in enumerate([None, *range(BLOCKS)]):
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
        found = [learned_distances(samples, ensembles, random)["wasserstein1_trained"] for _ in range(8)]
        np.testing.assert_allclose(np.mean(found, axis=0)[0], 2 * expected / ensembles, rtol=0.15)


def test_error_of_a_learned_distance_is_its_scatter():
    """Ensembles of models that are shifted at random, around means one apart; also of the ratio to the exact score."""
    random = np.random.default_rng(12)
    found = []
    for _ in range(30):
        samples = {
            name: points_between(random, GRID, -0.5, 0.5, (models, 4)) + centre + 0.4 * random.normal(size=(models, 1))
            for name, models, centre in (("trained", 40, 0.0), ("predicted", 40, 1.0))
        }
        samples["exact"] = np.full((1, 4), -2.0)
        found.append(learned_distances(samples, 2, random))
    of_all = np.stack([one["wasserstein1_predicted_of_all"] for one in found])
    errors = jackknife_error(of_all[:, 1:].T)
    assert 1 / 1.5 < np.sqrt(np.mean(errors**2)) / of_all[:, 0].std(ddof=1) < 1.5
    data = {name: np.stack([one[name] for one in found]) for name in found[0]}
    ratios = [statistics.distance_ratio(data, index, "exact", "_of_all") for index in range(len(found))]
    values, errors = np.array([each.value for each in ratios]), np.array([each.stderr for each in ratios])
    np.testing.assert_allclose(values.mean(), 1 / 2, rtol=0.05)
    assert 1 / 1.5 < np.sqrt(np.mean(errors**2)) / values.std(ddof=1) < 1.5
    assert ratios[0].repetitions == BLOCKS


def test_intervals_of_gap_masses_hold_the_error_of_both():
    """3-4-5: the difference of a trained and a predicted mass with errors .03 and .04."""
    names = ("trained", "predicted", "trained_published", "predicted_published", "surrogate")
    data = dict(zip((f"gap_mass_{name}" for name in names), np.array([[0.5], [0.4], [0.3], [0.2], [0.1]]), strict=True))
    errors = np.array([[0.03], [0.04], [0.06], [0.08], [0.12]])
    data |= dict(zip((f"gap_mass_stderr_{name}" for name in names), errors, strict=True))
    data |= {"gap_mass_average": np.array([0.1]), "feature_ratio": np.array([0.25])}
    data |= {"trained_models": np.asarray(9), "predicted_models": np.asarray(5)}
    for claim, theory, measured, error, models in (
        (claims._gap_claim(data, 0, "here", ""), 0.4, 0.5, 0.05, 5),
        (claims._gap_claim(data, 0, "here", "_published"), 0.2, 0.3, 0.1, 5),
        (claims._closure_claim(data, 0), 0.4, 0.1, 0.13, 5),
        (claims._variance_fills(data, 0), None, 0.4, 0.03, 9),
    ):
        assert claim.theory == theory
        np.testing.assert_allclose(claim.measured, measured, rtol=1e-12)
        half_width = error * student_t.ppf(0.975, models - 1)  # the fewer models of the two
        np.testing.assert_allclose(claim.interval, measured + half_width * np.array([-1, 1]), rtol=1e-9)


def test_claims_compare_what_one_sampler_generated():
    """Distances and masses of the two samplers far apart: each claim must take both of its numbers from one of them."""
    names = ("trained", "predicted", "surrogate", "average", "exact")
    data = {"feature_ratio": np.array([0.25]), "trained_models": np.asarray(9), "predicted_models": np.asarray(9)}
    for suffix, scale in (("", 1.0), ("_published", 100.0)):
        for rank, name in enumerate(names, start=1):
            data[f"gap_mass_{name}{suffix}"] = np.array([scale * rank])
            data[f"gap_mass_stderr_{name}{suffix}"] = np.array([scale * 0.001])
            data[f"wasserstein1_{name}{suffix}"] = np.full((1, 1 + BLOCKS), scale * rank)
            data[f"wasserstein1_{name}_of_all{suffix}"] = np.full((1, 1 + BLOCKS), scale * rank)
    found = {claim.name: claim for claim in claims.claims(data)}
    for ending, scale in ((", F/P = 1/4", 1.0), (", published Euler steps, F/P = 1/4", 100.0)):
        np.testing.assert_allclose(found[f"predicted distribution{ending}"].measured, 2.0)
        np.testing.assert_allclose(found[f"prediction against the exact score{ending}"].measured, 2 / 5)
        mass = found[f"gap mass{ending}"]
        np.testing.assert_allclose([mass.measured, mass.theory], [scale, 2 * scale])
        np.testing.assert_allclose(np.ptp(mass.interval), 2 * student_t.ppf(0.975, 8) * scale * np.hypot(0.001, 0.001))
