"""Verdicts of `xu2023_reference_size`, from curves whose laws are known."""

import numpy as np

from figures.xu2023.reference_size.claims import claims

RANDOM = np.random.default_rng(1)
REFERENCES, LEVELS, INFORMATION = np.array([1, 8, 512]), np.array([0.1, 1.0, 4.0]), np.array([0.125, 0.5, 1.0])
COUNT, FEW, REPLICATES = 10, np.array([1, 2, 5]), 24


def arrays(law=1.0, tilt=0.5, half=0.5, few=0.0, scale=1.0):
    """Ratios as they should be, with chance that numerator and denominator share."""
    chance = 1 + 0.05 * RANDOM.normal(size=(REPLICATES, 1, 1))
    own = 1 + 1e-3 * RANDOM.normal(size=(REPLICATES, 3, 3))
    dsm = np.array([30.0, 1.0, 0.1])
    cluster = np.stack([np.ones(3), *(np.array([0.99, np.exp(tilt) / (n - 1), law / (n - 1)]) for n in REFERENCES[1:])])
    gaussian = np.array([[np.exp(tilt) / (n - 1), min(0.4, 12 / (n - 1)), half] for n in REFERENCES[1:]])
    pairs = np.stack([np.ones_like(gaussian), gaussian], axis=1)
    theory = np.outer((COUNT - FEW) / (COUNT - 1), [1.0, 0.5, 1.0])
    theory[:, -1] /= FEW
    return {
        "references": REFERENCES,
        "levels": LEVELS,
        "clusters_measured": (scale * dsm * cluster)[None] * chance * own,
        "clusters_dsm": dsm,
        "clusters_log_tilt": np.array([40.0, 0.5, 0.0]),
        "information": INFORMATION,
        "gaussian_measured": pairs[None] * chance[..., None] * own[:, :2, None],
        "gaussian_log_tilt": np.full((2, 3), 0.5),
        "point_references": FEW,
        "point_count": np.asarray(COUNT),
        "points_theory": theory,
        "points_measured": theory[None] + few + 1e-3 * RANDOM.normal(size=(REPLICATES, 3, 3)),
    }


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def test_what_is_as_stated_holds():
    found = verdicts(tilt=0.5)
    assert found.pop("clusters, 512 references: between the clusters") == "differs"  # e^½ is not 1
    assert found.pop("clusters, DSM: variance") == "holds"
    assert set(found.values()) == {"holds"}


def test_what_is_not_differs():
    assert verdicts(tilt=0.0)["clusters, 512 references: between the clusters"] == "holds"
    assert verdicts(tilt=0.0)["clusters, 512 references: tilt"] == "differs"
    assert verdicts(tilt=0.9)["Gaussian, 512 references: tilt"] == "differs"
    assert verdicts(law=2.0)["clusters, 512 references: much noise"] == "differs"
    assert verdicts(half=0.2)["Gaussian, 8 references: half effective"] == "differs"
    assert verdicts(few=0.05)["10 points, n = 2: variance"] == "differs"
    assert verdicts(scale=1.5)["clusters, DSM: variance"] == "differs"


def test_limits_of_few_points():
    wrong = arrays()
    wrong["points_theory"] = wrong["points_theory"] * np.array([[1.0], [0.9], [1.0]])
    found = {claim.name: claim.verdict for claim in claims(wrong)}
    assert found["10 points: smallest noise level"] == "differs"


def test_half_is_a_law_of_many_references():
    """The paper preset has two references as well, of which it does not speak."""
    few = arrays()
    few["references"] = np.array([1, 2, 512])
    halves = [claim.name for claim in claims(few) if "half effective" in claim.name]
    assert halves == ["Gaussian, 512 references: half effective"]
