"""Statements on made-up variances, divergences and nats whose best starts are known."""

import numpy as np
import pytest

from figures.franzese2022.diffusion_time.claims import claims
from figures.franzese2022.diffusion_time.statistics import (
    excess_nats,
    log_best_start,
    log_best_start_of_mode,
    log_lowest,
    log_start_of_least_nats,
    steps_of_mismatch,
)

NETWORKS, VARIANCE, STEPS, SAMPLES = 8, np.array([[10.0, 4.0, 0.1]]), (5, 10), (100, 1600)
SCATTER = 1e-4 * np.random.default_rng(0).normal(size=NETWORKS)
STARTS = 2.0 * np.geomspace(0.5, 200.0, 33)  # √λ of the middle mode is 2
BEST = np.log([[20.0, 9.0, 6.0, 5.0], [5.0, 9.0, 7.0, 6.0]])  # of four times, Gaussian data and photographs


def of_one_mode(steps, angle):
    """ln λ̃/λ of N equal angles below the start, from N(0, λ + σ_T²)."""
    return 2 * steps * np.log(np.cos(angle / steps))


def made_up(shift=0.0, wrong=0.0, flat=0.0):
    """Everything as in theory, but best starts by a `shift` of their ln, λ̃ `wrong` by so much, no rise of nats at all
    beyond the best start if `flat`."""
    data = {"steps": np.array(STEPS), "few_samples": np.array(SAMPLES)}
    noise = SCATTER[:, None]
    for row, where in enumerate(("gaussian", "photographs")):
        data |= {
            f"variance_{where}": VARIANCE,
            f"times_{where}": np.array([[0.1, 1.0, 10.0, 100.0]]),
            f"starts_{where}": STARTS[None],
            f"slope_theory_{where}": np.ones((1, 4, 5, 3)),
            f"slope_trained_{where}": np.ones((1, 4, 5, 3)) + wrong + SCATTER[:, None, None, None],
        }
        for steps in STEPS:
            theory = np.zeros((1, 4, STARTS.size, 3)) + np.log(VARIANCE[0])
            angle = np.arctan(np.exp(np.log(STARTS / 2) - shift))
            matched = of_one_mode(steps, angle) * np.ones((NETWORKS, 1)) * (1 + noise)
            theory[0, :, :, 1] += of_one_mode(steps, np.arctan(STARTS / 2)) + 2 * np.log(np.sin(np.arctan(STARTS / 2)))
            trained = theory + SCATTER[:, None, None, None] + wrong
            trained[..., 1] = (np.log(4.0) + matched + 2 * np.log(np.sin(angle)) + noise + wrong)[:, None]
            log_matched = np.zeros((NETWORKS, STARTS.size, 3))
            log_matched[..., 1] = np.log(4.0) + matched + noise + wrong
            curve = (np.log(STARTS / 2) - BEST[row][:, None]) ** 2
            moved = (np.log(STARTS / 2) - BEST[row][:, None] - shift - SCATTER[:, None, None]) ** 2
            data |= {
                f"log_theory_{steps}_{where}": theory,
                f"log_trained_{steps}_{where}": trained,
                f"log_matched_{steps}_{where}": log_matched,
                f"divergence_theory_{steps}_{where}": 1 + curve[None],
                f"divergence_trained_{steps}_{where}": 1 + moved,
            }
    for end in (f"gaussian_{SAMPLES[0]}", f"gaussian_{SAMPLES[1]}", f"photographs_{SAMPLES[0]}"):
        samples, levels = int(end.rsplit("_", 1)[1]), np.geomspace(0.1, 1e4, 121)
        x = 1 / (samples * (levels / np.exp(shift)) ** -2)  # σ_T²/P: least at σ_T = √P
        nats = np.minimum(1e-4 * (x**-1 - 2 * x**-0.5), 1.0 if not flat else -1e-4)
        if flat:
            nats = np.where(x > 1, -1e-4, 1e-4 * (x**-1 - 2 * x**-0.5)) - 1e-8 * np.log(levels)
        data |= {
            f"nats_levels_{end}": levels,
            f"nats_theory_{end}": nats,
            f"nats_trained_{end}": nats * (1 + noise),
            f"best_start_{end}": np.asarray(np.sqrt(samples)),
        }
    return data


def verdicts(data):
    return {claim.name: claim.verdict for claim in claims(data)}


def test_statistics():
    data = made_up()
    assert log_lowest(np.geomspace(1, 100, 9), (np.log(np.geomspace(1, 100, 9)) - 2.0) ** 2) == pytest.approx(
        2, abs=1e-3
    )
    np.testing.assert_allclose(log_best_start(data, "trained", "gaussian", 5, 1), np.log(9) + SCATTER, atol=2e-3)
    np.testing.assert_allclose(
        log_best_start_of_mode(data, "photographs", 10), np.log(np.tan(np.pi * 10 / 22)), atol=3e-3
    )
    np.testing.assert_allclose(steps_of_mismatch(data, "gaussian", 5, np.tan(np.pi * 5 / 12)), 1.0, atol=2e-3)
    np.testing.assert_allclose(log_start_of_least_nats(data, "gaussian_100"), np.log(10), atol=5e-3)
    np.testing.assert_allclose(excess_nats(data, "gaussian_100", 0.25), 1e-4 * 9, rtol=1e-2)


def test_what_would_be_found_out():
    assert set(verdicts(made_up()).values()) == {"holds"}
    found = verdicts(made_up(shift=0.5, wrong=0.1))
    right = {name for name, verdict in found.items() if verdict == "holds"}
    # What a common shift of ln σ_T leaves: ratios of starts, and what 4 and ¼ of the best start cost.
    assert all(
        any(words in name for words in ("falls", "rises first", "by samples", "too ", "next to nothing"))
        for name in right
    )
    assert found["Gaussian data: the mismatch costs one step"] == "differs"
    assert verdicts(made_up(flat=1.0))[f"Gaussian data, {SAMPLES[0]} samples: too large a start"] == "differs"
