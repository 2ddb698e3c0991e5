"""Statements on made-up variances whose odds and powers are known."""

import numpy as np

from figures.weitzner2024.power_iteration.claims import WORDS, claims
from figures.weitzner2024.power_iteration.statistics import (
    deviations_of_ratios,
    emergence,
    overshoot,
    peaks,
    powers,
)

NETWORKS, TIMES, STEPS = 8, np.geomspace(1e-3, 1e2, 51), np.array([1, 4, 64])
VARIANCE = np.array([[8.0, 2.0]])
SCATTER = 1e-4 * np.random.default_rng(0).normal(size=(NETWORKS, 1))
POWERS = {1: 1.0, 4: 0.6, 64: 0.5}


def made_up(later=0.0, higher=0.0, power=0.0):
    """Odds that are a parabola in ln τ about τ = .1, for "close" about 1; trained ones are later, higher, and of
    another power."""
    data = {"times": TIMES, "steps": STEPS}
    for where in (*WORDS, "flow"):
        middle, second = np.log(1.0 if where == "close" else 0.1), np.full(TIMES.size, 1e-4)
        second[TIMES > 0.5] = 2.0

        def generated(shift, more, middle=middle, second=second):
            curve = 3.0 + more - 0.1 * (np.log(TIMES) - middle - shift) ** 2 + np.log(4.0)
            return np.stack([np.exp(curve) * second, second + 0 * curve], axis=-1)

        amplitudes = np.array([[(VARIANCE[0, 0] / VARIANCE[0, 1]) ** POWERS[count] for count in STEPS]])
        few = np.stack([amplitudes**2, np.ones_like(amplitudes)], axis=-1)
        data |= {
            f"variance_{where}": VARIANCE,
            f"peak_{where}": np.array([[np.exp(middle), 3.0]]),
            f"generated_theory_{where}": generated(0.0, 0.0)[None],
            f"generated_trained_{where}": generated(later + SCATTER, higher + SCATTER),
            f"few_theory_{where}": few,
            f"few_trained_{where}": few * np.exp(SCATTER + power)[..., None] ** np.array([2.0, 0.0]),
        }
    # No overshoot, but where trained networks are other than theory.
    for which, more in (("theory", 0.0), ("trained", -2 * higher)):
        data[f"generated_{which}_flow"] = data[f"generated_{which}_flow"] * np.exp(np.array([more - 3.0, 0.0]))
    return data


def test_statistics():
    data = made_up(later=0.03, higher=0.2, power=0.1)
    log_time, height = peaks(data, "apart")
    np.testing.assert_allclose(log_time, np.log(0.1) + 0.03 + SCATTER[:, 0], atol=1e-10)
    np.testing.assert_allclose(height, 3.2 + SCATTER[:, 0], atol=1e-10)
    np.testing.assert_allclose(overshoot(data, "theory", "apart").max(), 3.0, atol=1e-3)
    assert np.all(np.abs(emergence(data, "apart", 1) - np.log(0.5)) < 0.2)
    np.testing.assert_allclose(powers(made_up(), "theory", "apart"), [list(POWERS.values())], rtol=1e-12)
    np.testing.assert_allclose(deviations_of_ratios(data, "apart")[..., 0], 0.1 + SCATTER + np.zeros(3), atol=1e-12)


def test_what_would_be_found_out():
    found = {claim.name: claim.verdict for claim in claims(made_up())}
    assert set(found.values()) == {"holds"}, found
    wrong = {claim.name: claim.verdict for claim in claims(made_up(later=0.5, higher=-2.5, power=0.8))}
    still = [name for name in wrong if "mode 2" in name or "less power" in name]
    assert {wrong.pop(name) for name in still} == {"holds"}
    assert set(wrong.values()) == {"differs"}, wrong
    late = {claim.name: claim.verdict for claim in claims(made_up(later=5.0))}
    assert {verdict for name, verdict in late.items() if "before mode" in name} == {"differs"}
