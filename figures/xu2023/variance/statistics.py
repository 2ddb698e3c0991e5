"""Areas under measured curves, in nats."""

from typing import NamedTuple

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over


class Nats(NamedTuple):
    """What a target's variance adds up to, ∫σ V dσ, for every number of references."""

    estimates: list[Estimate]
    law: np.ndarray  # (n,), ln(N/n)


def nats(data: Arrays, name: str) -> Nats:
    """By the trapezoidal rule in ln σ; beyond the largest level σ²V falls as σ^-2.

    What the draws of DSM's target differ by from their mean given x is known, and its mean is zero: what areas share
    with it is taken off, by least squares over the replicates.
    """
    area, known = _area(data, data[f"{name}_measured"]), _area(data, data[f"{name}_posterior"])
    chance = area[:, 0] - known
    estimates = [mean_over(known), *(controlled(each, chance) for each in area[:, 1:].T)]
    return Nats(estimates, np.log(data[f"{name}_points"] / data["references"]))


def _area(data: Arrays, curves: np.ndarray) -> np.ndarray:
    return np.trapezoid(curves, np.log(data["levels"]), axis=-1) + curves[..., -1] / 2


def controlled(values: np.ndarray, control: np.ndarray) -> Estimate:
    """Mean of the values where the control has its true mean, zero: the constant of a line, and its standard error."""
    design = np.stack([np.ones_like(control), control], axis=1)
    constant, slope = np.linalg.lstsq(design, values)[0]
    degrees = len(values) - 2
    scatter = np.sum((values - constant - slope * control) ** 2) / degrees
    error = np.sqrt(scatter * np.linalg.inv(design.T @ design)[0, 0])
    return Estimate(np.asarray(constant), np.asarray(error), degrees + 1)


def at_half(data: Arrays, name: str, index: int) -> Estimate:
    """V_STF/V_DSM at the level where a Gaussian has the information ln n; of means over all draws, by the jackknife."""
    return _ratio_at(data, name, index, np.log(data[f"{name}_half"][index - 1]))


def _ratio_at(data: Arrays, name: str, index: int, level: float) -> Estimate:
    """V_STF/V_DSM at ln σ = `level`."""
    curves, logs = data[f"{name}_measured"], np.log(data["levels"])
    at = np.array([[np.interp(level, logs, curve) for curve in row[[0, index]]] for row in curves])
    return jackknifed_ratio(at[:, 1], at[:, 0])


def jackknifed_ratio(above: np.ndarray, below: np.ndarray) -> Estimate:
    """Ratio of two means over the same replicates, with its error."""
    count = len(above)
    left_out = (above.sum() - above) / (below.sum() - below)
    return mean_over(count * above.mean() / below.mean() - (count - 1) * left_out)


def low_and_high(data: Arrays, name: str, index: int) -> tuple[Estimate, Estimate]:
    """V_STF/V_DSM where V_DSM σ² has risen to a tenth of its most, and (n - 1) V_STF/V_DSM at the largest level.

    The first is NaN where V_DSM σ² is more at the smallest level already.
    """
    curves, number = data[f"{name}_measured"], data["references"][index]
    dsm, logs = curves[:, 0].mean(axis=0), np.log(data["levels"])
    above = int(np.argmax(dsm > 0.1 * dsm.max()))
    level = np.interp(0.1 * dsm.max(), dsm[above - 1 : above + 1], logs[above - 1 : above + 1]) if above else np.nan
    high = jackknifed_ratio((number - 1) * curves[:, index, -1], curves[:, 0, -1])
    return _ratio_at(data, name, index, level), high
