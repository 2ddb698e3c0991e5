"""Times and exponents of made-up excesses and variances whose laws are known."""

import numpy as np
import pytest

from figures.wang2025.likelihood_emergence.claims import claims
from figures.wang2025.likelihood_emergence.statistics import exponents, when_half_is_left, when_nats_are_left

TIMES, VARIANCE, NETWORKS = np.geomspace(1e-4, 50, 400), np.array([[3.0, 1.0, 0.1]]), 8
SCATTER = 1e-3 * np.random.default_rng(0).normal(size=(NETWORKS, 1, 1))


def made_up(slower):
    """Excess e^{-4τλ} of what there is at first and ln λ̃ by half-way at .3/λ; trained ones are `slower` by a factor."""
    ratio = VARIANCE / 0.002**2
    arrays = {}
    for where in ("gaussian", "photographs"):
        for which, factor in (("theory", np.ones((1, 1, 1))), ("trained", slower * np.exp(SCATTER))):
            time = TIMES[:, None] / factor
            arrays[f"excess_{which}_{where}"] = (ratio - np.log1p(ratio)) / 2 * np.exp(-4 * time * VARIANCE)
            way = 1 - 0.5 ** (time * VARIANCE / 0.3)
            arrays[f"generated_{which}_{where}"] = 0.002**2 * ratio**way
        arrays |= {f"variance_{where}": VARIANCE, f"times_{where}": TIMES}
    return arrays | {
        "excess_held_out_photographs": arrays["excess_trained_photographs"],
        "discretised_gaussian": arrays["excess_theory_gaussian"],
    }


def test_times_and_exponents():
    data = made_up(1.0)
    ratio = VARIANCE / 0.002**2
    nat = when_nats_are_left(data, "theory", "gaussian")
    np.testing.assert_allclose(nat, np.log((ratio - np.log1p(ratio)) / 2) / (4 * VARIANCE), rtol=1e-3)
    np.testing.assert_allclose(when_half_is_left(data, "theory", "gaussian"), np.log(2) / (4 * VARIANCE), rtol=1e-3)
    assert exponents(data, "gaussian", 3 * VARIANCE**-0.7) == pytest.approx([0.7])
    assert np.isnan(exponents(data, "gaussian", np.full((1, 3), np.nan)))


def test_networks_that_are_slow_are_found_out():
    assert {claim.verdict for claim in claims(made_up(1.0))} == {"holds"}
    slow = {claim.name: claim.verdict for claim in claims(made_up(1.1))}
    for where in ("Gaussian data", "linear denoisers on photographs"):
        assert slow[f"{where}: excess nats"] == slow[f"{where}: when a nat is left"] == "differs"
        assert slow[f"{where}: exponent of one nat"] == "holds"
    assert slow["photographs: a nat on unseen patches"] == "differs"
