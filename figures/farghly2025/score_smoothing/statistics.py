"""Contrasts between bandwidths, and how many points smoothing is worth."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over


def at(data: Arrays, name: str, bandwidth: float) -> np.ndarray:
    """A measure at one bandwidth of the run, (replicates,)."""
    return data[name][:, int(np.argmin(np.abs(data["bandwidths"] - bandwidth)))]


def loss_change(data: Arrays, arrangement: str, of: str = "") -> np.ndarray:
    """Loss less that of the same replicate without smoothing, (replicates, bandwidths)."""
    loss = data[f"{of}loss_{arrangement}"]
    return loss - loss[:, :1]


def best_places(data: Arrays, arrangement: str) -> np.ndarray:
    """For every replicate the place of the bandwidth at which the *others* have the least mean loss."""
    loss = data[f"loss_{arrangement}"]
    return np.array([np.argmin(np.delete(loss, r, axis=0).mean(axis=0)) for r in range(len(loss))])


def at_best(data: Arrays, measure: str, arrangement: str) -> np.ndarray:
    """A measure at the bandwidth which the other replicates choose, (replicates,)."""
    found = data[f"{measure}_{arrangement}"]
    return found[np.arange(len(found)), best_places(data, arrangement)]


def radial_share(data: Arrays, arrangement: str, of: str = "") -> np.ndarray:
    """How much of the squared distance from the points leads off the circle, at the best bandwidth, (replicates,).

    None where no sample has left its point.
    """
    radial, along = (at_best(data, f"{of}{measure}", arrangement) ** 2 for measure in ("radial", "along"))
    return radial / np.maximum(radial + along, np.finfo(float).tiny)


def effective_ratio(data: Arrays, dimension: int) -> Estimate:
    """N_eff/N as measured, with the formula's divided out, in logarithms: (ratios,)."""
    scatter = np.log(data[f"scatter_{dimension}"])
    return mean_over(scatter[:, :1] - scatter - np.log(data[f"effective_{dimension}"]))


def scatter_ratio(data: Arrays, dimension: int) -> Estimate:
    """ln of the measured scatter without smoothing over its formula."""
    return mean_over(np.log(data[f"scatter_{dimension}"][:, 0] / data[f"scatter_theory_{dimension}"]))
