"""Numbers read from stored eigenvalues: distances to a law, edges by rank, and how many lie in a part."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays


def kolmogorov_smirnov(share: Float[np.ndarray, "replicates n"]) -> Float[np.ndarray, " replicates"]:
    """max |F_n - F| of every replicate, of F at its ordered numbers."""
    count = share.shape[1]
    after, before = np.arange(1, count + 1) / count, np.arange(count) / count
    return np.max(np.maximum(np.abs(after - share), np.abs(share - before)), axis=1)


def distances(data: Arrays, place: int, kind: str = "share") -> Float[np.ndarray, "dimensions replicates"]:
    """Kolmogorov-Smirnov distance of every draw to the fixed point, by dimension; `kind` "equivalent" of those."""
    return np.stack([kolmogorov_smirnov(data[f"{kind}_{place}_{each}"]) for each in range(len(data["dimension"]))])


def distance_exponents(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """Slope of the logarithm of the distance against that of the dimension, by least squares."""
    across = np.log(data["dimension"]) - np.log(data["dimension"]).mean()
    return across @ np.log(distances(data, place)) / np.sum(across**2)


def largest_draws(data: Arrays, place: int) -> Float[np.ndarray, "replicates n"]:
    """Eigenvalues in the largest dimension."""
    return data[f"eigenvalues_{place}_{len(data['dimension']) - 1}"]


def log_edge(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """ln of the smallest of the n - d eigenvalues of ρ_1: d of the n + d largest lie below it."""
    return np.log(largest_draws(data, place)[:, int(data["dimension"][-1])])


def low_share(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """How many of the n + d largest eigenvalues lie below half the left edge of ρ_1 in theory, over d."""
    below = largest_draws(data, place) < data["edge"][place, 0] / 2
    return below.sum(axis=1) / float(data["dimension"][-1])


def high_share(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """How many lie above half the left edge of ρ_2 in theory, over d."""
    above = largest_draws(data, place) > data["edge"][place, 1] / 2
    return above.sum(axis=1) / float(data["dimension"][-1])


def log_largest(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """Mean of ln λ over the d largest eigenvalues."""
    return np.log(largest_draws(data, place)[:, -int(data["dimension"][-1]) :]).mean(axis=1)
