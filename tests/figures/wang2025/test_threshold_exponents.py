"""Statistics and verdicts of `threshold_exponents`, from emergence times whose exponents are known."""

import numpy as np
import pytest

from figures.wang2025.threshold_exponents.claims import claims
from figures.wang2025.threshold_exponents.statistics import SETTINGS, by_damping, by_fraction, slopes

FRACTIONS, WEIGHTS, SEEDS = np.linspace(0.1, 0.9, 9), np.array([0.0, 0.5]), 8
DAMPINGS = np.array([0.1, 1.0, 30.0])
RISING = np.geomspace(1e4, 1e2, 6)
SPREAD = np.linspace(-1e-3, 1e-3, SEEDS)  # of the exponents of the seeds, with mean zero
EXPONENTS = {
    "preconditioned_falling": FRACTIONS * (1 - WEIGHTS[:, None]),
    "preconditioned_rising": 1 - FRACTIONS * (1 + WEIGHTS[:, None]),
    "raw_rising": 1 - FRACTIONS * WEIGHTS[:, None],
    "raw_falling": FRACTIONS * (1 - WEIGHTS[:, None]),
}


def arrays(shift=0.0):
    """What a run would give if the exponents of trained networks were those of theory and a `shift`."""
    data = {
        "fraction": FRACTIONS,
        "weight_exponent": WEIGHTS,
        "variance_rising": RISING,
        "variance_falling": 1 / RISING,
        "damping": DAMPINGS,
        "momentum_variance": RISING,
        "momentum_curve": RISING ** -np.array([[0.5], [1.0]]),
    }
    for setting, exponents in EXPONENTS.items():
        variance = data[f"variance_{setting.rsplit('_', 1)[-1]}"]
        data[f"theory_{setting}"] = variance ** -exponents[..., None]
        data[f"linear_{setting}"] = variance ** -(exponents[..., None] + SPREAD + shift)[..., None]
        data[f"asymptotic_{setting}"] = exponents
    of_damping = np.array([0.5, 0.7, 1.0])
    data["momentum_theory"] = RISING ** -of_damping[:, None]
    data["momentum_linear"] = RISING ** -(of_damping[:, None] + SPREAD + shift)[..., None]
    return data


@pytest.mark.parametrize("setting", SETTINGS)
def test_exponents_and_slopes_are_recovered(setting):
    data = arrays(shift=0.03)
    for index in range(WEIGHTS.size):
        found = by_fraction(data, setting, index)
        np.testing.assert_allclose(found.closed_form, EXPONENTS[setting][index], atol=1e-12)
        expected = EXPONENTS[setting][index] + SPREAD[:, None] + 0.03
        np.testing.assert_allclose(found.per_seed, expected, atol=1e-12)
        np.testing.assert_allclose(found.deviation().value, 0.03, atol=1e-12)
        slope = slopes(data, found)
        np.testing.assert_allclose(slope.per_seed - slope.closed_form, 0.0, atol=1e-12)
        np.testing.assert_allclose(
            slope.closed_form, np.polyfit(FRACTIONS, EXPONENTS[setting][index], 1)[0], atol=1e-12
        )


def test_modes_that_a_network_never_reaches_are_left_out_of_both_fits():
    data = arrays()
    data["momentum_linear"][0, 3, :3] = np.nan
    data["momentum_theory"][0, :3] *= 100.0
    data["momentum_linear"][1, 3, :4] = np.nan
    found = by_damping(data)
    np.testing.assert_allclose(found.closed_form[[0, 2]], [0.5, 1.0], atol=1e-12)
    np.testing.assert_allclose(found.per_seed[:, 0], 0.5 + SPREAD, atol=1e-12)
    assert np.isnan(found.per_seed[:, 1]).all()  # two modes are no law


def test_verdicts():
    """Theory's own exponents hold, others differ, and what is not seen is undecided."""
    verdicts = {claim.name: claim.verdict for claim in claims(arrays())}
    assert set(verdicts.values()) == {"holds"}
    off = {claim.name: claim.verdict for claim in claims(arrays(shift=0.4))}
    for name in ("raw falling, a = 0.5", "momentum", "momentum, weakest damping", "raw rising: inverse-variance law"):
        assert off[name] == "differs"
    assert off["preconditioned falling: at the geometric mean"] == "differs"
    assert off["preconditioned falling, a = 0: dα/df"] == "holds"
    unseen = arrays()
    unseen["linear_raw_rising"][0, :, 0] = np.nan
    verdict = {claim.name: claim.verdict for claim in claims(unseen)}
    assert verdict["raw rising, a = 0"] == verdict["raw rising: at the geometric mean"] == "undecided"
