"""Times read from curves of losses, and their exponents in the number of points."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays

FIT = 0.9  # of what the test loss falls, where a model counts as having generalised
GAP = 0.25  # of the best possible loss, by which the train loss lies below the test loss where it has memorised
_CELLS = 40
_FIRST = 1.0  # training time


def generalisation_times(data: Arrays, kind: str = "trained") -> Float[np.ndarray, "samples replicates"]:
    """First time at which the test loss has fallen by nine tenths of the way from 1 to its smallest value."""
    fallen = 1 - data[kind][..., 1]
    return _each(data["tau"], fallen, FIT * fallen.max(axis=-1))


def memorisation_times(data: Arrays, kind: str = "trained") -> Float[np.ndarray, "samples replicates"]:
    """First time at which the train loss lies below the test loss by a quarter of the best loss on fresh data."""
    gap = data[kind][..., 1] - data[kind][..., 0]
    return _each(data["tau"], gap, np.full(gap.shape[:-1], GAP * float(data["best"])))


def edge_times(data: Arrays) -> Float[np.ndarray, "samples replicates"]:
    """ψ_p/σ²λ, λ the smallest of the n - d eigenvalues of ρ_1: the paper's τ_mem of these draws."""
    return float(data["features"]) / (float(data["noise"]) ** 2 * data["eigenvalues"])


def exponents(
    times: Float[np.ndarray, "samples *replicates"], samples: Float[np.ndarray, " samples"]
) -> Float[np.ndarray, "*replicates"]:
    """Slope of ln τ against ln n, by least squares; NaN where a time is."""
    place = np.log(samples) - np.log(samples).mean()
    return np.tensordot(place, np.log(times), axes=1) / np.sum(place**2)


def deviations(data: Arrays, place: int, kind: str) -> Float[np.ndarray, "replicates cells"]:
    """ln of trained losses over those in closed form, train and test, at times that are common to all draws.

    They end where half of the time has gone in which the modes at s_t² are learned: of what those learn the Gaussian
    equivalents know nothing.
    """
    times = common_times(data)
    ratio = np.log(data["trained"][place] / data[kind][place])
    found = [
        np.concatenate([np.interp(np.log(times), np.log(tau), each[:, loss]) for loss in (0, 1)])
        for tau, each in zip(data["tau"][place], ratio, strict=True)
    ]
    return np.stack(found)


def common_times(data: Arrays) -> Float[np.ndarray, " times"]:
    return np.geomspace(_FIRST, float(data["floor_time"]) / 2, _CELLS)


def _each(tau: np.ndarray, curve: np.ndarray, level: np.ndarray) -> np.ndarray:
    shape = level.shape
    rows = zip(tau.reshape(-1, tau.shape[-1]), curve.reshape(-1, tau.shape[-1]), level.ravel(), strict=True)
    return np.array([_first_time(*row) for row in rows]).reshape(shape)


def _first_time(tau: np.ndarray, curve: np.ndarray, level: float) -> float:
    """Linear in ln τ between snapshots; NaN if the first of them is there already, and if none is."""
    reached = np.flatnonzero(curve >= level)
    if not reached.size or reached[0] == 0:
        return np.nan
    at = int(reached[0])
    share = (level - curve[at - 1]) / (curve[at] - curve[at - 1])
    return float(np.exp((1 - share) * np.log(tau[at - 1]) + share * np.log(tau[at])))
