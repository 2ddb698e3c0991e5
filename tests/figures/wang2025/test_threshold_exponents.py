"""Statistics and verdicts of `threshold_exponents`, from emergence times whose exponents are known."""

import numpy as np
import pytest

from figures.wang2025.threshold_exponents.claims import claims
from figures.wang2025.threshold_exponents.statistics import SETTINGS, by_damping, by_fraction, mlps, slopes
from tests.figures.known_records import STEPS

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


MLP_EXPONENTS = {"falling": lambda f: f, "rising": lambda f: 1 - f}
MLP_VARIANCES = {"falling": np.geomspace(1e-3, 0.1, 6), "rising": np.geomspace(1e3, 10, 6)}


def mlp_records(branch, models, shift, slope):
    """Curves from the variance one that pass the fraction f at the time 1000 f/(1-f) λ^-α(f), α of theory and more."""
    variance, curves = MLP_VARIANCES[branch], {}
    for name, spreads in (("generated", SPREAD[:models]), ("closed", np.zeros(models))):
        more = (shift, slope) if name == "generated" else (0.0, 0.0)
        curves[name] = np.stack([_passing(branch, variance, more[0] + spread, more[1]) for spread in spreads])
    variance = np.broadcast_to(variance, (models, variance.size))
    times = np.broadcast_to(STEPS, (models, STEPS.size))
    arrays = curves | {"steps": STEPS, "variance": variance, "solver": variance, "closed_times": times}
    return {f"mlp_{branch}_{name}": array for name, array in arrays.items()}


def _passing(branch, variance, shift, slope):
    shares = np.append(0.0, np.linspace(1e-3, 1 - 1e-3, 999))
    exponents = MLP_EXPONENTS[branch](shares) + shift + slope * (shares - 0.5)
    times = 1000 * (shares / (1 - shares))[:, None] * variance ** -exponents[:, None]
    return np.stack([v ** np.interp(STEPS, time, shares) for v, time in zip(variance, times.T, strict=True)], axis=1)


def arrays(shift=0.0, models=8, slope=0.0):
    """What a run would give if the exponents of trained networks were those of theory and a `shift`.

    Those of MLPs, of which there are `models`, change with f by `slope` more.
    """
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
    for branch in MLP_EXPONENTS:
        data |= mlp_records(branch, models, shift, slope)
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


@pytest.mark.parametrize("branch", MLP_EXPONENTS)
def test_exponents_of_mlps_are_recovered(branch):
    data = arrays(shift=0.1, slope=0.3)
    found, expected = mlps(data, branch), MLP_EXPONENTS[branch](FRACTIONS)
    np.testing.assert_allclose(found.closed_form, np.broadcast_to(expected, found.closed_form.shape), atol=0.01)
    np.testing.assert_allclose(found.per_model.mean(axis=0), expected + 0.1 + 0.3 * (FRACTIONS - 0.5), atol=0.01)
    np.testing.assert_allclose([each.value for each in found.by_fraction()], found.per_model.mean(axis=0))
    np.testing.assert_allclose(found.slope(FRACTIONS).value, (1 if branch == "falling" else -1) + 0.3, atol=0.01)
    np.testing.assert_allclose(found.deviation().value, 0.1, atol=0.01)


def test_an_mlp_without_an_exponent_is_left_out():
    data = arrays()
    data["mlp_falling_generated"] = data["mlp_falling_generated"].copy()
    data["mlp_falling_generated"][3, 1:] = data["mlp_falling_generated"][3, :1]  # it learns nothing
    found = mlps(data, "falling")
    assert np.isnan(found.per_model[3]).all()
    assert np.isfinite(np.delete(found.per_model, 3, axis=0)).all()
    assert found.slope(FRACTIONS).repetitions == found.deviation().repetitions == 7


def test_few_mlps_are_not_asked():
    names = {claim.name for claim in claims(arrays(models=3))}
    assert not any(name.startswith("MLPs") for name in names)
    assert len(claims(arrays())) == len(names) + 4


def test_verdicts():
    """Theory's own exponents hold, others differ, and what is not seen is undecided."""
    verdicts = {claim.name: claim.verdict for claim in claims(arrays())}
    assert set(verdicts.values()) == {"holds"}
    off = {claim.name: claim.verdict for claim in claims(arrays(shift=0.4))}
    for name in ("raw falling, a = 0.5", "momentum", "momentum, weakest damping", "raw rising: inverse-variance law"):
        assert off[name] == "differs"
    assert off["preconditioned falling: at the geometric mean"] == "differs"
    assert off["preconditioned falling, a = 0: dα/df"] == "holds"
    assert off["MLPs, falling: closed form"] == off["MLPs, rising: closed form"] == "differs"
    assert off["MLPs, falling: dα/df"] == off["MLPs, rising: dα/df"] == "holds"
    flat = {claim.name: claim.verdict for claim in claims(arrays(slope=-0.9))}
    assert flat["MLPs, falling: dα/df"] == "differs"
    assert flat["MLPs, rising: dα/df"] == "holds"
    unseen = arrays()
    unseen["linear_raw_rising"][0, :, 0] = np.nan
    verdict = {claim.name: claim.verdict for claim in claims(unseen)}
    assert verdict["raw rising, a = 0"] == verdict["raw rising: at the geometric mean"] == "undecided"
