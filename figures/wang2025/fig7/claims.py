"""What Figure 7 states."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import networks_follow_theory
from figures.wang2025.fig7.experiment import LAYERS
from sims.measurements.estimates import mean_over


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for name in LAYERS:
        words = f"flow matching, {name.replace('_', '-')}"
        statements += networks_follow_theory(data, name, words, "Wang & Pehlevan 2025, App. H, Fig. 7")
    return [*statements, _wrong_limit(data)]


def _wrong_limit(data: Arrays) -> Claim:
    """ln λ̃/(λ + 1) of the tied network after the longest training, averaged over the modes that are learned by then."""
    # A mode is learned once 8ητλ is large; slower ones have not reached their limit at the last snapshot.
    learned = 8 * data["times"][-1] * data["variance"] > 30
    ratio = data["variance_trained_two_layer"][:, -1, learned] / (data["variance"][learned] + 1)
    return Claim.from_estimate(
        "flow matching, tied two-layer: wrong limit",
        "a tied network cannot fit a negative velocity and generates λ + 1: mean of ln λ̃(∞)/(λ + 1) over learned modes",
        mean_over(np.log(ratio).mean(axis=1)),
        source="this project, from App. H",
        tests="theory",
        theory=0.0,
        margin=0.03,
    )
