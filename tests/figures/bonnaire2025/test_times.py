"""Times, exponents and verdicts of `bonnaire2025_times`, from curves whose times are known."""

import numpy as np

from figures.bonnaire2025.times.claims import claims
from figures.bonnaire2025.times.statistics import exponents, generalisation_times, memorisation_times

RANDOM = np.random.default_rng(1)
SAMPLES, REPLICATES, BEST = np.array([4, 8, 16]), 6, 0.8
TAU = np.geomspace(0.5, 1e6, 400)


def curves(scale, power, first, height=0.0):
    """Both fall to the best loss at the time `first`, and part in proportion to τ at one that grows as n^power."""
    found = []
    for number in SAMPLES:
        late = scale * number**power * np.exp(0.01 * RANDOM.normal(size=(REPLICATES, 1)))
        fit = 1 - (1 - BEST) * (1 - np.exp(-TAU / (first * number**height)))
        gap = np.minimum(TAU / late, 2.0) * 0.25 * BEST
        found.append(np.stack([fit - gap / 4, fit + 3 * gap / 4], axis=-1))
    return np.stack(found)


def arrays(
    power=1.0, closed=1.0, of_edge=1.0, fixed_point=1.0, height=0.0, scale=200.0, off=0.0, descent=0.0, limit=1.0
):
    trained = curves(scale, power, 3.0, height)
    eigenvalues = SAMPLES[:, None] ** -of_edge * np.exp(0.01 * RANDOM.normal(size=(len(SAMPLES), REPLICATES)))
    equivalent = trained * np.exp(off) if closed == power else curves(scale, closed, 3.0)
    return {
        "dimension": np.asarray(100),
        "features": np.asarray(64),
        "samples": SAMPLES,
        "noise": np.asarray(0.4),
        "best": np.asarray(BEST),
        "tau": np.broadcast_to(TAU, (len(SAMPLES), REPLICATES, TAU.size)),
        "trained": trained,
        "equivalent": equivalent,
        "flow": trained * np.exp(descent),
        "eigenvalues": eigenvalues,
        "memorisation": SAMPLES**fixed_point,
        "floor_time": np.asarray(1e4),
        "limit": np.array([1.0, 10.0**limit]),
        "limit_samples": np.array([100.0, 1000.0]),
    }


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def test_what_is_as_stated_holds():
    assert set(verdicts().values()) == {"holds"}


def test_what_is_not_differs():
    assert verdicts(power=1.5, closed=1.5)["τ_mem by losses"] == "differs"
    assert verdicts(power=1.5)["τ_mem by losses: closed form"] == "differs"
    assert verdicts(of_edge=1.5)["τ_mem by the edge of ρ_1"] == "differs"
    assert verdicts(fixed_point=1.4)["τ_mem by the edge: fixed point"] == "differs"
    assert verdicts(limit=1.3)["τ_mem for ψ_p ≫ ψ_n ≫ 1"] == "differs"
    assert verdicts(height=0.5)["τ_gen"] == "differs"
    assert verdicts(scale=1.0)["memorisation is late, ψ_n = 16"] == "differs"
    assert verdicts(off=0.05)["ψ_n = 8: losses"] == "differs"
    assert verdicts(descent=0.02)["ψ_n = 4: descent"] == "differs"


def test_a_model_that_never_memorises_leaves_its_exponent_open():
    assert verdicts(scale=1e9)["τ_mem by losses"] == "undecided"


def test_times_and_exponents():
    data = arrays(scale=1e3)
    np.testing.assert_allclose(memorisation_times(data) / (1e3 * SAMPLES[:, None]), 1.0, rtol=0.05)
    # The parting losses leave a little of the fall out.
    np.testing.assert_allclose(generalisation_times(data), 3 * np.log(10), rtol=0.1)
    np.testing.assert_allclose(exponents(SAMPLES**1.3, SAMPLES), 1.3)
