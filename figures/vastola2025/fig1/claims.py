"""Claims of Figure 1 of Vastola 2025."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.vastola2025.fig1.experiment import DATA_SETS, SIMULATED_TIMES
from sims.measurements.agreement import agreement
from sims.measurements.estimates import mean_over

SOURCE = "Vastola 2025, Fig. 1"


def claims(data: Arrays) -> list[Claim]:
    return [_map(data), _growth(data), *[_between(data, name) for name in DATA_SETS]]


def _map(data: Arrays) -> Claim:
    """Over the bins that every block of draws has filled."""
    filled = np.isfinite(data["simulated"]).all(axis=0) & np.isfinite(data["expected"])
    return Claim.from_estimate(
        "boundary map against simulated proxy scores",
        "systematic deviation of the variance share of s̃ in small bins from theory (root mean square over bins, data "
        "sets and two times)",
        agreement((data["simulated"] - data["expected"])[:, filled]),
        source=SOURCE,
        tests="theory",
        theory=0.0,
        margin=0.05,
    )


def _growth(data: Arrays) -> Claim:
    time = SIMULATED_TIMES[0]
    corners = data["points_hexagon"]
    middles = _at(data, "hexagon", np.sqrt(1 - time) * (corners + np.roll(corners, 1, axis=0)) / 2)
    # One noise width outside the points. All six are alike; bins that too few pairs of a block fill are left out.
    outside = _at(data, "hexagon", corners * (np.sqrt(1 - time) + np.sqrt(time)))
    return Claim.from_estimate(
        f"variance share grows towards the boundary, hexagon, t = {time:g}",
        "the share half way between neighbours exceeds that one noise width outside the points, by 0.1 or more",
        mean_over(_mean_of_filled(middles) - _mean_of_filled(outside)),
        source=SOURCE,
        tests="paper",
        bound=0.0,
        relation="greater",
        margin=0.1,
    )


def _between(data: Arrays, name: str) -> Claim:
    """Half way between every point and its nearest neighbour, in every block: far more than half is meant."""
    time, points = SIMULATED_TIMES[0], data[f"points_{name}"]
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.diag(np.full(len(points), np.inf))
    middles = np.sqrt(1 - time) * (points + points[np.argmin(distance, axis=1)]) / 2
    return Claim.check(
        f"boundary between neighbours, {name}, t = {time:g}",
        "half way between nearest neighbours the proxy score is mostly variance: smallest simulated share",
        float(np.fmin.reduce(_at(data, name, middles), axis=None)),
        source=SOURCE,
        tests="paper",
        bound=0.5,
        relation="greater",
    )


def _mean_of_filled(shares: np.ndarray) -> np.ndarray:
    """Over positions, those without a number left out; NaN, and no warning, where all are without."""
    return np.ma.masked_invalid(shares).mean(axis=1).filled(np.nan)


def _at(data: Arrays, data_set: str, positions: np.ndarray) -> np.ndarray:
    """Simulated share in the bins that hold the given positions, at the first time, [block, position]."""
    index = np.searchsorted(data["edges"], positions) - 1
    return data["simulated"][:, list(DATA_SETS).index(data_set), 0, index[:, 1], index[:, 0]]
