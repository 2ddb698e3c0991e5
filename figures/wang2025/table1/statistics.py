"""What the cells of Table 1 hold: (theory, measured minus theory)."""

import numpy as np

from figures.common.emergence import measured_emergence
from figures.common.power_laws import fitted_exponent
from figures.common.stages import Arrays
from sims.measurements.agreement import Agreement, agreement
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.modes import first_crossing


def distinct_modes(data: Arrays) -> np.ndarray:
    """One of each pair of Fourier modes, k = 0 … N/2."""
    return np.arange(data["variance"].size // 2 + 1)


def weight_times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When gains pass the harmonic mean of their first and last values: theory (modes,), trained (seeds, modes)."""
    curve = data[f"gain_{name}"][:, distinct_modes(data)]
    first, last = curve[0], curve[-1]
    level = 2 * first * last / (first + last)
    return _times(data, name, curve, data[f"gain_trained_{name}"], level)


def variance_times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When generated variances pass the geometric mean of their first and *last* values, theory and trained."""
    curve = data[f"variance_{name}"][:, distinct_modes(data)]
    return _times(data, name, curve, data[f"variance_trained_{name}"], np.sqrt(curve[0] * curve[-1]))


def _times(data: Arrays, name: str, curve: np.ndarray, trained: np.ndarray, level: np.ndarray):
    """Trained networks are seen at the snapshots only; theory is read there too, and interpolated alike."""
    snapshots = data[f"snapshots_{name}"]
    logarithms = np.log(curve)
    seen = [np.interp(np.log(snapshots), np.log(data[f"fine_{name}"]), of_mode) for of_mode in logarithms.T]
    theory = first_crossing(snapshots, np.exp(np.stack(seen, axis=1)), level)
    return theory, measured_emergence(snapshots, trained[..., distinct_modes(data)], level)


def exponent(data: Arrays, name: str) -> tuple[float, Estimate]:
    """Exponent of the emergence of generated variance, and how far that of trained networks is from it."""
    theory, measured = variance_times(data, name)
    fit = fitted_exponent(data["variance"][distinct_modes(data)], measured, theory)
    return float(fit.closed_form.exponent), fit.trained.minus(fit.closed_form.exponent)


def weight_ratio(data: Arrays, name: str) -> tuple[float, Estimate]:
    """ln of trained over theoretical time of the weight, mean over the modes with something to learn."""
    theory, measured = weight_times(data, name)
    curve = data[f"gain_{name}"][:, distinct_modes(data)]
    usable = np.isfinite(theory) & (np.abs(np.log(curve[-1] / curve[0])) > 0.5)
    return 0.0, mean_over(np.log(measured / theory)[:, usable].mean(axis=1))


def speed(data: Arrays, name: str) -> tuple[float, Estimate]:
    """ln of how many times earlier than with one layer the largest variance emerges, and the deviation from it."""
    (theory, measured), (one_theory, one_measured) = variance_times(data, name), variance_times(data, "one_layer")
    expected = float(np.log(one_theory[0] / theory[0]))
    return expected, mean_over(np.log(one_measured[:, 0] / measured[:, 0])).minus(expected)


def reached(data: Arrays, name: str) -> tuple[float, Agreement]:
    """How far generated variances are from theory with the same steps at the end of the run."""
    return 0.0, agreement(np.log(data[f"variance_trained_{name}"][:, -1] / data[f"variance_finite_steps_{name}"][-1]))


def spread(data: Arrays, name: str) -> tuple[float, Estimate]:
    """ln of the latest over the earliest emergence time, of the modes that are these in theory, and the deviation."""
    theory, measured = map(np.log, variance_times(data, name))
    earliest, latest = int(np.argmin(theory)), int(np.argmax(theory))
    expected = float(theory[latest] - theory[earliest])
    return expected, mean_over(measured[:, latest] - measured[:, earliest]).minus(expected)


# Of the two starts: aligned, and not.
ALIGNED, UNALIGNED = 0, 1


def unaligned_variances(data: Arrays) -> Agreement:
    """How far ln λ̃ of networks that started unaligned is from theory with the same steps, over modes and times."""
    trained, expected = (np.diagonal(each, axis1=-2, axis2=-1) for each in _of_start(data, UNALIGNED))
    return agreement(np.log(trained / expected))


def unaligned_correlations(data: Arrays) -> Agreement:
    """The same of Σ̃_km/√(Σ̃_kk Σ̃_mm) between modes that are correlated at the start, neighbours in variance."""
    trained, expected = (_correlation_of_neighbours(each) for each in _of_start(data, UNALIGNED))
    return agreement(trained - expected)


def share_off_axes(covariance: np.ndarray) -> np.ndarray:
    """1 - χ = Σ_{k≠m} Σ̃_km²/Σ_km Σ̃_km² of covariances (..., modes, modes): the share off the data's axes."""
    squares = covariance**2
    off_axes = squares * (1 - np.eye(squares.shape[-1]))  # summed, as 1 - χ would round to zero
    return off_axes.sum(axis=(-2, -1)) / squares.sum(axis=(-2, -1))


def share_off_axes_of_aligned(data: Arrays) -> Estimate:
    """Mean over training of what aligned networks generate off the data's axes."""
    trained, _ = _of_start(data, ALIGNED)
    return mean_over(share_off_axes(trained).mean(axis=1))


def halved_share_off_axes(data: Arrays) -> tuple[float, Estimate]:
    """ln of the share of unaligned networks at the snapshot where theory first has half of that at the first snapshot
    or less, and the deviation from theory."""
    trained, expected = (np.log(share_off_axes(each)) for each in _of_start(data, UNALIGNED))
    halved = int(np.argmax(expected <= expected[0] - np.log(2)))
    return float(expected[halved]), mean_over(trained[:, halved]).minus(expected[halved])


def fall_of_share_off_axes(data: Arrays) -> Estimate:
    """ln of the share of unaligned networks at the last snapshot over that at the first."""
    share = share_off_axes(_of_start(data, UNALIGNED)[0])
    return mean_over(np.log(share[:, -1] / share[:, 0]))


def _of_start(data: Arrays, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Generated covariances, trained (seeds, snapshots, modes, modes) and of theory with the same steps."""
    return data["covariance_trained_two_starts"][start], data["covariance_finite_steps_two_starts"][start]


def _correlation_of_neighbours(covariance: np.ndarray) -> np.ndarray:
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)
    between = np.diagonal(covariance, offset=1, axis1=-2, axis2=-1)
    return between / np.sqrt(variance[..., 1:] * variance[..., :-1])
