"""Statements on made-up trajectories and thicknesses whose laws are known; simulated ones against SciPy's solver."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from figures.chen2023.mean_shift.claims import claims
from figures.chen2023.mean_shift.statistics import (
    departure_from_chord,
    earlier_by,
    exponents,
    share_while_certain,
    slope_of_displacements,
    thickness_of,
)
from figures.chen2023.mean_shift.trajectories import trajectories

SETS, STARTS, NETWORKS = 8, 5, 8
RANDOM = np.random.default_rng(0)
LEVELS = np.geomspace(80.0, 0.002, 400)


def made_up(speed=1.0, late=0.0, exponent=1.0, thicker=1.0, plane=3.0):
    """D moves as e^{-1/σ²} and x as σ; theory is as fast by `speed`. D has moved by `late` since nothing is unknown."""
    end = RANDOM.normal(size=(SETS, 1, STARTS, 4))
    offset = (1 + 0.01 * RANDOM.normal(size=(SETS, 1, STARTS, 1))) * np.ones(4)
    level = LEVELS[None, :, None, None]
    moved = np.exp(-(level**-2.0))
    jump = late * (level > 0.1)
    ones = np.ones((SETS, len(LEVELS), STARTS))
    shares = np.stack([plane * LEVELS, 0 * LEVELS, LEVELS, 0 * LEVELS], axis=-1)[None, :, None] / 80 * ones[..., None]
    data = {
        "levels": np.tile(LEVELS, (SETS, 1)),
        "points": np.zeros((SETS, 3, 4)),
        "denoising": end - (moved + jump) * offset,
        "velocity": -speed * 2 * level**-3.0 * moved * offset,
        "sampling": end + level * offset,
        "uncertainty": ones * moved[..., 0],
        "variance": np.full(SETS, 2.0) + 0.01 * RANDOM.normal(size=SETS),
        "deviation": shares,
        "deviation_theory": shares,
        "initial_gain": np.array([0.25, 0.5, 1.0]),
    }
    scatter = np.exp(1e-3 * RANDOM.normal(size=(NETWORKS, 1, 1)))
    times, modes = np.geomspace(1e-2, 10, 9), np.array([1.0, 0.0, 0.0])
    for where, gains in (
        ("gaussian", np.array([0.25, 0.5, 1.0])[:, None, None, None]),
        ("photographs", 0.5),
        ("two_layer", 0.5),
    ):
        theory = np.where(modes > 0, 1.0, times[:, None] ** -gains)
        theory = theory if where == "gaussian" else theory[None]
        variance = np.tile(modes, (3, 1, 1)) if where == "gaussian" else modes[None]
        data |= {
            f"times_{where}": times,
            f"variance_{where}": variance,
            f"generated_theory_{where}": theory,
            f"generated_trained_{where}": thicker**2 * np.exp(np.log(theory) * exponent) * scatter,
        }
    return data | {"thickness_gaussian": thickness_of(data, "theory", "gaussian")}


def test_statistics():
    data = made_up(speed=1.25)
    np.testing.assert_allclose(slope_of_displacements(data), 1 / 1.25, rtol=1e-3)
    # Both are near at .05 √2; D is off by √4 e^{-1/σ²}, x by √4 σ.
    arrived = 0.05 * np.sqrt(2) / 2
    np.testing.assert_allclose(earlier_by(data), np.log((-np.log(arrived)) ** -0.5 / arrived), atol=0.07)
    np.testing.assert_allclose(departure_from_chord(data), 0.0, atol=1e-9)
    bent = data | {
        "sampling": data["sampling"] + np.eye(4)[0] * 8 * (LEVELS < 5)[:, None, None] * (LEVELS > 1)[:, None, None]
    }
    np.testing.assert_allclose(departure_from_chord(bent), 8 * np.sqrt(3 / 4) / 160, rtol=0.02)
    assert np.all(share_while_certain(made_up()) < 0.003)
    np.testing.assert_allclose(share_while_certain(made_up(late=0.25)), 0.2, atol=0.01)
    np.testing.assert_allclose(
        exponents(data, "gaussian", 0.1), np.array([[0.25], [0.5], [1.0]]) * np.ones(8), atol=1e-12
    )


def test_what_would_be_found_out():
    assert {claim.verdict for claim in claims(made_up())} == {"holds"}
    wrong = made_up(speed=1.1, late=0.2, exponent=0.9, thicker=1.1, plane=1.0)
    found = {claim.name: claim.verdict for claim in claims(wrong)}
    kept = {"sampling is nearly straight", "steps of the sampler", "deviations in the plane"}
    kept |= {"normal deviations fall with σ", "denoising converges faster"}
    assert {found.pop(name) for name in kept} == {"holds"}
    assert set(found.values()) == {"differs"}


@pytest.fixture
def quick_compilation():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_trajectories_by_another_solver():
    data = trajectories(4, 3, 41, 4, jax.random.key(1))
    points = data["points"]

    def drift(log_level, x):
        away = x - points
        odds = -np.sum(away**2, axis=1) / (2 * np.exp(2 * log_level))
        weight = np.exp(odds - odds.max())
        return weight @ away / weight.sum()

    for start in range(3):
        places = solve_ivp(
            drift, np.log(data["levels"][[0, -1]]), data["sampling"][0, start], rtol=1e-10, atol=1e-10,
            t_eval=np.log(data["levels"][[10, 20, 30, 40]])[:4],
        ).y.T  # fmt: skip
        np.testing.assert_allclose(data["sampling"][10::10, start], places, atol=5e-3)
    np.testing.assert_allclose(data["deviation"][::10], data["deviation_theory"][::10], atol=5e-3)
