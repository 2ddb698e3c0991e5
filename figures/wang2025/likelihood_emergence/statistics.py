"""When the likelihood has emerged and when samples have, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.agreement import Agreement, agreement
from sims.measurements.modes import first_crossing
from theory.definitions.processes import EDM

FEWEST_NATS = 0.1  # of the cells where excesses are compared: below, the finite training set is part of what is left
NAT = 1.0


def when_nats_are_left(data: Arrays, which: str, where: str, nats: float = NAT) -> np.ndarray:
    """Time at which the excess of every network and mode has fallen to so many nats, (networks, modes)."""
    excess = np.moveaxis(data[f"excess_{which}_{where}"], 1, 0)
    return first_crossing(data[f"times_{where}"], excess, np.full(excess.shape[1:], nats))


def when_half_is_left(data: Arrays, which: str, where: str) -> np.ndarray:
    """The same for half of the nats before training, ½[x - ln(1 + x)] for x = λ/σ_0²."""
    ratio = data[f"variance_{where}"] / EDM().sigma_min ** 2
    excess = np.moveaxis(data[f"excess_{which}_{where}"], 1, 0)
    return first_crossing(
        data[f"times_{where}"], excess, np.broadcast_to((ratio - np.log1p(ratio)) / 4, excess[0].shape)
    )


def when_samples_are_there(data: Arrays, which: str, where: str) -> np.ndarray:
    """Time at which generated variances are half-way in logarithms, √(σ_0² λ) from zero maps, (networks, modes)."""
    generated = np.moveaxis(data[f"generated_{which}_{where}"], 1, 0)
    level = np.sqrt(data[f"variance_{where}"]) * EDM().sigma_min
    return first_crossing(data[f"times_{where}"], generated, np.broadcast_to(level, generated.shape[1:]))


def exponents(data: Arrays, where: str, times: np.ndarray) -> np.ndarray:
    """-d ln τ/d ln λ of every network over all modes, (networks,)."""
    variance = np.broadcast_to(data[f"variance_{where}"], times.shape)
    pairs = zip(np.log(variance), np.log(times), strict=True)
    return np.array([-np.polyfit(x, y, 1)[0] if np.isfinite(y).all() else np.nan for x, y in pairs])


def exponent_of_small_noise(data: Arrays, where: str) -> float:
    """The same of ½ ln(λ/2σ_0²)/λ, mean over networks."""
    variance = data[f"variance_{where}"]
    times = np.log(variance / (2 * EDM().sigma_min ** 2)) / variance
    return float(exponents(data, where, times).mean())


def deviation_of_nats(data: Arrays, where: str) -> Agreement:
    """Of ln(excess trained/theory) over the modes and times at which theory has nats to lose."""
    theory = data[f"excess_theory_{where}"]
    cells = (theory >= FEWEST_NATS).all(axis=0)
    return agreement(np.log(data[f"excess_trained_{where}"] / theory)[:, cells])
