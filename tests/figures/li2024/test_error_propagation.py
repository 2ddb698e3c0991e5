"""Statements on made-up shares and shifts whose laws are known."""

import numpy as np

from figures.li2024.error_propagation.claims import claims
from figures.li2024.error_propagation.statistics import left_from_one, log_ratio_of_left, slope_of_shifts

VARIANCE, RATIO, NETWORKS = np.array([[10.0, 1.0, 0.1]]), np.geomspace(100.0, 0.01, 5), 8
SCATTER = 1e-4 * np.random.default_rng(0).normal(size=(NETWORKS, 1))


def made_up(more=1.0, slope=1.0):
    """Perfect denoisers at the last of two times, hardly any gain at the first; `more` is left, and shifts have a
    `slope`."""
    data = {"times": np.array([0.1, 10.0])}
    for where, alpha in (("edm", np.ones(5)), ("vp", 1 / np.sqrt(1 + RATIO**2)), ("photographs", np.ones(5))):
        learned = np.sqrt(VARIANCE / (VARIANCE + RATIO[:, None] ** 2)) / alpha[:, None]
        theory = np.stack([0.01 * learned, learned])[None]
        shift = np.ones((NETWORKS, 1)) * np.array([[0.1, -0.05, 0.02]])
        data |= {
            f"variance_{where}": VARIANCE,
            f"ratio_{where}": RATIO,
            f"left_theory_{where}": theory,
            f"left_trained_{where}": more * theory * np.exp(SCATTER)[..., None, None],
            f"shift_predicted_{where}": shift,
            f"shift_measured_{where}": (slope + SCATTER) * shift,
        }
    return data


def test_statistics():
    data = made_up(more=1.1, slope=0.9)
    np.testing.assert_allclose(log_ratio_of_left(data, "edm"), np.log(1.1) + SCATTER[:, 0], atol=1e-12)
    np.testing.assert_allclose(slope_of_shifts(data, "vp"), 0.9 + SCATTER[:, 0], atol=1e-12)
    np.testing.assert_allclose(left_from_one(made_up(), "vp", 0), np.log(np.sqrt(20 / 11)) + SCATTER[:, 0], atol=1e-12)


def test_what_would_be_found_out():
    assert {claim.verdict for claim in claims(made_up())} == {"holds"}
    found = {claim.name: claim.verdict for claim in claims(made_up(more=1.5, slope=0.9))}
    assert [found.pop(name) for name in ("EDM forgets",)] == ["differs"]
    grows = [name for name in found if "variance preserving, λ" in name or "in training" in name]
    assert {found.pop(name) for name in grows} == {"holds"}
    assert set(found.values()) == {"differs"}
