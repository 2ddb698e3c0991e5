"""Areas under measured curves, in nats."""

from typing import NamedTuple

import numpy as np

from figures.common.stages import Arrays
from figures.common.target_nats import ratio_of_means, target_nats
from sims.measurements.estimates import Estimate


class Nats(NamedTuple):
    """What a target's variance adds up to, ∫σ V dσ, for every number of references."""

    estimates: list[Estimate]
    law: np.ndarray  # (n,), ln(N/n)


def nats(data: Arrays, name: str) -> Nats:
    """Of digits or of photographs."""
    found = target_nats(data["levels"], data[f"{name}_measured"], data[f"{name}_posterior"])
    return Nats(found, np.log(data[f"{name}_points"] / data["references"]))


def at_half(data: Arrays, name: str, index: int) -> Estimate:
    """V_STF/V_DSM at the level where a Gaussian has the information ln n; of means over all draws, by the jackknife."""
    return _ratio_at(data, name, index, np.log(data[f"{name}_half"][index - 1]))


def _ratio_at(data: Arrays, name: str, index: int, level: float) -> Estimate:
    """V_STF/V_DSM at ln σ = `level`."""
    curves, logs = data[f"{name}_measured"], np.log(data["levels"])
    at = np.array([[np.interp(level, logs, curve) for curve in row[[0, index]]] for row in curves])
    return ratio_of_means(at[:, 1], at[:, 0])


def low_and_high(data: Arrays, name: str, index: int) -> tuple[Estimate, Estimate]:
    """V_STF/V_DSM where V_DSM σ² has risen to a tenth of its most, and (n - 1) V_STF/V_DSM at the largest level.

    The first is NaN where V_DSM σ² is more at the smallest level already.
    """
    curves, number = data[f"{name}_measured"], data["references"][index]
    dsm, logs = curves[:, 0].mean(axis=0), np.log(data["levels"])
    above = int(np.argmax(dsm > 0.1 * dsm.max()))
    level = np.interp(0.1 * dsm.max(), dsm[above - 1 : above + 1], logs[above - 1 : above + 1]) if above else np.nan
    high = ratio_of_means((number - 1) * curves[:, index, -1], curves[:, 0, -1])
    return _ratio_at(data, name, index, level), high
