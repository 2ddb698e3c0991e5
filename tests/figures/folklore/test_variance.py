"""What `folklore_variance` says of arrays whose noise, distances and stability are known."""

import numpy as np
import pytest

from figures.folklore.variance.claims import claims
from figures.folklore.variance.experiment import SCHEDULES, schedule_log_levels
from figures.folklore.variance.families import FAMILIES
from figures.folklore.variance.statistics import (
    Noise,
    level_of_quality,
    matched,
    share_within_levels,
    unstable,
)
from figures.folklore.variance.toys import TARGETS
from figures.folklore.variance.verdicts import rows

RANDOM = np.random.default_rng(3)
SEEDS, RECORDS, BATCHES, LEVELS = 8, 3, 100, 4
CALM, WILD = np.array([0.5, 0.2, 0.1]), np.array([0.2, 0.6, 0.1])


def norms(ratio, shape, batches=BATCHES):
    """Squared norms (…, 2) of a batch's gradient with |E g|² = 1 and tr Cov = `ratio`."""
    ratio = ratio * np.exp(0.02 * RANDOM.normal(size=shape))
    return np.stack([1 + ratio, 1 + ratio / batches], axis=-1)


def arrays(gan=8.0, vae=4.0, diffusion=2.0, adam=1.0, lowest=2.0, calm=(True, True), constant=True, schedule=1.0):
    """All families are matched at the second record, whose noise is as asked for; others are ten times as noisy."""
    ratios = {"GAN": gan, "VAE": vae, "diffusion": diffusion, "VAE, score function": 40.0}
    data = {
        "dimension": np.asarray([2]),
        "records_0": np.array([1, 10, 100]),
        "rates": np.array([1e-3, 1e-1]),
        "levels": np.geomspace(0.1, 3.0, LEVELS),
        "batches": np.asarray([BATCHES, BATCHES]),
        "batch_size": np.asarray(4),
        "reference_0": np.array([0.2, 1.0]),
        "toy_norms": np.stack([norms(ratio, 20, 50) for ratio in (1.0, 3.0)], axis=1),
        "toy_draws": np.asarray(50),
        "toy_signal": np.array([1.0, 1 / 3]),
        "toy_game": 2 + 0.01 * RANDOM.normal(size=200),
        "toy_game_theory": np.asarray(2.0),
    }
    power = np.ones((8, len(TARGETS), LEVELS))
    power[:, 2] = 1.0 if constant else np.geomspace(100, 1, LEVELS)
    data["target_power"] = power + 1e-3 * RANDOM.normal(size=power.shape)
    for index, name in enumerate(FAMILIES):
        scale, players = np.array([10.0, 1.0, 10.0])[:, None, None, None], 2 if "GAN" in name else 1
        shape = (RECORDS, players, 2, SEEDS)
        ratio = np.broadcast_to(ratios.get(name, 6.0) * scale * np.array([1.0, adam])[:, None], shape)
        data[f"norms_0_{index}"] = norms(ratio, shape)
        data[f"distance_0_{index}"] = np.repeat([[0.3], [0.05], [0.01]], SEEDS, axis=1)
        data[f"covered_0_{index}"] = np.ones((RECORDS, SEEDS))
        data[f"parameters_0_{index}"] = np.asarray(1000 + index)
        data[f"rate_distance_0_{index}"] = np.repeat(
            np.stack([CALM if each else WILD for each in calm])[..., None], SEEDS, axis=2
        )
    level = np.full((RECORDS, LEVELS, SEEDS), diffusion)
    level[:, 0] = lowest
    data["level_norms_0"] = norms(level, level.shape)
    data["level_mean_0"] = np.ones((RECORDS, SEEDS)) + level.mean(axis=1) / BATCHES / LEVELS
    data["schedule_norms_0"] = norms(np.outer([schedule, 1.0, 1.0], np.ones(SEEDS)), (3, SEEDS))
    data["residual_0"] = np.ones((LEVELS, SEEDS)) + 1e-3 * RANDOM.normal(size=(LEVELS, SEEDS))
    return data


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def word(number, **changes):
    return rows(arrays(**changes))[number - 1].verdict


def test_noise_is_what_it_was_made_of():
    found = Noise(norms(3.0, 400), BATCHES).log_ratio
    assert abs(found.value - np.log(3)) < 5 * found.stderr < 0.02
    assert np.isnan(Noise(np.array([[1.0, 0.001]] * 3), 4).log_ratio.value), "nothing is left of the signal"


def test_models_are_matched_where_they_first_are_good():
    data = arrays()
    assert level_of_quality(data, 0) == 0.1
    np.testing.assert_array_equal(matched(data, 0, "GAN"), np.ones(SEEDS))
    data[f"distance_0_{FAMILIES.index('GAN')}"][:, 1:] = 0.2
    np.testing.assert_array_equal(matched(data, 0, "GAN"), [1] + [-1] * (SEEDS - 1))
    assert {claim.name: claim.verdict for claim in claims(data)}["1, ring: GAN over VAE"] == "undecided"


def test_the_order_of_families_decides_the_first_claim():
    assert word(1) == "true"
    assert word(1, diffusion=16.0) == "false"
    assert verdicts(gan=3.0)["1, ring: GAN over VAE"] == "differs"


def test_variance_within_levels_is_a_share():
    """Samples have four times the variance of a batch of 4, 8 in every level; |E g|² is one, as of their mean."""
    assert abs(share_within_levels(arrays(), 0).value - 1.0) < 0.01
    data = arrays()
    data["level_mean_0"] = data["level_mean_0"] - 1.0  # opposite signals: their mean is zero
    assert abs(share_within_levels(data, 0).value - 8 / 9) < 0.01


def test_noise_of_the_lowest_level():
    assert verdicts()["2, ring: the lowest noise level is no noisier"] == "holds"
    assert verdicts(lowest=9.0)["2, ring: the lowest noise level is no noisier"] == "differs"
    assert word(2) == "false"  # all of the variance is within levels


def test_spikes_and_divergence():
    np.testing.assert_array_equal(unstable(arrays(calm=(True, False)), 0, "GAN")[:, 0], [False, True])
    data = arrays()
    name = f"rate_distance_0_{FAMILIES.index('GAN')}"
    data[name][1, :, 0], data[name][1, -1, 1] = np.nan, 1.5
    np.testing.assert_array_equal(unstable(data, 0, "GAN")[1, :3], [True, True, False])
    assert word(3, calm=(True, False)) == "true"
    assert word(3, calm=(True, True)) == "false"
    assert word(3, calm=(False, False)) == "false"


def test_targets_and_schedules():
    assert word(4) == "true"
    assert word(4, constant=False) == "only if not the score"
    assert word(5) == "no effect on noise"
    assert word(5, schedule=4.0) == "only re-weights levels"


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_levels_of_a_schedule_are_those_of_its_times(schedule):
    found = schedule_log_levels(SCHEDULES[schedule], 5)
    assert np.all(np.diff(found) > 0)
    if schedule == "cosine":  # α = cos θ/cos θ_0
        angle = np.pi / 2 * (0.5 + 0.008) / 1.008
        alpha = np.cos(angle) / np.cos(np.pi / 2 * 0.008 / 1.008)
        np.testing.assert_allclose(found[2], np.log(np.sqrt(1 - alpha**2) / alpha), rtol=1e-6)
