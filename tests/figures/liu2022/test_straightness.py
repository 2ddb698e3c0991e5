"""The paths of known matrices, and statements on made-up results whose laws are known."""

import numpy as np

from figures.liu2022.straightness.claims import WORDS, claims
from figures.liu2022.straightness.experiment import _by_euler, _costs, _path, _variance
from figures.liu2022.straightness.statistics import early_over_late, log_ratio_to_law, loss, straightness_in_units

NETWORKS, TIMES, STEPS = 8, np.array([0.01, 0.1, 10.0]), np.array([1, 2, 4, 8, 64])
VARIANCE = np.array([[4.0, 0.25]])
SCATTER = 1e-4 * np.random.default_rng(0).normal(size=(NETWORKS, 1, 1))
IDEAL = (2 - np.pi / 2) * np.sqrt(VARIANCE)


def test_paths_of_the_ideal_matrices():
    """One matrix for all modes in a rotated basis; the rows of straightness add up over modes."""
    t, variance = np.linspace(0, 1, 257)[:, None], np.array([4.0, 0.25])
    gain = (t * variance - (1 - t)) / ((1 - t) ** 2 + t**2 * variance)
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(2, 2)))[0]
    velocities = (turned * gain[:, None, None, :]) @ turned.T  # (places, 1, modes, modes)
    straight, end = _path(velocities)
    np.testing.assert_allclose(straight.sum(), IDEAL.sum(), rtol=1e-4)
    np.testing.assert_allclose(end[0], (turned * np.sqrt(variance)) @ turned.T, rtol=1e-4)
    np.testing.assert_allclose(_costs(end), np.sum((np.sqrt(variance) - 1) ** 2), rtol=1e-3)
    np.testing.assert_allclose(_by_euler(velocities, 1), 0.0, atol=1e-12)
    two = _by_euler(velocities, 2)[0]
    angles = np.arctan2(1 - np.array([0, 0.5, 1]), np.array([0, 0.5, 1]) * np.sqrt(variance)[:, None])
    np.testing.assert_allclose(
        np.linalg.svd(two)[1], np.sqrt(variance) * np.prod(np.cos(np.diff(angles)), axis=1), rtol=1e-12
    )
    np.testing.assert_allclose(_variance(two[None]).sum(), np.sum(np.linalg.svd(two)[1] ** 2), rtol=1e-12)


def made_up(bent=1.0, less=0.0, one=20.0, cost=1.0, second=0.0):
    """Networks a tenth as bent at the first times as at the last, that lose by steps what the law says."""
    part = np.array([0.1, 0.1, 1.0])[:, None]
    data = {"times": TIMES, "steps": STEPS}
    lost = part[:, None] * (1 + np.pi / 4 * (np.sqrt(VARIANCE) + 1 / np.sqrt(VARIANCE))) / STEPS[:, None]
    lost = lost + np.where(STEPS == 1, one, 0.0)[:, None] * part[:, None]
    for where in WORDS:
        fine = np.log(VARIANCE) * np.ones((3, 1))
        data |= {
            f"variance_{where}": VARIANCE,
            f"straight_theory_{where}": (part * IDEAL)[None],
            f"straight_trained_{where}": bent * part * IDEAL * (1 + SCATTER),
            f"fine_trained_{where}": np.exp(fine + SCATTER),
            f"euler_theory_{where}": np.exp(fine[:, None] - lost)[None],
            f"euler_trained_{where}": np.exp(fine[:, None] - lost + (SCATTER - less)[..., None]),
            f"cost_{where}": np.array([cost, 1.0]) * (1 + SCATTER[:, 0]),
            f"second_straight_{where}": np.full((NETWORKS, 2), second),
            f"second_step_{where}": VARIANCE * np.exp(SCATTER[:, 0] + second),
        }
    return data


def test_statistics():
    data = made_up(bent=1.1, less=0.1)
    units = straightness_in_units(data, "trained", "gaussian")[:, -1]
    np.testing.assert_allclose(units, 1.1 * (1 + SCATTER[:, 0] * np.ones(2)), rtol=1e-12)
    np.testing.assert_allclose(loss(data, "gaussian", 64) - loss(made_up(), "gaussian", 64), 0.1, atol=1e-12)
    np.testing.assert_allclose(log_ratio_to_law(made_up(), "photographs", 64), 0.0, atol=1e-10)
    np.testing.assert_allclose(early_over_late(made_up(), "gaussian"), np.log(0.1), atol=1e-10)


def test_what_would_be_found_out():
    small = made_up()  # but for the least mode of photographs, which bends a little more in networks and theory
    for which in ("trained", "theory"):
        small[f"straight_{which}_photographs"] = small[f"straight_{which}_photographs"] * np.array([1.0, 1.1])
    law = "photographs: straightness at the end"
    found = {claim.name: claim.verdict for claim in claims(small) if law not in claim.name}
    assert set(found.values()) == {"holds"}, found
    wrong = {claim.name: claim.verdict for claim in claims(made_up(bent=1.2, less=0.5, one=0.0, cost=20.0, second=1.0))}
    assert wrong.pop("linear networks on photographs: small modes bend more in training than after it") == "holds"
    assert set(wrong.values()) == {"differs"}, wrong
    same = [claim for claim in claims(made_up()) if "small modes" in claim.name]
    assert [claim.verdict for claim in same] == ["differs"]
