"""Statements on made-up courses of training whose laws are known."""

import numpy as np
import pytest

from figures.li2024_hidden.hidden_gaussian.claims import claims
from figures.li2024_hidden.hidden_gaussian.statistics import (
    course,
    distance_to_filter,
    missed_meanwhile,
    nats,
    share_of_ideal,
    slope_on_law,
    when_linear_is_half,
    when_modes_are_half,
    when_nonlinear_is_half,
)

NETWORKS, MODES = 8, 3
LEVELS, STEPS = np.geomspace(0.1, 10.0, 21), np.unique(np.geomspace(1, 1e4, 60).round())
RECORDS = np.concatenate([[0], STEPS])
RATES = np.array([1 / 10, 1 / 40, 1 / 80])
IDEAL = np.array([1.5, 0.7, 0.1])
RANGE = np.log(LEVELS[-1] / LEVELS[0])


def made_up(law=1.0, later=1000.0, left=0.0, kept=1.0, reached=1.0, off=0.0, remembered=1e-4):
    """Missing e^{-rate·step} + `left`, times 1 + what comes back; beyond 1 - e^{-step/later·mode}; both ∝ σ²."""
    scatter = np.exp(0.02 * np.random.default_rng(0).normal(size=(NETWORKS, 1, 1, 1)))
    level, step = LEVELS[:, None] ** 2 / RANGE, RECORDS[:, None, None] * scatter
    rates = RATES[0] ** (1 - law) * RATES**law
    missed = 0.3 * (np.exp(-rates * step) + left + (1 - kept) * (step > later / 2)) * level
    shares = np.array([reached, reached / 3, 0.0])
    beyond = IDEAL * shares * (1 - np.exp(-step / later)) * level
    data = {"levels": LEVELS, "nats_box": IDEAL, "law_times": np.geomspace(1e-2, 1e3, 400)}
    data["law_nats"] = np.exp(-np.outer(data["law_times"], RATES))
    for where in ("box", "photographs"):
        data |= {f"steps_{where}": RECORDS, f"missed_{where}": missed, f"beyond_{where}": beyond}
    exact = scatter[:, 0] * np.ones((NETWORKS, 1, 1))
    return data | {
        "beyond_ideal": (IDEAL + off) * level * np.sqrt(exact / exact.mean()) ** 0.1,
        "beyond_remembered": exact * level * np.ones(MODES),
        "missed_remembered": remembered * exact**2 * level * np.ones(MODES),
    }


def test_statistics():
    data = made_up()
    np.testing.assert_allclose(nats(data, "missed", "box")[:, 0], 0.3, rtol=1e-10)
    np.testing.assert_allclose(course(data, "missed", "box")[:, 0], 0.9, rtol=1e-10)
    np.testing.assert_allclose(np.log(when_modes_are_half(data)).mean(axis=0), np.log(np.log(2) / RATES), atol=0.03)
    np.testing.assert_allclose(slope_on_law(data), 1.0, atol=0.03)
    np.testing.assert_allclose(slope_on_law(made_up(law=1.5)), 1.5, atol=0.05)
    np.testing.assert_allclose(np.log(when_nonlinear_is_half(data, "box")), np.log(1000 * np.log(2)), atol=0.1)
    assert np.all(when_linear_is_half(data, "box") < 60)
    assert np.all(missed_meanwhile(data, "box") < -5)
    np.testing.assert_allclose(missed_meanwhile(made_up(kept=0.0), "box"), np.log(2), atol=0.01)
    np.testing.assert_allclose(share_of_ideal(data)[:, :2], [[1.0, 1 / 3]] * NETWORKS, rtol=1e-3)
    expected = np.sqrt(0.3 * 0.5 * np.mean(LEVELS**2) / RANGE)
    np.testing.assert_allclose(distance_to_filter(made_up(left=0.5), "box"), expected, rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_what_would_be_found_out():
    assert {claim.verdict for claim in claims(made_up())} == {"holds"}
    wrong = made_up(law=1.5, later=3.0, left=0.1, reached=0.1, off=0.2, remembered=0.1)
    found = {claim.name: claim.verdict for claim in claims(wrong)}
    assert found.pop("large modes first, linear") == "holds"
    # As nonlinear nats come at once, linear ones have hardly begun to: that is no half of them.
    assert set(found.values()) == {"differs"}
    (all_at_once,) = {c.verdict for c in claims(made_up(law=0.0, left=1e-6)) if c.name == "large modes first, linear"}
    assert all_at_once == "differs"
