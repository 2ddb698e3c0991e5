"""Verdicts of `bertrand2025_cosine`, from curves that cross where they are told to."""

import numpy as np

from figures.bertrand2025.cosine.claims import claims
from figures.bertrand2025.cosine.statistics import at_time, log_half_level

RANDOM = np.random.default_rng(7)
LEVELS, REPLICATES = np.geomspace(0.005, 50, 41), 12
COLLAPSE = np.array([0.1, 1.0, 2.0, 0.7])


def arrays(shift=0.0, low=0.5, high=0.99):
    logs = np.log(LEVELS)
    data = {"levels": LEVELS, "collapse": COLLAPSE}
    data |= {"points": np.full(4, 100), "dimension": np.array([2, 64, 192, 8])}
    for place, level in enumerate(COLLAPSE):
        chance = 0.02 * RANDOM.normal(size=(REPLICATES, 1))
        data[f"own_{place}"] = 1 / (1 + np.exp(6 * (logs - np.log(level) - shift - chance)))
        data[f"cosine_{place}"] = np.full((REPLICATES, 41), low if place == 0 else high) + 0.1 * chance
    return data


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def test_curves_are_read_where_they_should_be():
    found = log_half_level(arrays(shift=0.3), "digits")
    np.testing.assert_allclose(found.value, 0.3, atol=0.02)
    data = arrays()
    data["cosine_1"] = np.broadcast_to(np.log(LEVELS), (REPLICATES, 41))
    np.testing.assert_allclose(at_time(data, "cosine", "digits", 0.3).value, np.log(0.7 / 0.3), rtol=1e-10)


def test_what_is_as_stated_holds_and_what_is_not_differs():
    assert set(verdicts().values()) == {"holds"}
    assert verdicts(shift=3.0)["photographs: agreement is not collapse"] == "differs"
    assert {verdict for name, verdict in verdicts(shift=-0.6).items() if "collapse at" in name} == {"differs"}
    assert verdicts(low=0.99)["two moons: they do not agree"] == "differs"
    assert verdicts(high=0.9)["photographs: both targets agree"] == "differs"


def test_a_curve_that_never_falls_has_no_level():
    data = arrays()
    data["own_1"] = np.ones((REPLICATES, 41))
    assert np.isnan(log_half_level(data, "digits").value)
    assert {claim.name: claim.verdict for claim in claims(data)}["digits: collapse at ln N nats"] == "undecided"
