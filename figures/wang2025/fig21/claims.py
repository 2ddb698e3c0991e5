"""What Figure 21 states."""

import numpy as np

from figures.common.claims import Claim
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
        _overshoot(data),
        _mixing(data),
    ]


def _overshoot(data: Arrays) -> Claim:
    """Excess of the gain of the weakest mode over its first and last values, for the longest mean, when it is largest.

    Trained networks are seen at the snapshots only: the time is that of the snapshot at which theory has its maximum,
    and theory is read there too.
    """
    theory = _at_snapshots(data, data["gain_curve"][-1][:, -1])
    ends = max(data["optimal_gain"][-1], data["gain_curve"][-1][0, -1])
    largest, length = int(np.argmax(theory)), data["mean_length"][-1]
    expected = float(theory[largest] - ends)
    return Claim.from_estimate(
        f"|μ| = {length:g}: overshoot of the weakest mode",
        "largest gain of the weakest mode beyond its first and last, at σ = 1: the mean passes through the weights",
        mean_over(data["gain_trained"][-1][:, largest, -1] - ends).minus(expected),
        source="Wang & Pehlevan 2025, App. D.2",
        tests="theory",
        theory=expected,
        margin=0.01,
    )


def _mixing(data: Arrays) -> Claim:
    """The share of the generated covariance on the data's axes, for the longest mean, when it is smallest in theory."""
    theory = _at_snapshots(data, data["alignment_curve"][-1])
    smallest = int(np.argmin(theory))
    return Claim.from_estimate(
        f"|μ| = {data['mean_length'][-1]:g}: modes mix in passing",
        "smallest share over training of the generated covariance that lies on the data's principal axes",
        mean_over(data["alignment_trained"][-1][:, smallest]).minus(theory[smallest]),
        source="this project, from App. D.2",
        tests="theory",
        theory=float(theory[smallest]),
        margin=0.02,
    )


def _at_snapshots(data: Arrays, curve: np.ndarray) -> np.ndarray:
    """A curve of theory at the times at which trained networks are seen."""
    return np.interp(np.log(data["times"]), np.log(data["fine_times"]), curve)
