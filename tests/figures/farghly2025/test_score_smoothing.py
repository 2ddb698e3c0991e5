"""Verdicts of `score_smoothing`, from curves that are as told."""

import numpy as np

from figures.farghly2025.score_smoothing.claims import claims
from figures.farghly2025.score_smoothing.statistics import at_best, best_places

RANDOM = np.random.default_rng(2)
BANDWIDTHS, REPLICATES = np.array([0.0, 0.06, 0.12, 0.3]), 8


def arrays(depth=0.5, memory=0.5, radial=0.01, scatter=0.0, effective=0.0):
    """A loss that is least at h = .06, and a share that falls to chance, .5, there."""
    data = {"bandwidths": BANDWIDTHS, "squared_ratios": np.array([0.0, 2.0])}
    for name in ("even", "drawn"):
        chance = 0.02 * RANDOM.normal(size=(REPLICATES, 1))
        small = 1e-3 * RANDOM.normal(size=(REPLICATES, 4))
        data[f"loss_{name}"] = np.array([1.0, 1 - depth, 1.0, 1.0]) + chance + small
        data[f"memorised_{name}"] = np.array([1.0, 1 - memory, 1 - memory, 0.2]) + small
        data[f"fresh_{name}"] = 0.5 + small[:, 0]
        data[f"radial_{name}"], data[f"along_{name}"] = radial + 1e-2 * np.abs(small), 0.1 + small
        data[f"density_radial_{name}"] = data[f"density_along_{name}"] = 0.1 + small
    for d in (1, 2):
        noise = np.exp(0.01 * RANDOM.normal(size=(REPLICATES, 2)))
        factor = 3 ** (d / 2 + 1)
        data[f"effective_{d}"] = np.array([1.0, factor])
        data[f"scatter_theory_{d}"] = np.asarray(2.0)
        data[f"scatter_{d}"] = np.exp(scatter) * 2.0 * np.array([1.0, np.exp(-effective) / factor]) * noise
    return data


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def test_the_best_bandwidth_is_the_others():
    data = arrays()
    data["loss_even"][0] = [0.0, 9.0, 9.0, 9.0]  # chooses no bandwidth of its own
    assert best_places(data, "even")[0] == 1
    assert at_best(data, "loss", "even")[0] == 9.0


def test_what_is_as_stated_holds():
    assert set(verdicts().values()) == {"holds"}


def test_what_is_not_differs():
    flat = verdicts(depth=0.0)
    assert {flat[f"{name} points: {end}"] for name in ("even", "drawn") for end in ("too little", "too much")} == {
        "differs"
    }
    assert verdicts(memory=0.0)["even points: fewer are memorised"] == "differs"
    assert verdicts(memory=0.0)["drawn points: no more than chance"] == "differs"
    wide = verdicts(radial=0.1)
    assert wide["even points: near the circle"] == wide["drawn points: along the circle"] == "differs"
    assert verdicts(scatter=0.4)["scatter of the score in a plane"] == "differs"
    assert verdicts(effective=0.4)["effective points on a line, h² = 2 σ²"] == "differs"
