"""Claims of Figure 1 of Vastola 2025."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.vastola2025.fig1.experiment import DATA_SETS, SIMULATED_TIMES
from sims.measurements.estimates import mean_over


def _at(data: Arrays, data_set: str, time: float, positions: np.ndarray) -> np.ndarray:
    """Simulated fraction in the bins that hold the given positions."""
    row, column = list(DATA_SETS).index(data_set), SIMULATED_TIMES.index(time)
    index = np.searchsorted(data["edges"], positions) - 1
    return data["simulated"][row, column, index[:, 1], index[:, 0]]


def claims(data: Arrays) -> list[Claim]:
    difference = (data["simulated"] - data["expected"]).reshape(len(DATA_SETS) * len(SIMULATED_TIMES), -1)
    per_map = mean_over(np.nanmean(difference, axis=1))
    time = SIMULATED_TIMES[0]
    corners = data["points_hexagon"]
    middles = np.sqrt(1 - time) * (corners + np.roll(corners, 1, axis=0)) / 2
    between = mean_over(_at(data, "hexagon", time, middles))
    source = "Vastola 2025, Fig. 1"
    return [
        Claim(
            "boundary map against simulated proxy scores",
            source,
            "mean over positions of (variance share of s̃ in a small bin - theory) is zero",
            None,
            0.0,
            float(per_map.value),
            per_map.interval,
            0.01,
        ),
        Claim(
            f"boundary between neighbours, hexagon, t = {time:g}",
            source,
            "half way between neighbouring points the proxy score is mostly variance: share > 0.5",
            0.5,
            None,
            float(between.value),
            between.interval,
            0.0,
            "greater",
        ),
        Claim(
            f"variance share grows towards the boundary, hexagon, t = {time:g}",
            source,
            "the share half way between neighbours exceeds the share just outside the points",
            0.0,
            None,
            *_contrast(data, time, middles, corners),
            0.0,
            "greater",
        ),
    ]


def _contrast(data: Arrays, time: float, middles: np.ndarray, corners: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Share half way between neighbours minus share one noise width outside the points, with its interval."""
    outside = corners * (np.sqrt(1 - time) + np.sqrt(time))
    difference = mean_over(_at(data, "hexagon", time, middles) - _at(data, "hexagon", time, outside))
    return float(difference.value), difference.interval
