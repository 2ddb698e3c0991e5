"""What claims and panels of `lazy_networks` read from its arrays: variances over members, emergence, agreement."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.vastola2025.lazy_networks.experiment import FINER
from sims.measurements.agreement import Agreement, agreement
from sims.measurements.estimates import Estimate
from sims.measurements.modes import first_crossing
from sims.measurements.resampling import jackknife

GROUPS = 20  # of members: the replicates of their variances
MEAN_SIGNIFICANCE = 10.0  # a mode's mean is timed if it ends that many of its standard errors from zero


def member_moments(data: Arrays, row: int) -> Float[np.ndarray, "models 2 times_and_end modes"]:
    """ω and ω² of every member at the training times and, last, at the end of training; for one P."""
    weights = np.concatenate([data["weights"][row], data["final_weights"][row][:, None]], axis=1)
    return np.stack([weights, weights**2], axis=1)


def variance_of(moments: Float[np.ndarray, "2 times modes"], models: int) -> Float[np.ndarray, "times modes"]:
    return (moments[1] - moments[0] ** 2) * models / (models - 1)


def predicted_variance(data: Arrays, order: str, row: int) -> Float[np.ndarray, "times_and_end modes"]:
    """Variance of the weights by one order of `LazyVKernel`, at the measured times and at the end of training."""
    variance = np.concatenate([data[f"variance_{order}"][::FINER], data[f"final_{order}"][None]])
    return variance / data["draws"][row]


def emergence_times(times: np.ndarray, curve: Float[np.ndarray, "times_and_end modes"], level: str) -> np.ndarray:
    """When each mode first reaches half of its final (`end`) or largest (`peak`) value."""
    final = curve[-1] if level == "end" else curve[:-1].max(axis=0)
    return first_crossing(times, curve[:-1], final / 2)


def has_mean(data: Arrays, row: int) -> np.ndarray:
    """Modes whose mean is away from zero: p(x, t) is even in x and E[x_0|x, t] odd, so that even modes have none."""
    stderr = np.sqrt(data["final_first_order"] / (data["draws"][row] * data["weights"].shape[1]))
    return np.abs(data["optimum"]) > MEAN_SIGNIFICANCE * stderr


def upper_triangle(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " pairs"]:
    return matrix[np.triu_indices(len(matrix))]


def deviation_of_variances(data: Arrays, row: int) -> Agreement:
    """Of measured over predicted variance from 1, over modes and times; unbiased in every group of members."""
    predicted = predicted_variance(data, "first_order", row)[:-1]
    groups = np.array_split(data["weights"][row], min(GROUPS, len(data["weights"][row]) // 2))
    return agreement(np.stack([group.var(axis=0, ddof=1) / predicted - 1 for group in groups]))


def distance_of_covariances(data: Arrays, run: int) -> Agreement:
    """Of measured from predicted covariance of the score at all pairs of probes, relative to the predicted one."""
    outputs, predicted = data["network_outputs"][run], data["network_predicted"][run]
    groups = np.array_split(outputs, min(GROUPS, len(outputs) // 2))
    unit = np.linalg.norm(predicted) / np.sqrt(predicted.size)
    return agreement(np.stack([(np.cov(group.T) - predicted) / unit for group in groups]))


def median_covariance_ratio(data: Arrays, run: int) -> Estimate:
    """Measured over predicted covariance, median over the larger half of the pairs of probes."""
    outputs, predicted = data["network_outputs"][run], upper_triangle(data["network_predicted"][run])
    larger = np.abs(predicted) >= np.median(np.abs(predicted))
    models, probes = outputs.shape
    pairs = np.triu_indices(probes)
    # Deviations from the common mean: a large mean cannot swamp the products.
    deviation = outputs - outputs.mean(axis=0)
    summaries = np.concatenate([deviation, deviation[:, pairs[0]] * deviation[:, pairs[1]]], axis=1)

    def ratio(mean: np.ndarray) -> float:
        centre = mean[:probes]
        covariance = (mean[probes:] - centre[pairs[0]] * centre[pairs[1]]) * models / (models - 1)
        return float(np.median((covariance / predicted)[larger]))

    return jackknife(ratio, summaries)
