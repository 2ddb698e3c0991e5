"""Claims of Figure 1 of Vastola 2025."""

from functools import partial

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.vastola2025.fig1.experiment import DATA_SETS, SIMULATED_TIMES
from sims.measurements.estimates import mean_over

_claim = partial(estimated_claim, source="Vastola 2025, Fig. 1")


def claims(data: Arrays) -> list[Claim]:
    difference = (data["simulated"] - data["expected"]).reshape(len(DATA_SETS) * len(SIMULATED_TIMES), -1)
    time = SIMULATED_TIMES[0]
    corners = data["points_hexagon"]
    middles = _at(data, "hexagon", time, np.sqrt(1 - time) * (corners + np.roll(corners, 1, axis=0)) / 2)
    # One noise width outside the points.
    outside = _at(data, "hexagon", time, corners * (np.sqrt(1 - time) + np.sqrt(time)))
    return [
        _claim(
            "boundary map against simulated proxy scores",
            "mean over positions of (variance share of s̃ in a small bin - theory) is zero",
            mean_over(np.nanmean(difference, axis=1)),
            theory=0.0,
            tolerance=0.01,
        ),
        _claim(
            f"boundary between neighbours, hexagon, t = {time:g}",
            "half way between neighbouring points the proxy score is mostly variance: share > 0.5",
            mean_over(middles),
            paper=0.5,
            relation="greater",
        ),
        _claim(
            f"variance share grows towards the boundary, hexagon, t = {time:g}",
            "the share half way between neighbours exceeds the share just outside the points",
            mean_over(middles - outside),
            paper=0.0,
            relation="greater",
        ),
    ]


def _at(data: Arrays, data_set: str, time: float, positions: np.ndarray) -> np.ndarray:
    """Simulated fraction in the bins that hold the given positions."""
    row, column = list(DATA_SETS).index(data_set), SIMULATED_TIMES.index(time)
    index = np.searchsorted(data["edges"], positions) - 1
    return data["simulated"][row, column, index[:, 1], index[:, 0]]
