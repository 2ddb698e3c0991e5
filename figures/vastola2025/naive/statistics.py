"""How the methods of `vastola2025_naive` are compared: distances, and the limit of small steps."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, weighted_sum

WORDS = {"naive": "naive sampler", "sde": "SDE", "fokker_planck": "Fokker-Planck"}
PATHS = {"naive": "paths", "sde": "sde_paths"}  # arrays that hold the number of paths
PAIRS = (("naive", "fokker_planck"), ("sde", "fokker_planck"), ("naive", "sde"))


def total_variation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Total variation between two sets of bin masses, without the upward bias of sampling noise; inputs (..., 2, bins).

    Half the sum of |difference| is positive even for equal laws. Here one half of the paths decides the sign in every
    bin and the other half is summed with it, both ways: the mean is zero for equal laws, and never above the truth.
    """
    difference = first - second
    swapped = difference[..., ::-1, :]
    return np.sum(np.sign(swapped) * difference, axis=(-2, -1)) / 4


def distance_by_steps(data: Arrays, first: str, second: str) -> Estimate:
    """Total variation at every number of steps, with its standard error for equal laws.

    Each half of n paths is a mean of signs with variance at most 1/2n. The two halves' sums sgn(a)b and sgn(b)a have
    correlation 2/π, so that their mean has variance (1 + 2/π)/4n; two independent sets of paths add.
    """
    counts = {name: float(data[paths]) for name, paths in PATHS.items()} | {"fokker_planck": np.inf}
    exact = data["density_fokker_planck"][int(data["converging"])]
    bins = {name: data[f"halves_{name}_of_steps"] for name in PATHS} | {"fokker_planck": exact[None, None]}
    variance = (1 + 2 / np.pi) / 4 * (1 / counts[first] + 1 / counts[second])
    value = total_variation(bins[first], bins[second])
    return Estimate(value, np.full_like(value, np.sqrt(variance)), int(min(counts[first], counts[second])))


def extrapolated_gap(data: Arrays, method: str, order: float) -> Estimate:
    """Gap mass as Δt → 0: the polynomial in Δt^order through the finest three (order ½) or two step counts."""
    count = 3 if order < 1 else 2
    x = np.power(1 / data["steps"][-count:].astype(float), order)
    weights = np.asarray([np.prod(np.delete(x, i) / (np.delete(x, i) - x[i])) for i in range(count)])
    value, error = (data[f"gap_{method}{part}_of_steps"][-count:] for part in ("", "_stderr"))
    return weighted_sum(weights, Estimate(value, error, int(data[PATHS[method]])))
