"""What is claimed of deep linear networks."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import exponent_against_theory, networks_follow_theory
from figures.wang2025.deep_linear.statistics import exponent_of


def claims(data: Arrays) -> list[Claim]:
    source, statements = "Wang & Pehlevan 2025, App. F.3", []
    for depth in data["trained_depths"].tolist():
        statements += networks_follow_theory(data, str(depth), f"depth {depth}", source)
        name = f"depth {depth}: emergence exponent against theory"
        statements.append(exponent_against_theory(name, source, exponent_of(data, depth)))
    return [*statements, _depth_keeps_the_law(data), _waiting_law(data)]


def _depth_keeps_the_law(data: Arrays) -> Claim:
    """The exponent of the deepest trained networks against the law of one layer."""
    depth = int(data["trained_depths"].max())
    return Claim.from_estimate(
        f"depth {depth}: inverse-variance law",
        "depth accelerates or delays but does not remove the bias (in the paper's words): τ* ∝ λ^-α, α within 0.1 of 1",
        exponent_of(data, depth).trained.minus(1.0),
        source="Wang & Pehlevan 2025, App. F.3",
        tests="paper",
        bound=1.0,
        margin=0.1,
    )


def _waiting_law(data: Arrays) -> Claim:
    """Exponent of the waiting time in Q at the greatest depth, between the two smallest initial gains."""
    depth = int(data["depths"][-1])
    times = np.log(data["waiting"][-1, :3])
    return Claim.identity(
        f"depth {depth}: waiting time",
        "τ* ∝ Q^{2/L-1} for small Q: exponent of the implicit solution between Q = 1e-6 and 3e-6",
        float(np.polyfit(np.log(data["initial_gains"][:3]), times, 1)[0]),
        source="this project, from App. F.3",
        theory=2 / depth - 1,
        margin=0.02,
    )
