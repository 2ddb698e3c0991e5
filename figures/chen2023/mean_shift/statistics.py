"""Numbers of trajectories and of thickness, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.agreement import Agreement, agreement

RESTING = 1e-3  # of the points' variance: less than that is not known of x_0 where denoising is said to rest
NEAR = 0.05  # of the points' standard deviation: what counts as arrived
PLANE = slice(0, 2)
LEVEL_OF_DEVIATIONS = 0.5


def slope_of_displacements(data: Arrays) -> np.ndarray:
    """Of the displacement of D from one record to the next on that of theory, ∫ dD/dσ dσ by trapezia, (sets,)."""
    measured = np.diff(data["denoising"], axis=1)
    steps = np.diff(data["levels"], axis=1)[..., None, None]
    expected = steps * (data["velocity"][:, 1:] + data["velocity"][:, :-1]) / 2
    return np.sum(measured * expected, axis=(1, 2, 3)) / np.sum(expected**2, axis=(1, 2, 3))


def share_while_certain(data: Arrays) -> np.ndarray:
    """Share of the length of denoising trajectories at levels where Cov(x_0|x) is next to nothing, (sets,)."""
    lengths = np.linalg.norm(np.diff(data["denoising"], axis=1), axis=-1)
    certain = data["uncertainty"][:, :-1] < RESTING * data["variance"][:, None, None]
    return np.sum(lengths * certain, axis=(1, 2)) / np.sum(lengths, axis=(1, 2))


def earlier_by(data: Arrays) -> np.ndarray:
    """Mean ln of the level from which on D is near its end, over that of x, (sets,)."""
    return (_level_of_arrival(data, "denoising") - _level_of_arrival(data, "sampling")).mean(axis=1)


def _level_of_arrival(data: Arrays, which: str) -> np.ndarray:
    """ln σ, (sets, starts)."""
    distance = np.linalg.norm(data[which] - data[which][:, -1:], axis=-1)
    near = distance < NEAR * np.sqrt(data["variance"])[:, None, None]
    last_far = near.shape[1] - 1 - np.argmax(~near[:, ::-1], axis=1)
    first_near = np.minimum(last_far + 1, near.shape[1] - 1)
    return np.log(np.take_along_axis(data["levels"], first_near, axis=1))


def departure_from_chord(data: Arrays) -> np.ndarray:
    """Largest distance of a sampling trajectory from the line of its ends, over their distance; mean, (sets,)."""
    start, end = data["sampling"][:, :1], data["sampling"][:, -1:]
    chord = end - start
    length = np.linalg.norm(chord, axis=-1, keepdims=True)
    along = np.sum((data["sampling"] - start) * chord / length, axis=-1, keepdims=True)
    off = np.linalg.norm(data["sampling"] - start - along * chord / length, axis=-1)
    return (off.max(axis=1) / length[:, 0, :, 0]).mean(axis=1)


def deviations(data: Arrays, which: str) -> tuple[np.ndarray, np.ndarray]:
    """Length of deviations in the plane and normal to it, over what they were at first, (sets, records, starts)."""
    name = {"simulated": "deviation", "theory": "deviation_theory"}[which]
    parts = data[name][..., PLANE], data[name][..., PLANE.stop :]
    plane, normal = (np.linalg.norm(part, axis=-1) for part in parts)
    return plane, normal


def at_the_level(data: Arrays, lengths: np.ndarray) -> np.ndarray:
    """ln of lengths at the level of half a unit, mean over starts, (sets,)."""
    record = np.argmin(np.abs(np.log(data["levels"][0] / LEVEL_OF_DEVIATIONS)))
    return np.log(lengths[:, record]).mean(axis=1)


def thickness_of(data: Arrays, which: str, where: str) -> np.ndarray:
    """√(mean of generated variances over directions without data), (…, networks, snapshots)."""
    generated = data[f"generated_{which}_{where}"]
    empty = data[f"variance_{where}"] == 0
    return np.sqrt(np.where(empty[..., None, :], generated, 0.0).sum(axis=-1) / empty.sum(axis=-1)[..., None])


def deviation_of_thickness(data: Arrays, where: str) -> Agreement:
    """Of ln(thickness trained/theory by the sampler's steps), over training times (and initial gains)."""
    deviation = np.log(thickness_of(data, "trained", where) / thickness_of(data, "theory", where))
    return agreement(np.moveaxis(deviation, -2, 0))


def deviation_of_modes(data: Arrays, where: str) -> Agreement:
    """The same of the standard deviations along directions with data."""
    ratio = np.log(data[f"generated_trained_{where}"] / data[f"generated_theory_{where}"]) / 2
    return agreement(ratio[:, :, (data[f"variance_{where}"] > 0).all(axis=0)])


def exponents(data: Arrays, where: str, first_time: float) -> np.ndarray:
    """-d ln(thickness²)/d ln τ of trained networks from a time on, (…, networks)."""
    times = data[f"times_{where}"]
    late = times >= first_time
    x = np.log(times[late])
    y = 2 * np.log(thickness_of(data, "trained", where)[..., late])
    x = x - x.mean()
    return -np.sum(x * y, axis=-1) / np.sum(x**2)
