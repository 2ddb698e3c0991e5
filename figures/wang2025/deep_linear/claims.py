"""What is claimed of deep linear networks."""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import exponent_against_theory, networks_follow_theory
from figures.wang2025.deep_linear.statistics import exponent_of
from sims.measurements.estimates import exact


def claims(data: Arrays) -> list[Claim]:
    source, statements = "Wang & Pehlevan 2025, App. F.3", []
    for depth in data["trained_depths"].tolist():
        statements += networks_follow_theory(data, str(depth), f"depth {depth}", source)
        name = f"depth {depth}: emergence exponent against theory"
        statements.append(exponent_against_theory(name, source, exponent_of(data, depth)))
    return [*statements, _depth_keeps_the_law(data), _waiting_law(data)]


def _depth_keeps_the_law(data: Arrays) -> Claim:
    """The exponent of the deepest trained networks against the paper's law."""
    depth = int(data["trained_depths"].max())
    return estimated_claim(
        f"depth {depth}: inverse-variance law",
        "depth accelerates or delays but does not remove the bias: τ* ∝ λ^-α with α ≈ 1",
        exponent_of(data, depth).trained,
        source="Wang & Pehlevan 2025, App. F.3",
        paper=1.0,
        tolerance=0.1,
    )


def _waiting_law(data: Arrays) -> Claim:
    """Exponent of the waiting time in Q at the greatest depth, between the two smallest initial gains."""
    depth = int(data["depths"][-1])
    times = np.log(data["waiting"][-1, :3])
    exponent = float(np.polyfit(np.log(data["initial_gains"][:3]), times, 1)[0])
    return estimated_claim(
        f"depth {depth}: waiting time",
        "τ* ∝ Q^{2/L-1} for small Q: exponent of the implicit solution between Q = 1e-6 and 3e-6",
        exact(exponent),
        source="this project, from App. F.3",
        theory=2 / depth - 1,
        tolerance=0.02,
    )
