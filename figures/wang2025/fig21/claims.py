"""What Figure 21 states."""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import follows_recursion
from sims.measurements.agreement import agreement
from sims.measurements.estimates import mean_over


def claims(data: Arrays) -> list[Claim]:
    source = "Wang & Pehlevan 2025, App. D.2, Fig. 21"
    # Arrays are [mean, (seed,) time, mode]; the networks of one seed and different means are independent all the same.
    variances = np.moveaxis(np.log(data["variance_trained"] / data["variance_finite_steps"][:, None]), 1, 0)
    scale = np.sqrt(data["variance"])
    means = np.moveaxis((data["mean_trained"] - data["mean_finite_steps"][:, None]) / scale, 1, 0)
    return [
        follows_recursion("trained bias: generated variance, all means", source, agreement(variances)),
        follows_recursion("trained bias: generated mean, all means", source, agreement(means), "the mean over √λ"),
        _overshoot(data, 0),
        _overshoot(data, -1),
        _mixing(data),
    ]


def _overshoot(data: Arrays, index: int) -> Claim:
    """Largest excess of the gain of the weakest mode over its first and last values, for one mean."""
    ends = max(data["optimal_gain"][-1], data["gain_curve"][index][0, -1])
    estimate = mean_over(np.max(data["gain_trained"][index][..., -1], axis=-1) - ends)
    # The trained networks are seen at the snapshots only, so the theory is read there too.
    at_snapshots = np.interp(np.log(data["times"]), np.log(data["fine_times"]), data["gain_curve"][index][:, -1])
    length = data["mean_length"][index]
    return estimated_claim(
        f"|μ| = {length:g}: overshoot of the weakest mode",
        "largest gain of the weakest mode beyond its first and last, at σ = 1: the mean passes through the weights",
        estimate,
        source="Wang & Pehlevan 2025, App. D.2",
        theory=float(np.max(at_snapshots) - ends),
        tolerance=0.01,
    )


def _mixing(data: Arrays) -> Claim:
    """The least share of the generated covariance on the data's axes, for the longest mean."""
    estimate = mean_over(data["alignment_trained"][-1].min(axis=-1))
    return estimated_claim(
        f"|μ| = {data['mean_length'][-1]:g}: modes mix in passing",
        "smallest share over training of the generated covariance that lies on the data's principal axes",
        estimate,
        source="this project, from App. D.2",
        theory=float(data["alignment_curve"][-1].min()),
        tolerance=0.02,
    )
