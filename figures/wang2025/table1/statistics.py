"""What the cells of Table 1 hold, (theory, measured)."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import fitted_exponent
from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.modes import first_crossing


def distinct_modes(data: Arrays) -> np.ndarray:
    """One of each pair of Fourier modes, k = 0 … N/2."""
    return np.arange(data["variance"].size // 2 + 1)


def weight_times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When gains pass the harmonic mean of their first and last values: theory (modes,), trained (seeds, modes)."""
    modes, curve = distinct_modes(data), data[f"gain_{name}"]
    first, last = curve[0, modes], curve[-1, modes]
    level = 2 * first * last / (first + last)
    # Trained networks are seen at the snapshots only; theory is read there too, and interpolated alike.
    snapshots = np.log(data[f"snapshots_{name}"])
    seen = np.stack([np.interp(snapshots, np.log(data[f"fine_{name}"]), curve[:, mode]) for mode in modes], axis=1)
    theory = first_crossing(data[f"snapshots_{name}"], seen, level)
    return theory, measured_emergence(data[f"snapshots_{name}"], data[f"gain_trained_{name}"][..., modes], level)


def variance_times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When generated variances pass the geometric mean of their first and *last* values, theory and trained."""
    modes, curve = distinct_modes(data), data[f"variance_{name}"]
    level = np.sqrt(curve[0, modes] * curve[-1, modes])
    theory = first_crossing(data[f"fine_{name}"], curve[:, modes], level)
    return theory, measured_emergence(data[f"snapshots_{name}"], data[f"variance_trained_{name}"][..., modes], level)


def exponent(data: Arrays, name: str) -> tuple[float, Estimate]:
    """Exponent of the emergence of generated variance."""
    theory, measured = variance_times(data, name)
    fit = fitted_exponent(data["variance"][distinct_modes(data)], measured, theory)
    return fit.closed_form.exponent, fit.trained


def weight_ratio(data: Arrays, name: str) -> tuple[float, Estimate]:
    """Trained over theoretical time of the weight, mean over the modes with something to learn."""
    theory, measured = weight_times(data, name)
    curve = data[f"gain_{name}"][:, distinct_modes(data)]
    usable = np.isfinite(measured).all(axis=0) & np.isfinite(theory) & (np.abs(np.log(curve[-1] / curve[0])) > 0.5)
    return 1.0, mean_over(np.mean(measured[:, usable] / theory[usable][None], axis=1))


def speed(data: Arrays, name: str) -> tuple[float, Estimate]:
    """How many times earlier than with one layer the largest variance emerges."""
    (theory, measured), (one_theory, one_measured) = variance_times(data, name), variance_times(data, "one_layer")
    return float(one_theory[0] / theory[0]), mean_over(one_measured[:, 0] / measured[:, 0])


def reached(data: Arrays, name: str) -> tuple[float, Estimate]:
    """Root mean square of ln(λ̃/λ) at the end of the run, with the jackknife's standard error over seeds.

    Logarithms are averaged over seeds first: sampling noise would add to the square of every single one.
    """
    target = np.log(data["variance"])
    theory = _root_mean_square(np.log(data[f"variance_{name}"][-1]) - target)
    deviations = np.log(data[f"variance_trained_{name}"][:, -1]) - target[None]
    seeds = len(deviations)
    without_one = [_root_mean_square(np.delete(deviations, seed, axis=0).mean(axis=0)) for seed in range(seeds)]
    stderr = np.sqrt((seeds - 1) * np.var(without_one))
    return theory, Estimate(np.asarray(_root_mean_square(deviations.mean(axis=0))), stderr, seeds)


def _root_mean_square(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))
