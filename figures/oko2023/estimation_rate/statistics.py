"""Ratios of errors to theory, and rates, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays

BLOCKS = 8  # of sets, over which errors are averaged before their logarithm is taken


def exact_over_theory(data: Arrays, where: str) -> np.ndarray:
    """Error of the stopped exact score over theory, less one, mean over n and levels, (sets,)."""
    return (data[f"exact_{where}"] / data[f"exact_theory_{where}"]).mean(axis=(1, 2)) - 1


def exact_at_best(data: Arrays, where: str) -> np.ndarray:
    """(sets, n)."""
    return data[f"exact_{where}"][:, :, 1]


def sampled_less_unsampled(data: Arrays, where: str) -> np.ndarray:
    """Error by samples of the ODE less that of the sum of Gaussians of the same points, over theory, (sets,)."""
    return (data[f"sampled_{where}"] - data[f"unsampled_{where}"]) / data[f"exact_theory_{where}"][1, 1]


def rate(sizes: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """-d ln(error)/d ln n by least squares over all n; errors (..., n) -> (...)."""
    log_size = np.log(sizes) - np.log(sizes).mean()
    return -np.log(errors) @ log_size / (log_size @ log_size)


def rate_of_blocks(sizes: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """`rate` of the means over blocks of sets (sets, n), (blocks,): a single set's error is far from its mean."""
    return rate(sizes, np.stack([block.mean(axis=0) for block in np.array_split(errors, BLOCKS)]))


def linear_theory(data: Arrays, where: str) -> np.ndarray:
    """(n, times): on the plane with the error d(d - 1)/8n of the basis, d = 2, right at the end of training."""
    theory = data[f"linear_theory_{where}"]
    return theory + 0.25 / data["data"][:, None] if where == "plane" else theory


def linear_over_theory(data: Arrays, where: str, time: int = -1, sizes: slice = slice(None)) -> np.ndarray:
    """Error of linear denoisers over theory, less one, mean over n, (networks,)."""
    return (data[f"linear_{where}"][:, sizes, time] / linear_theory(data, where)[sizes, time]).mean(axis=1) - 1


def log_ratio_of_kinds(data: Arrays, where: str) -> np.ndarray:
    """ln(error of trained linear denoisers/that of the exact score at its best level) at the most points, (blocks,)."""
    linear, exact = data[f"linear_{where}"][:, -1, -1], exact_at_best(data, where)[:, -1]
    means = [[block.mean() for block in np.array_split(each, BLOCKS)] for each in (linear, exact)]
    return np.log(means[0]) - np.log(means[1])


def over_floor(data: Arrays) -> np.ndarray:
    """Error of linear denoisers of the most photographs over that of infinitely many, less one, (networks,)."""
    return data["linear_photographs"][:, -1, -1] / data["floor_photographs"][-1] - 1
