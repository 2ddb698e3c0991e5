"""Errors of densities on a line against a population of any shape, by Parseval's theorem and without bins.

∫(p̂ - p)² dx = (1/π) ∫_0^∞ |φ̂(k) - φ(k)|² dk of characteristic functions φ(k) = E e^{ikx}: of points under Gaussian
noise of width σ it is the mean of e^{ikx_i} times e^{-σ²k²/2}.
"""

from dataclasses import dataclass

import numpy as np

_STEP = 0.25  # of k: densities repeat after 2π/.25 = 25 deviations, where nothing is left


def wave_numbers(blur: float) -> np.ndarray:
    """k ≥ 0 up to where e^-σ²k² of the least blur is 1e-16."""
    return np.arange(0.0, 6.1 / blur, _STEP)


@dataclass
class Population:
    """Points with mean 0 and variance 1; their density p is blurred by Gaussians of the width `blur`."""

    points: np.ndarray
    blur: float

    def __post_init__(self) -> None:
        self.k = wave_numbers(self.blur)
        weights = np.full(self.k.size, _STEP / np.pi)
        weights[0] /= 2
        self.raw = characteristic(self.points[None], self.k)[0]
        self.phi = self.raw * np.exp(-((self.blur * self.k) ** 2) / 2)
        self.weights = weights / (np.abs(self.phi) ** 2 @ weights)  # so that ∫p² is one

    def kernel_error(self, data: int, levels: np.ndarray) -> np.ndarray:
        """Expected error of n points under noise of each level: variance and squared bias, without approximation."""
        noise = np.exp(-((levels[:, None] * self.k) ** 2) / 2)
        variance = (noise**2 * (1 - np.abs(self.raw) ** 2)) @ self.weights / data
        return variance + np.abs(self.raw * noise - self.phi) ** 2 @ self.weights

    def best_level(self, data: int) -> float:
        levels = np.geomspace(self.blur, 2.0, 200)
        return float(levels[np.argmin(self.kernel_error(data, levels))])

    def errors(self, points: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Of sets of points (sets, n) under noise of each level, (sets, levels)."""
        own = characteristic(points, self.k)[:, None]
        return np.abs(own * np.exp(-((levels[:, None] * self.k) ** 2) / 2) - self.phi) ** 2 @ self.weights

    def errors_of_gaussians(self, variances: np.ndarray) -> np.ndarray:
        """Of N(0, c) for any shape of c."""
        return np.abs(np.exp(-variances[..., None] * self.k**2 / 2) - self.phi) ** 2 @ self.weights

    def density(self, places: np.ndarray) -> np.ndarray:
        """p(x)."""
        weights = np.where(self.k == 0, 0.5, 1.0) * _STEP / np.pi
        return np.real(np.exp(-1j * np.outer(places, self.k)) * self.phi) @ weights


def characteristic(points: np.ndarray, k: np.ndarray) -> np.ndarray:
    """(1/n) Σ_i e^{ikx_i} of sets of points (sets, n): (sets, k), set by set."""
    return np.stack([np.exp(1j * np.outer(k, each)).mean(axis=1) for each in points])
