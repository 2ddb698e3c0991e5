"""Verdicts of `collapse_time`, from weights that cross where they are told to."""

import numpy as np

from figures.biroli2024.collapse_time.claims import claims
from figures.biroli2024.collapse_time.statistics import gaussian_level, log_levels

RANDOM = np.random.default_rng(3)
RATIOS, REPLICATES = np.geomspace(0.02, 3, 61), 12
DIMENSIONS, COUNTS = np.array([4, 16, 64]), np.array([100, 1000])


def curves(shift, steepness):
    """Weights that are ½ at ln ratio = shift, and .9 so much below as the steepness says, (replicates, …, levels)."""
    chance = 0.01 * RANDOM.normal(size=(REPLICATES, *np.shape(shift), 1))
    return 1 / (1 + np.exp(np.asarray(steepness)[..., None] * (np.log(RATIOS) - np.asarray(shift)[..., None] - chance)))


def arrays(shift=0.0, apart=0.6, data_shift=0.0, isotropic=2.0):
    """Levels of weight .9 lie ln 9/steepness below those of ½."""
    levels = np.broadcast_to([[0.7, 0.5]], (3, 2)).copy()
    below = np.broadcast_to([[apart], [0.3], [0.1]], (3, 2)).copy()
    data = {"ratios": RATIOS, "dimensions": DIMENSIONS, "counts": COUNTS, "data_counts": COUNTS, "formula": levels}
    data["own"] = curves(np.full((3, 2), shift), np.log(9) / below)
    for name in ("digits", "photographs"):
        data[f"own_{name}"] = curves(np.full(2, data_shift), np.full(2, 8.0))
        data[f"formula_{name}"], data[f"isotropic_{name}"] = np.array([1.0, 0.8]), isotropic * np.array([1.0, 0.8])
    return data


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def test_levels_are_read_where_they_should_be():
    data = arrays(shift=0.2)
    np.testing.assert_allclose(log_levels(data, 0.5).mean(), 0.2, atol=0.02)
    np.testing.assert_allclose(gaussian_level(data, 0.9, 4, 1000).value, 0.2 - 0.6, atol=0.02)
    assert log_levels(data, 0.5, "digits").shape == (REPLICATES, 2)


def test_what_is_as_stated_holds():
    assert set(verdicts().values()) == {"holds"}


def test_what_is_not_differs():
    moved = verdicts(shift=0.5)
    assert {verdict for name, verdict in moved.items() if name.startswith("Gaussian,") and "half" in name} == {
        "differs"
    }
    assert moved["Gaussian, d = 16, N = 1000: .9 of it later"] == "differs"
    assert verdicts(apart=0.1)["Gaussians, N = 1000: sharper in higher dimension"] == "differs"
    assert verdicts(data_shift=-1.0)["digits, N = 1000: half of the posterior at ln N nats"] == "differs"
    assert verdicts(isotropic=1.0)["photographs, N = 1000: not one variance"] == "differs"


def test_a_weight_that_is_never_reached_is_undecided():
    data = arrays()
    data["own_digits"] = np.full((REPLICATES, 2, 61), 0.4)
    assert np.isnan(log_levels(data, 0.5, "digits")).all()
    found = {claim.name: claim.verdict for claim in claims(data)}
    assert found["digits, N = 1000: half of the posterior at ln N nats"] == "undecided"
