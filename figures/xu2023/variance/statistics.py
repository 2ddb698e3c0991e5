"""Areas under measured curves, in nats."""

from typing import NamedTuple

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over


class Nats(NamedTuple):
    """What a target's variance adds up to, ∫σ V dσ, for every number of references."""

    per_replicate: np.ndarray  # (replicates, n)
    law: np.ndarray  # (n,), ln(N/n)

    def estimate(self, index: int) -> Estimate:
        """Of one number of references."""
        return mean_over(self.per_replicate[:, index])


def nats(data: Arrays, name: str) -> Nats:
    """By the trapezoidal rule in ln σ; beyond the largest level σ²V falls as σ^-2."""
    curves, logs = data[f"{name}_measured"], np.log(data["levels"])
    area = np.trapezoid(curves, logs, axis=-1) + curves[..., -1] / 2
    return Nats(area, np.log(data[f"{name}_points"] / data["references"]))


def at_half(data: Arrays, name: str, index: int) -> Estimate:
    """V_STF/V_DSM at the level where a Gaussian has the information ln n; of means over all draws, by the jackknife."""
    level = np.log(data[f"{name}_half"][index])
    curves, logs = data[f"{name}_measured"], np.log(data["levels"])
    at = np.array([[np.interp(level, logs, curve) for curve in row[[0, index]]] for row in curves])
    return jackknifed_ratio(at[:, 1], at[:, 0])


def jackknifed_ratio(above: np.ndarray, below: np.ndarray) -> Estimate:
    """Ratio of two means over the same replicates, with its error."""
    count = len(above)
    left_out = (above.sum() - above) / (below.sum() - below)
    return mean_over(count * above.mean() / below.mean() - (count - 1) * left_out)


def low_and_high(data: Arrays, name: str, index: int) -> tuple[Estimate, Estimate]:
    """(n - 1) V_STF/V_DSM at the largest level, and V_STF/V_DSM where V_DSM σ² has risen to a tenth of its most."""
    curves = data[f"{name}_measured"]
    dsm = curves[:, 0].mean(axis=0)
    first = int(np.argmax(dsm > 0.1 * dsm.max()))
    number = data["references"][index]
    high = jackknifed_ratio((number - 1) * curves[:, index, -1], curves[:, 0, -1])
    return jackknifed_ratio(curves[:, index, first], curves[:, 0, first]), high
