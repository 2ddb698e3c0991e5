"""Narrowing, its overshoot and its beginning of made-up variances whose laws are known."""

import numpy as np
import pytest

from figures.wu2024.guidance.claims import claims
from figures.wu2024.guidance.statistics import at_end, begins, exponent, overshoot

TIMES, VARIANCE, NETWORKS = np.geomspace(1e-3, 100, 300), np.array([[10.0, 1.0, 0.1]]), 8
SCATTER = 1e-4 * np.random.default_rng(0).normal(size=(NETWORKS, 1, 1))


def made_up(height, loss=1.0):
    """Narrowing end·(1 - e^{-y} + height·y e^{-y}), y = τ(λ + m²), of networks that narrow `loss` of it."""
    between = VARIANCE / 2
    data = {"times": TIMES, "strength": np.asarray(2.0)}
    for where in ("gaussian", "digits", "photographs"):
        data |= {f"variance_{where}": VARIANCE, f"between_{where}": between}
        y = TIMES[:, None] * (VARIANCE + between)
        curve = at_end(data, where)[:, None] * (1 - np.exp(-y) + height * y * np.exp(-y))[None]
        for which, share in (("theory", 1.0), ("commuting", 1.0), ("trained", loss + SCATTER)):
            guided = -share * curve
            generated = np.exp(np.stack([np.zeros_like(guided), guided, np.zeros_like(guided)], axis=1))
            data[f"generated_{which}_{where}"] = generated
    clusters = SCATTER[:, 0] + np.array([[0.0, -0.2, -0.5]])
    return data | {
        "cluster_strengths": np.array([0.0, 1.0, 2.0]),
        "entropy_theory": np.array([0.0, -0.2, -0.5]),
        "entropy_samples": clusters,
        "confidence_theory": np.array([0.9, 0.95, 0.99]),
        "confidence_samples": np.array([[0.9, 0.95, 0.99]]) + SCATTER[:, 0] * np.array([[0.0, 1.0, 1.0]]),
    }


def test_overshoot_and_beginning():
    """1 + e^{-y}(hy - 1) is largest at y = 1 + 1/h, and first 1 at y = 1/h."""
    data = made_up(5.0)
    np.testing.assert_allclose(overshoot(data, "theory", "gaussian"), 1 + 5 * np.exp(-1.2), rtol=1e-3)
    np.testing.assert_allclose(begins(data, "theory", "gaussian"), 1 / (5 * 1.5 * VARIANCE), rtol=1e-3)
    assert exponent(data, "theory", "gaussian") == pytest.approx([1.0], abs=1e-3)


def verdicts(data):
    return {claim.name: claim.verdict for claim in claims(data)}


def test_what_would_be_found_out():
    assert set(verdicts(made_up(5.0)).values()) == {"holds"}
    flat = verdicts(made_up(1.0))
    weak = verdicts(made_up(5.0, loss=0.8))
    for where in ("Gaussian classes", "linear denoisers on digits"):
        assert flat[f"{where}: guidance overshoots"] == "differs"
        assert weak[f"{where}: guided variance"] == weak[f"{where}: largest narrowing"] == "differs"
    photographs = ("linear denoisers on photographs: guided variance", "photographs: narrowing at the end")
    assert {weak[name] for name in ("narrowing at the end", *photographs)} == {"differs"}
    assert weak["guidance begins with the spectral law: times"] == "differs"
