"""Verdicts of `vastola_or_bertrand` from endpoints that were made to have them."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from figures.bertrand2025.vastola_or_bertrand.claims import claims
from figures.bertrand2025.vastola_or_bertrand.experiment import PRESETS
from figures.bertrand2025.vastola_or_bertrand.linear import ReadoutFeatures
from figures.bertrand2025.vastola_or_bertrand.networks import ARMS, SHAPED, base, networks
from figures.bertrand2025.vastola_or_bertrand.setting import DOSES, HIGHEST, LOWEST, PROCESS
from figures.bertrand2025.vastola_or_bertrand.statistics import cells, effect, target_ratios, verdict_words
from sims.networks.nonlinear import network_scales, random_feature_network

SETS, SEEDS = 8, 3
RATIOS, NETWORK_RATIOS = np.array([4.0, 1.0]), np.array([1.0])
DOSE = np.array([0.0, 0.5, 1.0, 2.0, 4.0])


def arrays(*, per_dose=0.4, forgotten=0.3, ratio=2.0, predicted=None, shape=0.0, added=1.0):
    """ln distance grows by `per_dose` and memorised share falls by `forgotten` from c = 0 to c = 1."""
    random = np.random.default_rng(3)
    scatter = 0.02 * random.normal(size=(SETS, 1)) + 0.02 * random.normal(size=(SETS, SEEDS))

    def endpoints(doses):
        of_doses = np.asarray(doses)[:, None, None]
        own = 0.01 * random.normal(size=(len(doses), SETS, SEEDS))
        return {
            "distance": np.exp(scatter + per_dose * of_doses + own),
            "memorised": 0.9 + scatter - forgotten * np.minimum(of_doses, 1) + own,
        }

    def stacked(runs):
        return {name: np.stack([run[name] for run in runs]) for name in runs[0]}

    strength = np.array([0.5, 1.0])
    linear = stacked([endpoints(DOSE * each) for each in strength])
    budget = np.ones((2, SETS, 3)) * np.array([0.5, 0.5, ratio])
    budget[0, :, 2] *= 0.1
    variance = np.ones((2, len(DOSES), SETS)) + added * DOSE[:, None] * budget[:, None, :, 2]
    change = per_dose if predicted is None else predicted
    law = np.exp(np.stack([strength[:, None, None] * 0, strength[:, None, None] * change], axis=1) + scatter[:, :2])
    data = {f"linear_1_{name}": array for name, array in linear.items()}
    data |= {"linear_1_budget": budget, "linear_1_variance": variance, "linear_1_distance_predicted": law}
    data |= {f"mlp_1_{name}": array for name, array in stacked([endpoints(DOSE)]).items()}
    data |= {f"arm_1_{name}": array for name, array in stacked([endpoints([0.0, 1.0]) for _ in ARMS]).items()}
    shaped = [0.0, 1.0, 0.5, 0.3, 0.5, 0.2, 1.0 + shape, 1.0, 0.5]
    assert len(shaped) == len(SHAPED)
    data |= {f"shape_1_{name}": array for name, array in endpoints(shaped).items()}
    data["control_memorised"] = endpoints([0.0, 1.0])["memorised"] + 0.07
    return data | {"ratios": RATIOS, "network_ratios": NETWORK_RATIOS, "network_doses": np.arange(5)}


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def chosen(found, word):
    named = {name: verdict for name, verdict in found.items() if word in name}
    assert named, word
    return set(named.values())


def test_an_effect_that_grows_with_dose_speaks_for_vastola():
    found = verdicts()
    assert chosen(found, "noise makes models memorise less") == {"holds"}
    assert chosen(found, "does noise") == {"differs"}
    assert chosen(found, "no effect of noise with") == {"differs"}
    assert chosen(found, "predicted effect") == {"holds"}
    assert chosen(found, "variance that target noise adds") == {"holds"}
    assert chosen(found, "an effect where T is large") == {"holds"}
    assert chosen(found, "T orders the effects") == {"holds"}
    assert chosen(found, "four doses") == {"holds"}
    assert chosen(found, "bands of noise levels add up") == {"holds"}
    assert chosen(found, "shape of the noise") == {"holds"}
    assert chosen(found, "shared references") == {"holds"}
    assert chosen(found, "the exact target memorises") == {"holds"}


def test_no_effect_speaks_for_bertrand():
    found = verdicts(per_dose=0.0, forgotten=0.0)
    assert chosen(found, "noise makes models memorise less") == {"differs"}
    assert chosen(found, "does noise") == {"holds"}
    assert chosen(found, "four doses") == {"differs"}
    assert chosen(found, "an effect where T is large") == {"differs"}


def test_predictions_shapes_and_variances_can_fail():
    assert "differs" in chosen(verdicts(predicted=2.0), "predicted effect")
    assert "differs" in chosen(verdicts(shape=1.0), "shape of the noise")
    assert chosen(verdicts(added=1.5), "variance that target noise adds") == {"differs"}


def test_only_regions_that_the_prediction_tells_are_claimed():
    assert "an effect where T is large" not in verdicts(ratio=0.6)
    assert verdicts(ratio=0.6)["no effect where T is small"] == "differs"  # T = .06 and an effect of .2
    assert verdicts(ratio=0.02, per_dose=0.0)["no effect where T is small"] == "holds"


def test_ratio_and_words_of_a_region():
    data = arrays()
    cell = next(cell for cell in cells(data) if cell.kind == "linear" and cell.ratio == 1)
    np.testing.assert_allclose(target_ratios(data, cell), 2.0)
    assert verdict_words(effect(data, cell, "distance"), "distance") == "more"
    assert verdict_words(effect(data, cell, "memorised"), "memorised") == "less"
    assert verdict_words(effect(arrays(per_dose=0.0), cell, "distance"), "distance") == "none"


def test_features_of_the_readout_are_those_of_the_network():
    """c_skip x + Aφ is the network itself."""
    drawn = random_feature_network(PROCESS, 2, width=7, scale=3.0, key=jax.random.key(0))
    network = eqx.tree_at(lambda each: each.readout, drawn, jax.random.normal(jax.random.key(1), (2, 7)))
    x, time = jax.random.normal(jax.random.key(2), (5, 2)), jnp.linspace(0.1, 0.9, 5)
    skip = network_scales(PROCESS, x, time).skip
    expected = skip * x + ReadoutFeatures(network)(x, time) @ network.readout.T
    np.testing.assert_allclose(network(x, time), expected, rtol=1e-10)


def test_times_are_even_in_the_noise_level():
    time = jnp.linspace(0.0, 1.0, 9)
    level = PROCESS.noise_scale(time) / PROCESS.signal_scale(time)
    np.testing.assert_allclose(level, np.geomspace(LOWEST, HIGHEST, 9), rtol=1e-10)
    np.testing.assert_allclose(PROCESS.time_from_log_snr(-2 * jnp.log(level)), time, atol=1e-12)
    slopes = jax.vmap(jax.grad(PROCESS.schedule.log_signal_scale))(time)
    np.testing.assert_allclose(-slopes, PROCESS.schedule.decay_rate(time), rtol=1e-10)


@pytest.mark.slow
def test_networks_do_not_depend_on_how_many_are_trained_together():
    config = replace(PRESETS["tiny"], network_seeds=2, data_sets=3)
    keys = jax.random.key(0), jax.random.key(1)
    one, three = (
        networks(replace(config, sets_at_a_time=number), 2, base(config, 2, 1.0), ("exact", "DSM"), *keys)
        for number in (1, 3)
    )
    assert one["loss"].shape == (2, 3, 2)
    assert len(np.unique(one["loss"])) == one["loss"].size
    for name, array in three.items():
        np.testing.assert_allclose(one[name], array, rtol=1e-4, atol=1e-6, err_msg=name)
