"""Where samples lie relative to points of the unit circle, and how likely a circle is under them."""

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from sims.measurements.estimates import known_numbers

_NODES = 256


def distance_to_circle(samples: Float[np.ndarray, "n 2"]) -> float:
    """Root mean square of |x| - 1. Raises ValueError for NaN."""
    return float(np.sqrt(np.mean((np.linalg.norm(known_numbers(samples), axis=1) - 1) ** 2)))


def distance_along_circle(samples: Float[np.ndarray, "n 2"], points: Float[np.ndarray, "m 2"]) -> float:
    """Root mean square of the angle to the nearest of the points, in radians. Raises ValueError for NaN."""
    samples = known_numbers(samples)
    angle, others = (np.arctan2(rows[:, 1], rows[:, 0]) for rows in (samples, points))
    apart = np.abs(np.angle(np.exp(1j * (angle[:, None] - others[None]))))
    return float(np.sqrt(np.mean(np.min(apart, axis=1) ** 2)))


def circle_log_loss(samples: Float[np.ndarray, "n 2"], width: float) -> float:
    """-∫ ln f dθ/2π over the unit circle, in nats, f = (1/n) Σ N(·; x_i, width²I) the samples' kernel density.

    The negative log-likelihood of held-out points of the circle, of which there are as many as can be: the mean is
    taken over evenly spaced ones. Raises ValueError for NaN.
    """
    samples, angle = known_numbers(samples), 2 * np.pi * np.arange(_NODES) / _NODES
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    apart = np.sum((circle[:, None] - samples[None]) ** 2, axis=-1)
    log_density = logsumexp(-apart / (2 * width**2), axis=1) - np.log(len(samples) * 2 * np.pi * width**2)
    return float(-np.mean(log_density))
