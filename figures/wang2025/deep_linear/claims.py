"""What is claimed of deep linear networks."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import discretisation, exponent_claim, follows_closed_form
from figures.studies.trained_modes.statistics import share_of_gains, share_of_variances
from figures.wang2025.deep_linear.statistics import emergence_of, fit_of


def claims(data: Arrays) -> list[Claim]:
    source, statements = "Wang & Pehlevan 2025, App. F.3", []
    for depth in data["trained_depths"]:
        within = share_of_variances(data[f"variance_trained_{depth}"], data[f"variance_finite_steps_{depth}"])
        statements.append(follows_closed_form(f"depth {depth}: generated variance", source, within))
        gains, expected = data[f"gain_trained_{depth}"], data[f"gain_finite_steps_{depth}"]
        within = share_of_gains(gains, expected, int(data["training_samples"]))
        statements.append(follows_closed_form(f"depth {depth}: weights", source, within))
        finite, closed = data[f"variance_finite_steps_{depth}"], data[f"variance_closed_form_{depth}"]
        statements.append(discretisation(f"depth {depth}", finite, closed))
        emergence = emergence_of(data, depth)
        name = f"depth {depth}: emergence exponent against theory"
        theory = data[f"emergence_theory_{depth}"]
        statements.append(exponent_claim(name, source, data["variance"], emergence, theory))
    return [*statements, _depth_keeps_the_law(data), _waiting_law(data)]


def _depth_keeps_the_law(data: Arrays) -> Claim:
    """The exponent of the deepest trained networks against the paper's law."""
    depth = int(data["trained_depths"].max())
    fit = fit_of(data, depth)
    return Claim(
        f"depth {depth}: inverse-variance law",
        "Wang & Pehlevan 2025, App. F.3",
        "depth accelerates or delays but does not remove the bias: τ* ∝ λ^-α with α ≈ 1",
        1.0,
        None,
        fit.measured,
        fit.interval,
        0.1,
    )


def _waiting_law(data: Arrays) -> Claim:
    """Exponent of the waiting time in Q at the greatest depth, between the two smallest initial gains."""
    depth = int(data["depths"][-1])
    times = np.log(data["waiting"][-1, :3])
    exponent = float(np.polyfit(np.log(data["initial_gains"][:3]), times, 1)[0])
    return Claim(
        f"depth {depth}: waiting time",
        "this project, from App. F.3",
        "τ* ∝ Q^{2/L-1} for small Q: exponent of the implicit solution between Q = 1e-6 and 3e-6",
        None,
        2 / depth - 1,
        exponent,
        (exponent, exponent),
        0.02,
    )
